package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.io.Writer;

/**
 * Writes embeddings, one object a line:
 *
 * <pre>
 * {"id":ID,"tokens":N,"dense":[f,…],"sparse":{"TOKEN ID":w,…},"colbert":[[f,…],…]}
 * </pre>
 *
 * <p>Numbers are the shortest decimals that read back as the same float ({@link
 * Float#toString(float)}). Outputs that were not asked for are left out.
 */
final class EmbeddingJson implements AutoCloseable {
  private final JsonGenerator json;

  EmbeddingJson(Writer out) throws IOException {
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
    if (embedding.has(Output.DENSE)) {
      json.writeFieldName("dense");
      write(embedding.dense());
    }
    if (embedding.has(Output.SPARSE)) {
      json.writeFieldName("sparse");
      write(embedding.sparse());
    }
    if (embedding.has(Output.COLBERT)) {
      json.writeFieldName("colbert");
      write(embedding.colbert());
    }
    json.writeEndObject();
    json.writeRaw('\n');
  }

  private void write(float[] values) throws IOException {
    json.writeStartArray();
    for (float value : values) {
      json.writeNumber(value);
    }
    json.writeEndArray();
  }

  private void write(SparseVector sparse) throws IOException {
    json.writeStartObject();
    for (int i = 0; i < sparse.size(); i++) {
      json.writeFieldName(Integer.toString(sparse.id(i)));
      json.writeNumber(sparse.weight(i));
    }
    json.writeEndObject();
  }

  private void write(MultiVector rows) throws IOException {
    json.writeStartArray();
    for (int i = 0; i < rows.rows(); i++) {
      write(rows.row(i));
    }
    json.writeEndArray();
  }

  /** Hands what is buffered to the writer. */
  void flush() throws IOException {
    json.flush();
  }

  /** Ends the writing; the writer itself stays open. */
  @Override
  public void close() throws IOException {
    json.close();
  }
}
