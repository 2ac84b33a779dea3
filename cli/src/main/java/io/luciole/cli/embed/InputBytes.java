package io.luciole.cli.embed;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.Arrays;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.jspecify.annotations.Nullable;

/** Looks at an input's first bytes: unpacks gzip, and refuses what is no UTF-8 text by its name. */
final class InputBytes {
  /** No more than what a sender that waits for an answer to its first line has sent. */
  private static final int START = 4;

  private InputBytes() {}

  /**
   * The text's bytes.
   *
   * @param raw the input; it is closed with the result
   * @param name what messages call it
   * @throws IOException if it cannot be read, or is in an encoding that is not UTF-8; the message
   *     names it and says how to convert it
   */
  static InputStream open(InputStream raw, String name) throws IOException {
    byte[] first = new byte[START];
    byte[] start = Arrays.copyOf(first, Math.max(0, raw.read(first)));
    InputStream in = new SequenceInputStream(new ByteArrayInputStream(start), raw);
    if (starts(start, 0x1F, 0x8B)) {
      // The JDK's takes a pipe that is empty for a moment, and whatever else follows a member, for
      // the end.
      return open(new GzipCompressorInputStream(in, true), name);
    }
    String problem = problem(start);
    if (problem != null) {
      throw new IOException(name + ": expected text in UTF-8, found " + problem);
    }
    return in;
  }

  private static @Nullable String problem(byte[] start) {
    if (starts(start, 0xFF, 0xFE, 0, 0) || starts(start, 0, 0, 0xFE, 0xFF)) {
      return convert("UTF-32");
    }
    if (starts(start, 0xFF, 0xFE) || starts(start, 0xFE, 0xFF)) {
      return convert("UTF-16");
    }
    if (start.length == START && start[0] != 0 && start[1] == 0) {
      return convert(start[2] == 0 ? "UTF-32LE" : "UTF-16LE");
    }
    if (start.length == START && start[0] == 0 && start[3] != 0) {
      return convert(start[1] == 0 ? "UTF-32BE" : "UTF-16BE");
    }
    if (starts(start, 'P', 'A', 'R', '1')) {
      return "a Parquet file. Write its texts as JSON lines or CSV first.";
    }
    if (starts(start, 'P', 'K', 3, 4)) {
      return "a ZIP file. Unpack it first.";
    }
    if (starts(start, 0x28, 0xB5, 0x2F, 0xFD)) {
      return "text compressed by zstd. Unpack it on the way: zstd -dc FILE | luciole embed"
          + " --input - …";
    }
    if (starts(start, 'B', 'Z', 'h') || starts(start, 0xFD, '7', 'z', 'X')) {
      return "compressed text. Of compressed files only those of gzip are read: unpack it first.";
    }
    return null;
  }

  private static String convert(String encoding) {
    return encoding
        + ". Convert it first, for instance with: iconv -f "
        + encoding
        + " -t UTF-8 FILE";
  }

  private static boolean starts(byte[] bytes, int... with) {
    if (bytes.length < with.length) {
      return false;
    }
    for (int i = 0; i < with.length; i++) {
      if ((bytes[i] & 0xFF) != with[i]) {
        return false;
      }
    }
    return true;
  }
}
