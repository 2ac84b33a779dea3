package io.luciole.internal;

import static java.util.Objects.requireNonNull;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Replaces files as a whole: the content is written under another name in the same folder and then
 * renamed, so that a reader sees the old content or the new one and never a part of it. Several
 * threads and processes may replace the same file; the last one wins.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes all of the content.
     *
     * @param out buffered; closed by the caller
     * @throws IOException if writing fails; the file then stays as it was
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file in a folder that exists. The content is not forced to the disk: after a power cut
   * the file may be empty, so that this is for what can be made again.
   *
   * @throws IOException if that fails; the file then stays as it was, and nothing is left beside it
   */
  public static void write(Path file, Content content) throws IOException {
    Path absolute = file.toAbsolutePath();
    String unique = Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), 36);
    Path part = absolute.resolveSibling("." + absolute.getFileName() + "." + unique + ".part");
    try {
      try (OutputStream out =
          new BufferedOutputStream(
              Files.newOutputStream(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              1 << 16)) {
        content.writeTo(out);
      }
      move(part, absolute);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /**
   * Puts a file that is written and closed in its place, so that both its content and its name
   * outlast a power cut.
   *
   * @param part a file in the same folder
   * @throws IOException if that fails
   */
  public static void publish(Path part, Path file) throws IOException {
    force(part);
    move(part, file);
    force(requireNonNull(file.toAbsolutePath().getParent()));
  }

  /**
   * Renames a file or a folder, replacing a file of the new name. File systems that cannot do that
   * in one step do it in two.
   *
   * @throws IOException if that fails
   */
  public static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /**
   * Makes a file's content, or a folder's list of names, outlast a power cut, where the system can.
   *
   * @throws IOException if a file cannot be forced to the disk; of folders that is ignored, since
   *     Windows cannot open a folder and needs not
   */
  public static void force(Path path) throws IOException {
    boolean isFolder = Files.isDirectory(path);
    try (FileChannel channel =
        FileChannel.open(path, isFolder ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
      channel.force(true);
    } catch (IOException e) {
      if (!isFolder) {
        throw e;
      }
    }
  }
}
