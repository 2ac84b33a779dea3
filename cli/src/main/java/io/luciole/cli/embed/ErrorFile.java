package io.luciole.cli.embed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file of JSON lines about texts that could not be read or embedded: {@code
 * {"input":…,"line":…,"id":…,"error":…}}, without {@code id} where that could not be read. For one
 * thread.
 */
final class ErrorFile implements Closeable {
  private final @Nullable AppendFile file;
  private final @Nullable JsonGenerator json;

  /**
   * Opens the file.
   *
   * @param path null to write nowhere
   * @param length what is kept of it, in bytes, if it is there still
   */
  ErrorFile(@Nullable Path path, long length) throws IOException {
    file = path == null ? null : new AppendFile(path, Files.exists(path) ? length : 0);
    json = file == null ? null : new JsonFactory().createGenerator(file.stream());
    if (json != null) {
      json.setRootValueSeparator(null);
    }
  }

  /** Adds a text. */
  void add(Outcome.Failed failed) throws IOException {
    if (json == null) {
      return;
    }
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

  /** Makes what was added safe, and gives the file's length in bytes. */
  long sync() throws IOException {
    if (json == null || file == null) {
      return 0;
    }
    json.flush();
    return file.sync();
  }

  @Override
  public void close() throws IOException {
    if (json != null && file != null) {
      json.flush();
      file.close();
    }
  }
}
