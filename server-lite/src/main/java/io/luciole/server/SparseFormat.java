package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.Embedding;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

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

  /** The names of the query string that choose among them, and a role's. */
  static final BodyFields QUERY = BodyFields.lenient("role", "format", "tokens");

  /** What stands for a token. */
  enum Tokens {
    /** Its id, as a string: distinct, and free of characters that field names may not have. */
    ID,
    /** Its name in {@link TokenNames}: its string, with the id where that is not enough. */
    TEXT;

    private String name(int id, TokenNames names) {
      return this == ID ? Integer.toString(id) : names.of(id);
    }
  }

  /** The format that the URL's {@code format} names; {@link #LIST} if there is none. */
  static SparseFormat of(Exchange x) {
    String name = x.query("format");
    return name == null ? LIST : JsonBodies.choice(name, "format", Arrays.asList(values()));
  }

  /**
   * What stands for tokens, by the URL's {@code tokens}; their ids if it is not there.
   *
   * @throws Problem if this format has no place for that
   */
  Tokens tokens(Exchange x) {
    String name = x.query("tokens");
    Tokens tokens =
        name == null
            ? Tokens.ID
            : JsonBodies.choice(name, "tokens", Arrays.asList(Tokens.values()));
    if (this == LIST && tokens != Tokens.ID) {
      throw Problem.invalid(
          "tokens",
          "Expected \"tokens\" with format=map or format=object, found it with the list of ids that"
              + " text-embeddings-inference gives.");
    }
    return tokens;
  }

  /** Writes an answer. */
  byte[] write(TokenNames names, List<Embedding> embeddings, Tokens tokens) {
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
            SparseVector sparse = embedding.sparse();
            for (int j = 0; j < sparse.size(); j++) {
              out.writeNumberField(tokens.name(sparse.id(j), names), sparse.weight(j));
            }
            out.writeEndObject();
          }
          out.writeEndArray();
        }
        case OBJECT -> {
          out.writeStartObject();
          out.writeArrayFieldStart("data");
          for (int i = 0; i < embeddings.size(); i++) {
            writeParallel(out, i, embeddings.get(i).sparse(), tokens, names);
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

  private static void writeParallel(
      JsonGenerator out, int index, SparseVector sparse, Tokens tokens, TokenNames names)
      throws IOException {
    out.writeStartObject();
    out.writeNumberField("index", index);
    out.writeArrayFieldStart("sparse");
    for (int i = 0; i < sparse.size(); i++) {
      out.writeStartObject();
      out.writeStringField("token", tokens.name(sparse.id(i), names));
      out.writeNumberField("weight", sparse.weight(i));
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeEndObject();
  }
}
