package io.luciole.cli.embed;

import io.luciole.Embedding;
import io.luciole.internal.AtomicFiles;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** A file of {@link JsonLines}. Its position is its length in bytes. */
final class JsonVectors implements VectorWriter {
  private final Path path;
  private final AppendFile file;
  private final Writer writer;
  private final JsonLines lines;

  JsonVectors(Path path, VectorLayout layout, List<Long> positions) throws IOException {
    this.path = path;
    this.file = new AppendFile(path, positions.isEmpty() ? 0 : positions.get(0));
    this.writer = new OutputStreamWriter(file.stream(), StandardCharsets.UTF_8);
    this.lines = new JsonLines(writer, layout);
  }

  @Override
  public void write(TextItem item, Embedding embedding) throws IOException {
    lines.write(item, embedding);
  }

  @Override
  public List<Long> sync() throws IOException {
    lines.flush();
    writer.flush();
    return List.of(file.sync());
  }

  @Override
  public void finish(Path target) throws IOException {
    sync();
    close();
    AtomicFiles.move(path, target);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
