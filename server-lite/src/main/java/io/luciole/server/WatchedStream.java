package io.luciole.server;

import java.io.IOException;
import java.io.InputStream;

/** A stream that looks at how much each read of another gave. Used by one thread at a time. */
abstract class WatchedStream extends InputStream {
  private final InputStream in;

  WatchedStream(InputStream in) {
    this.in = in;
  }

  /**
   * Called after each read.
   *
   * @param read the bytes that it gave, 0 at the end
   * @param nanos how long it took
   */
  abstract void after(int read, long nanos);

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    long since = System.nanoTime();
    int n = in.read(bytes, offset, length);
    after(Math.max(0, n), System.nanoTime() - since);
    return n;
  }
}
