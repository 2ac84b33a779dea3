package io.luciole.cli.embed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.Embedding;
import io.luciole.EmbeddingJson;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.Closeable;
import java.io.IOException;
import java.io.Writer;
import java.util.function.IntFunction;

/**
 * Writes embeddings as JSON lines, one object a line, with the vectors as {@link EmbeddingJson}
 * writes them:
 *
 * <pre>
 * {"id":ID,"tokens":N,"truncated":true,"dense":[f,…],"sparse":{"TOKEN ID":w,…},"colbert":[[f,…],…],
 *  "token_strings":{"TOKEN ID":"STRING",…}}
 * </pre>
 *
 * <p>Outputs that were not asked for are left out, and {@code truncated} where the text is whole.
 */
final class JsonLines implements Closeable {
  private final JsonGenerator json;
  private final VectorLayout layout;

  /**
   * Begins.
   *
   * @param out where to write; not closed by {@link #close}
   */
  JsonLines(Writer out, VectorLayout layout) throws IOException {
    this.layout = layout;
    json = new JsonFactory().createGenerator(out);
    json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
    json.disable(JsonGenerator.Feature.FLUSH_PASSED_TO_STREAM);
    json.setRootValueSeparator(null);
  }

  /** Writes one line. */
  void write(TextItem item, Embedding embedding) throws IOException {
    json.writeStartObject();
    writeHead(json, item, embedding);
    EmbeddingJson.writeVectors(
        json, embedding, layout.outputs(), EmbeddingJson.DenseEncoding.FLOAT);
    IntFunction<String> strings = layout.tokenStrings();
    if (strings != null && layout.outputs().contains(Output.SPARSE)) {
      writeTokenStrings(embedding.sparse(), strings);
    }
    json.writeEndObject();
    json.writeRaw('\n');
  }

  /** Writes the fields that tell of the text itself. */
  static void writeHead(JsonGenerator json, TextItem item, Embedding embedding) throws IOException {
    json.writeFieldName("id");
    json.writeRawValue(item.id().json());
    json.writeNumberField("tokens", embedding.tokenCount());
    if (embedding.truncated()) {
      json.writeBooleanField("truncated", true);
    }
  }

  private void writeTokenStrings(SparseVector sparse, IntFunction<String> strings)
      throws IOException {
    json.writeObjectFieldStart("token_strings");
    for (int i = 0; i < sparse.size(); i++) {
      json.writeStringField(Integer.toString(sparse.id(i)), strings.apply(sparse.id(i)));
    }
    json.writeEndObject();
  }

  /** Passes what is buffered on to the writer. */
  void flush() throws IOException {
    json.flush();
  }

  /** Ends the JSON. */
  @Override
  public void close() throws IOException {
    json.close();
  }
}
