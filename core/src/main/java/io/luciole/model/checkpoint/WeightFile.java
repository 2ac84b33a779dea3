package io.luciole.model.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One open file that is read at absolute positions and mapped in pieces. Every range is checked
 * against the file's present size first: touching a mapped page that lies past the end would be a
 * bus error, which kills the process when native code does it.
 */
final class WeightFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final long size;

  private WeightFile(Path path, FileChannel channel, long size) {
    this.path = path;
    this.channel = channel;
    this.size = size;
  }

  static WeightFile open(Path path) {
    if (!Files.isRegularFile(path)) {
      throw CheckpointException.of(
          "a weight file",
          Files.isDirectory(path) ? "a folder" : "no file",
          path,
          "name a .safetensors, .bin or .pt file, or the .index.json of a sharded checkpoint");
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
      return new WeightFile(path, channel, channel.size());
    } catch (IOException e) {
      try {
        if (channel != null) {
          channel.close();
        }
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw CheckpointException.of(
          "a readable weight file", String.valueOf(e), path, "check its permissions", e);
    }
  }

  Path path() {
    return path;
  }

  /** Bytes in the file when it was opened. */
  long size() {
    return size;
  }

  /** Reads {@code length} bytes at {@code offset} into a little-endian heap buffer. */
  ByteBuffer read(long offset, int length, String what) {
    checkRange(offset, length, size, what);
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, offset + buffer.position()) < 0) {
          throw shrunk(what);
        }
      }
    } catch (IOException e) {
      throw failed(what, e);
    }
    return buffer.flip();
  }

  /** Reads the same, as text that must be valid UTF-8. */
  String readText(long offset, int length, String what) {
    try {
      return UTF_8.newDecoder().decode(read(offset, length, what)).toString();
    } catch (CharacterCodingException e) {
      throw CheckpointException.of(
          what + " in UTF-8", "bytes that are not UTF-8", path, CheckpointException.DAMAGED, e);
    }
  }

  /** Maps {@code length} bytes, at most 2³¹−1, read-only. The mapping outlives this object. */
  ByteBuffer map(long offset, long length, String what) {
    if (length > Integer.MAX_VALUE) {
      throw CheckpointException.of(
          what + " of at most " + Integer.MAX_VALUE + " bytes",
          length + " bytes",
          path,
          "a tensor must fit one buffer; store it in a smaller type or in parts");
    }
    checkRange(offset, length, size, what);
    try {
      if (channel.size() < offset + length) {
        throw shrunk(what);
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, offset, length);
    } catch (IOException e) {
      throw failed(what, e);
    }
  }

  private void checkRange(long offset, long length, long end, String what) {
    if (offset < 0 || length < 0 || offset > end - length) {
      throw CheckpointException.of(
          what + " within the file's " + end + " bytes",
          length + " bytes at offset " + offset,
          path,
          CheckpointException.DAMAGED);
    }
  }

  private CheckpointException shrunk(String what) {
    return CheckpointException.of(
        what + " in a file of " + size + " bytes",
        "a file that became shorter since it was opened",
        path,
        "leave weight files alone while they are in use");
  }

  private CheckpointException failed(String what, IOException e) {
    if (e instanceof ClosedChannelException) {
      return CheckpointException.of(
          "an open checkpoint to read " + what + " from",
          "a closed one",
          path,
          "read what is needed before closing it, and do not interrupt the reading thread",
          e);
    }
    return CheckpointException.of(
        what, String.valueOf(e), path, "check the disk and the free address space", e);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw CheckpointException.of(
          "to close the file", String.valueOf(e), path, "check the disk", e);
    }
  }
}
