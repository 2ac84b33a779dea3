package io.luciole.cli.embed;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** JSON lines to a stream, of which nothing is kept for a later run. */
public final class StreamOutput implements EmbedOutput {
  private final Writer writer;
  private final boolean closes;
  private final JsonLines lines;
  private final ErrorFile errors;
  private final Tally tally = new Tally(Checkpoint.START);

  /**
   * Begins.
   *
   * @param writer where to write
   * @param closes whether {@link #close} closes the writer
   * @param layout what is written of each text
   * @param errors the file of errors, which is begun anew, or null for none
   * @throws IOException if the file of errors cannot be made
   */
  public StreamOutput(Writer writer, boolean closes, VectorLayout layout, @Nullable Path errors)
      throws IOException {
    this.writer = writer;
    this.closes = closes;
    this.lines = new JsonLines(writer, layout);
    this.errors =
        new ErrorFile(
            errors == null ? OutputStream.nullOutputStream() : Files.newOutputStream(errors));
  }

  @Override
  public void skipDone(TextSource source) {
    // Nothing is done.
  }

  @Override
  public void add(Outcome outcome) throws IOException {
    switch (outcome) {
      case Outcome.Embedded done -> lines.write(done.item(), done.embedding());
      case Outcome.Failed failed -> errors.add(failed);
    }
    tally.add(outcome);
  }

  @Override
  public void flush() throws IOException {
    lines.flush();
    writer.flush();
    errors.flush();
  }

  @Override
  public Counts counts() {
    return tally.counts();
  }

  @Override
  public void finish() throws IOException {
    flush();
  }

  @Override
  public void close() throws IOException {
    lines.close();
    errors.close();
    if (closes) {
      writer.close();
    }
  }
}
