package io.luciole.lucene;

import io.luciole.internal.LineReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a file as {@link LineReader} reads them, with the failures and the position that a
 * {@link DocumentSource} has. Blank lines are passed over and counted. For one thread.
 *
 * <p>Public for {@code io.luciole.lucene.eval} only; applications must not depend on it.
 */
public final class Utf8Lines implements AutoCloseable {
  private final Path file;
  private final LineReader lines;
  private final long size;
  private final String identity;

  private Utf8Lines(Path file, LineReader lines, long size, String identity) {
    this.file = file;
    this.lines = lines;
    this.size = size;
    this.identity = identity;
  }

  /**
   * Opens a file.
   *
   * @param file the file
   * @return its lines, from the first
   * @throws SourceException if it is no readable file
   */
  public static Utf8Lines open(Path file) {
    if (!Files.exists(file)) {
      throw new SourceException("There is no such file: " + file, false);
    }
    if (!Files.isRegularFile(file) && Files.isDirectory(file)) {
      throw new SourceException("Expected a file, found the folder " + file, false);
    }
    try {
      long size = Files.size(file);
      String identity =
          file.toAbsolutePath().normalize()
              + " size="
              + size
              + " modified="
              + Files.getLastModifiedTime(file).toMillis();
      LineReader lines = new LineReader(Files.newInputStream(file), file.toString());
      return new Utf8Lines(file, lines, size, identity);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  static SourceException unreadable(Path file, IOException e) {
    return new SourceException("Cannot read " + file + ": " + e, false, e);
  }

  /** The file. */
  Path file() {
    return file;
  }

  /** The file's path, size and time of change. */
  String identity() {
    return identity;
  }

  /**
   * Returns the number of the line that {@link #next} gave last or failed on.
   *
   * @return the number, from 1
   */
  public long number() {
    return lines.number();
  }

  /** The share of the file's bytes that has been read, from 0 to 1. */
  double fractionRead() {
    return size == 0 ? 1 : Math.min(1, (double) lines.bytesRead() / size);
  }

  /** The current line, for messages. */
  String position() {
    return lines.where();
  }

  /**
   * Makes an exception about the current line.
   *
   * @param problem what was expected and what was found
   * @param cause the failure beneath it, or null
   * @return an exception after which the next line can be read
   */
  public SourceException bad(String problem, @Nullable Throwable cause) {
    String message = position() + ": " + problem;
    return cause == null
        ? new SourceException(message, true)
        : new SourceException(message, true, cause);
  }

  /**
   * Reads the next line that is not blank.
   *
   * @return the line, or null at the end
   * @throws SourceException if it is too long or no UTF-8; the next call goes on behind it
   */
  public @Nullable String next() {
    try {
      return lines.next();
    } catch (LineReader.BadLineException e) {
      throw new SourceException(e.getMessage(), true, e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  @Override
  public void close() {
    try {
      lines.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }
}
