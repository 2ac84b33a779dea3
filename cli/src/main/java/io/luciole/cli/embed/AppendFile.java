package io.luciole.cli.embed;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that grows at its end, and whose end may be cut off when it is opened. For one thread. */
final class AppendFile implements Closeable {
  private final FileChannel channel;
  private final OutputStream stream;

  /**
   * Opens a file, or makes it.
   *
   * @param length what is kept of it, in bytes
   * @throws NoSuchFileException if something is to be kept of a file that is not there
   * @throws IOException if it is shorter
   */
  AppendFile(Path file, long length) throws IOException {
    channel =
        length > 0
            ? FileChannel.open(file, StandardOpenOption.WRITE)
            : FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    if (channel.size() < length) {
      long size = channel.size();
      channel.close();
      throw new IOException(
          file + ": expected at least " + length + " bytes of earlier work, found " + size);
    }
    channel.truncate(length);
    channel.position(length);
    stream = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
  }

  /** Where to write; buffered. */
  OutputStream stream() {
    return stream;
  }

  /** Makes what was written outlast a power cut, and gives the file's length in bytes. */
  long sync() throws IOException {
    stream.flush();
    channel.force(false);
    return channel.position();
  }

  @Override
  public void close() throws IOException {
    try {
      stream.flush();
    } finally {
      channel.close();
    }
  }
}
