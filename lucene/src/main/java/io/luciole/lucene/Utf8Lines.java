package io.luciole.lucene;

import io.luciole.internal.LineReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a file as {@link LineReader} reads them, with the failures and the position that a
 * {@link DocumentSource} has. Blank lines are passed over and counted. For one thread.
 */
final class Utf8Lines implements AutoCloseable {
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
   * @throws SourceException if it is no readable file
   */
  static Utf8Lines open(Path file) {
    if (!Files.exists(file)) {
      throw new SourceException("There is no such file: " + file, false, null);
    }
    if (!Files.isRegularFile(file) && Files.isDirectory(file)) {
      throw new SourceException("Expected a file, found the folder " + file, false, null);
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

  /** The number of the line that {@link #next} gave last or failed on, from 1. */
  long number() {
    return lines.number();
  }

  /** The share of the file's bytes that has been read. */
  double fractionRead() {
    return size == 0 ? 1 : Math.min(1, (double) lines.bytesRead() / size);
  }

  /** An exception about the current line. */
  SourceException bad(String problem, @Nullable Throwable cause) {
    return new SourceException(lines.where() + ": " + problem, true, cause);
  }

  /**
   * The next line that is not blank, or null at the end.
   *
   * @throws SourceException if it is too long or no UTF-8; the next call goes on behind it
   */
  @Nullable String next() {
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
