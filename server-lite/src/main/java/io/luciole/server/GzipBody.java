package io.luciole.server;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks a body in gzip (RFC 1952): one member or more, and nothing behind the last.
 *
 * <p>A read gives what there is as soon as that is something, so that a client may wait for the
 * answer to a line of a stream before it sends the next. How much a body makes is bounded by
 * whoever reads it; how much of it may make nothing is bounded here: names, comments and empty
 * members. Where a body is malformed, reads throw a {@link Problem}.
 *
 * <p>Used by one thread at a time.
 */
final class GzipBody extends InputStream {
  /** Most bytes between two of what the body contains. */
  private static final int MAX_BARREN = 256 << 10;

  /** The first bytes of a member: the format, and its only method. */
  private static final int[] BEGIN = {0x1F, 0x8B, 8};

  /** How long the time, the flags of the method and the system are, which mean nothing here. */
  private static final int UNUSED = 6;

  private static final int HEADER_SUM = 1 << 1;
  private static final int EXTRA = 1 << 2;
  private static final int NAME = 1 << 3;
  private static final int COMMENT = 1 << 4;
  private static final int RESERVED = 0xE0;

  private final InputStream body;
  private final byte[] packed = new byte[8 << 10];
  private final CRC32 sum = new CRC32();

  /** What was read and neither passed over nor given to the unpacker is from here to the end. */
  private int at;

  private int end;

  /** The bytes that were read since the last that made something. */
  private int barren;

  private boolean inMember;
  private @Nullable Inflater unpacker;

  /**
   * Reads nothing yet.
   *
   * @param body is not closed with this
   */
  GzipBody(InputStream body) {
    this.body = body;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (true) {
      Inflater from = inMember ? unpacker : beginMember();
      if (from == null) {
        return -1;
      }
      int made = inflate(from, bytes, offset, length);
      if (made > 0) {
        sum.update(bytes, offset, made);
        barren = 0;
        return made;
      }
      if (from.finished()) {
        endMember(from);
      } else if (fill()) {
        give(from);
      } else {
        throw cutOff();
      }
    }
  }

  private static int inflate(Inflater from, byte[] bytes, int offset, int length) {
    try {
      return from.inflate(bytes, offset, length);
    } catch (DataFormatException e) {
      throw malformed("another: what it compressed is damaged");
    }
  }

  /** Reads the head of a member, and gives its unpacker; null if there is no further member. */
  private @Nullable Inflater beginMember() throws IOException {
    Inflater made = unpacker;
    if (made != null && at == end && !fill()) {
      return null;
    }
    for (int expected : BEGIN) {
      if (next() != expected) {
        throw malformed(made == null ? "another" : "more behind its end");
      }
    }
    int flags = next();
    if ((flags & RESERVED) != 0) {
      throw malformed("another: flags that gzip does not have");
    }
    skip(UNUSED);
    if ((flags & EXTRA) != 0) {
      skip(next() | next() << 8);
    }
    if ((flags & NAME) != 0) {
      skipText();
    }
    if ((flags & COMMENT) != 0) {
      skipText();
    }
    if ((flags & HEADER_SUM) != 0) {
      skip(2);
    }
    if (made == null) {
      made = new Inflater(true);
      unpacker = made;
    } else {
      made.reset();
    }
    sum.reset();
    give(made);
    inMember = true;
    return made;
  }

  /** Compares the sum and the length behind a member with what it made. */
  private void endMember(Inflater of) throws IOException {
    at = end - of.getRemaining();
    long expectedSum = nextInt();
    long expectedLength = nextInt();
    if (expectedSum != sum.getValue() || expectedLength != (of.getBytesWritten() & 0xFFFF_FFFFL)) {
      throw malformed("another: what it contains is not what it says");
    }
    inMember = false;
  }

  private void give(Inflater to) {
    to.setInput(packed, at, end - at);
    at = end;
  }

  private void skip(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      int unused = next();
    }
  }

  private void skipText() throws IOException {
    while (next() != 0) {
      // Names and comments mean nothing here.
    }
  }

  private long nextInt() throws IOException {
    return next() | next() << 8 | next() << 16 | (long) next() << 24;
  }

  private int next() throws IOException {
    if (at == end && !fill()) {
      throw cutOff();
    }
    return packed[at++] & 0xFF;
  }

  /** Reads more of the body; false at its end. */
  private boolean fill() throws IOException {
    at = 0;
    end = Math.max(0, body.read(packed));
    barren += end;
    if (barren > MAX_BARREN) {
      throw malformed("more than " + MAX_BARREN + " bytes of it that contain nothing");
    }
    return end > 0;
  }

  private static Problem cutOff() {
    return malformed("one that ends too early");
  }

  private static Problem malformed(String found) {
    return Problem.invalid(
        null, "Expected a whole body in gzip, as Content-Encoding says, found " + found + '.');
  }

  /** Gives back the unpacker's memory, which is outside of the heap. */
  @Override
  public void close() {
    if (unpacker != null) {
      unpacker.end();
    }
  }
}
