package io.luciole.lucene;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a UTF-8 file, decoded strictly and one at a time, so that a line that cannot be
 * decoded does not affect others. Blank lines are skipped but counted. For one thread.
 *
 * <p>Public for {@code io.luciole.lucene.eval} only; applications must not depend on it.
 */
public final class Utf8Lines implements AutoCloseable {
  private static final int BOM_LENGTH = 3;

  private final Path file;
  private final InputStream in;
  private final long size;
  private final String identity;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(4096);
  private long read;
  private long number;

  private Utf8Lines(Path file, InputStream in, long size, String identity) {
    this.file = file;
    this.in = in;
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
      return new Utf8Lines(
          file, new BufferedInputStream(Files.newInputStream(file), 1 << 16), size, identity);
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
    return number;
  }

  /** The share of the file's bytes that has been read, from 0 to 1. */
  double fractionRead() {
    return size == 0 ? 1 : Math.min(1, (double) read / size);
  }

  /** The current line, for messages. */
  String position() {
    return file + ", line " + number;
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
   * @throws SourceException if it is no UTF-8; the next call goes on behind it
   */
  public @Nullable String next() {
    while (readLine()) {
      number++;
      byte[] line = bytes.toByteArray();
      int start = number == 1 && startsWithBom(line) ? BOM_LENGTH : 0;
      String text;
      try {
        text = decode(line, start);
      } catch (CharacterCodingException e) {
        throw bad("expected UTF-8, found bytes that are none", e);
      }
      if (!text.isBlank()) {
        return text;
      }
    }
    return null;
  }

  /** Reads the bytes of a line; false at the end of the file. */
  private boolean readLine() {
    bytes.reset();
    try {
      int b = in.read();
      if (b < 0) {
        return false;
      }
      for (; b >= 0; b = in.read()) {
        read++;
        if (b == '\n') {
          return true;
        }
        bytes.write(b);
      }
      return true;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static boolean startsWithBom(byte[] line) {
    return line.length >= BOM_LENGTH
        && line[0] == (byte) 0xEF
        && line[1] == (byte) 0xBB
        && line[2] == (byte) 0xBF;
  }

  /** Decodes UTF-8, refusing what is none. */
  static String decode(byte[] bytes, int start) throws CharacterCodingException {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT)
        .decode(ByteBuffer.wrap(bytes, start, bytes.length - start))
        .toString();
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }
}
