package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.luciole.Embedding;
import io.luciole.EmbeddingJson;
import java.io.IOException;
import java.io.Writer;

/**
 * Writes embeddings as JSON lines, one object a line, with the vectors as {@link EmbeddingJson}
 * writes them:
 *
 * <pre>
 * {"id":ID,"tokens":N,"dense":[f,…],"sparse":{"TOKEN ID":w,…},"colbert":[[f,…],…]}
 * </pre>
 *
 * <p>Outputs that were not asked for are left out.
 */
final class EmbeddingLines implements AutoCloseable {
  private final JsonGenerator json;

  EmbeddingLines(Writer out) throws IOException {
    json = new JsonFactory().createGenerator(out);
    json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
    json.disable(JsonGenerator.Feature.FLUSH_PASSED_TO_STREAM);
    json.setRootValueSeparator(null);
  }

  /** A string as JSON, with its quotation marks. */
  static String quote(String text) {
    return '"' + String.valueOf(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
  }

  /**
   * Writes one line.
   *
   * @param id the id as JSON
   */
  void write(String id, Embedding embedding) throws IOException {
    json.writeStartObject();
    json.writeFieldName("id");
    json.writeRawValue(id);
    json.writeNumberField("tokens", embedding.tokenCount());
    EmbeddingJson.writeVectors(
        json, embedding, embedding.outputs(), EmbeddingJson.DenseEncoding.FLOAT);
    json.writeEndObject();
    json.writeRaw('\n');
  }

  /** Passes what is buffered on to the writer. */
  void flush() throws IOException {
    json.flush();
  }

  /** Ends the JSON. The writer stays open. */
  @Override
  public void close() throws IOException {
    json.close();
  }
}
