package io.luciole.cli.embed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;

/**
 * A file of JSON lines about texts that could not be read or embedded: {@code
 * {"input":…,"line":…,"id":…,"error":…}}, without {@code id} where that could not be read. For one
 * thread.
 */
final class ErrorFile implements Closeable {
  private final JsonGenerator json;

  /**
   * Begins, or goes on.
   *
   * @param out where to write; {@link #close} closes it
   */
  ErrorFile(OutputStream out) throws IOException {
    json = new JsonFactory().createGenerator(out);
    json.setRootValueSeparator(null);
  }

  /** Adds a text. */
  void add(Outcome.Failed failed) throws IOException {
    json.writeStartObject();
    json.writeStringField("input", failed.place().input());
    json.writeNumberField("line", failed.place().line());
    TextId id = failed.id();
    if (id != null) {
      json.writeFieldName("id");
      json.writeRawValue(id.json());
    }
    json.writeStringField("error", failed.problem());
    json.writeEndObject();
    json.writeRaw('\n');
  }

  /** Hands on what was added. */
  void flush() throws IOException {
    json.flush();
  }

  @Override
  public void close() throws IOException {
    json.close();
  }
}
