package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.Output;
import java.io.IOException;
import java.util.List;

/**
 * A request for dense vectors, whatever API it came by.
 *
 * @param model the model
 * @param inputs what to embed
 * @param where the name of the field that holds the inputs, for messages
 * @param options the role
 * @param longTexts what becomes of texts that are too long
 * @param dimensions how many components to keep
 */
record DenseRequest(
    ServedModel model,
    List<EmbeddingInput> inputs,
    String where,
    EmbedOptions options,
    LongTexts longTexts,
    int dimensions) {

  /** The number of components that a field asks for, or all. */
  static int dimensions(ServedModel model, JsonNode body, String field) {
    int all = model.engine().backend().dimension();
    return JsonBodies.integer(body, field, all, 1, all);
  }

  /** Embeds the inputs. */
  DenseVectors embed(Exchange x, Embedder embedder) throws Exception {
    List<Embedding> embeddings =
        embedder.embed(x, model, inputs, where, options.outputs(Output.DENSE), longTexts);
    return new DenseVectors(embeddings, dimensions);
  }

  /** The vectors of a request. */
  record DenseVectors(List<Embedding> embeddings, int dimensions) {
    int size() {
      return embeddings.size();
    }

    int tokens() {
      return Vectors.tokens(embeddings);
    }

    float[] get(int i) {
      return Vectors.shortened(embeddings.get(i).dense(), dimensions);
    }

    /** Writes an array of all vectors. */
    void write(JsonGenerator out, VectorFormat format) throws IOException {
      out.writeStartArray();
      for (int i = 0; i < size(); i++) {
        format.write(out, get(i));
      }
      out.writeEndArray();
    }
  }
}
