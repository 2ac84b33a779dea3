package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How sparse vectors are answered. */
enum SparseFormat {
  /** {@code [[{"index": id, "value": weight}, …], …]}, as text-embeddings-inference does. */
  LIST,
  /** {@code [{"token": weight, …}, …]}, which Elasticsearch and OpenSearch read. */
  MAP,
  /**
   * {@code {"data": [{"index": 0, "sparse": [{"token": "token", "weight": weight}, …]}, …]}}, for
   * clients that read by paths and want an object at the root.
   */
  OBJECT;

  /** What stands for a token. */
  enum Tokens {
    /** Its id, as a string: distinct, and free of characters that field names may not have. */
    ID,
    /** Its string; tokens with the same string become one, with the greatest of their weights. */
    TEXT
  }

  /** The format that the URL's {@code format} names; {@link #LIST} if there is none. */
  static SparseFormat of(Exchange x) {
    String name = x.query("format");
    return name == null ? LIST : JsonBodies.choice(name, "format", Arrays.asList(values()));
  }

  /** What stands for tokens, by the URL's {@code tokens}; their ids if it is not there. */
  static Tokens tokens(Exchange x) {
    String name = x.query("tokens");
    return name == null
        ? Tokens.ID
        : JsonBodies.choice(name, "tokens", Arrays.asList(Tokens.values()));
  }

  /** Writes an answer. */
  byte[] write(EmbeddingEngine engine, List<Embedding> embeddings, Tokens tokens) {
    return JsonBodies.bytes(out -> {
      switch (this) {
        case LIST -> {
          out.writeStartArray();
          for (Embedding embedding : embeddings) {
            writeList(out, embedding.sparse());
          }
          out.writeEndArray();
        }
        case MAP -> {
          out.writeStartArray();
          for (Embedding embedding : embeddings) {
            out.writeStartObject();
            for (Map.Entry<String, Float> each : named(engine, embedding, tokens).entrySet()) {
              out.writeNumberField(each.getKey(), each.getValue());
            }
            out.writeEndObject();
          }
          out.writeEndArray();
        }
        case OBJECT -> {
          out.writeStartObject();
          out.writeArrayFieldStart("data");
          for (int i = 0; i < embeddings.size(); i++) {
            writeParallel(out, i, named(engine, embeddings.get(i), tokens));
          }
          out.writeEndArray();
          out.writeEndObject();
        }
      }
    });
  }

  private static void writeList(JsonGenerator out, SparseVector sparse) throws IOException {
    out.writeStartArray();
    for (int i = 0; i < sparse.size(); i++) {
      out.writeStartObject();
      out.writeNumberField("index", sparse.id(i));
      out.writeNumberField("value", sparse.weight(i));
      out.writeEndObject();
    }
    out.writeEndArray();
  }

  private static void writeParallel(JsonGenerator out, int index, Map<String, Float> weights)
      throws IOException {
    out.writeStartObject();
    out.writeNumberField("index", index);
    out.writeArrayFieldStart("sparse");
    for (Map.Entry<String, Float> each : weights.entrySet()) {
      out.writeStartObject();
      out.writeStringField("token", each.getKey());
      out.writeNumberField("weight", each.getValue());
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  private static Map<String, Float> named(
      EmbeddingEngine engine, Embedding embedding, Tokens tokens) {
    SparseVector sparse = embedding.sparse();
    Map<String, Float> weights = new LinkedHashMap<>();
    for (int i = 0; i < sparse.size(); i++) {
      String name =
          switch (tokens) {
            case ID -> Integer.toString(sparse.id(i));
            case TEXT -> engine.decodeToken(sparse.id(i));
          };
      weights.merge(name, sparse.weight(i), Math::max);
    }
    return weights;
  }
}
