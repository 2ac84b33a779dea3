package io.luciole.cli;

import io.luciole.internal.AtomicFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file that appears whole or not at all: it is written under another name in the same folder and
 * renamed by {@link #commit}. {@link #close} without a commit, and the end of the process, remove
 * what was written; what stood there before stays. Devices and pipes are written to as they are.
 *
 * <p>For use by one thread; the end of the process may come from another.
 */
final class WholeFile implements AutoCloseable {
  private final Path target;
  private final @Nullable Path part;
  private final FileChannel channel;
  private final OutputStream stream;
  private final Thread atExit = new Thread(this::discard, "luciole-discard");
  private boolean done;

  private WholeFile(Path target, @Nullable Path part) throws IOException {
    this.target = target;
    this.part = part;
    this.channel =
        part == null
            ? FileChannel.open(target, StandardOpenOption.WRITE)
            : FileChannel.open(part, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
    this.stream = Channels.newOutputStream(channel);
  }

  /**
   * Begins a file.
   *
   * @throws CliException if it cannot be made there
   */
  static WholeFile create(Path path) {
    try {
      if (Files.isDirectory(path)) {
        throw new CliException("Cannot write " + path + ": expected a file, found a folder");
      }
      // Behind a link, the file it leads to is replaced and the link stays.
      Path target = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
      if (Files.exists(target) && !Files.isRegularFile(target)) {
        return new WholeFile(target, null);
      }
      if (Files.exists(target) && !Files.isWritable(target)) {
        throw new CliException("Cannot write " + path + ": no permission to replace it");
      }
      Path part =
          target.resolveSibling(
              "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".part");
      Files.deleteIfExists(part);
      WholeFile file = new WholeFile(target, part);
      Runtime.getRuntime().addShutdownHook(file.atExit);
      return file;
    } catch (NoSuchFileException e) {
      throw new CliException(
          "Cannot write " + path + ": its folder " + parent(path) + " does not exist", e);
    } catch (IOException e) {
      throw new CliException("Cannot write " + path + ": " + Failures.message(e), e);
    }
  }

  private static Path parent(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    return parent == null ? path : parent;
  }

  /** Where to write; unbuffered. */
  OutputStream stream() {
    return stream;
  }

  /** The file that {@link #stream} writes to, for those who write files by name. */
  Path path() {
    return part == null ? target : part;
  }

  /** Puts the file in its place. All must have been written. */
  synchronized void commit() throws IOException {
    if (done) {
      return;
    }
    if (part == null) {
      channel.close();
    } else {
      channel.force(true);
      channel.close();
      keepPermissions(target, part);
      AtomicFiles.move(part, target);
    }
    finish();
  }

  private static void keepPermissions(Path from, Path to) throws IOException {
    try {
      if (Files.exists(from)) {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(from);
        Files.setPosixFilePermissions(to, permissions);
      }
    } catch (UnsupportedOperationException e) {
      // No such permissions on this file system, so none to keep.
    }
  }

  /** Removes what was written, unless it was committed. */
  @Override
  public void close() {
    discard();
  }

  private synchronized void discard() {
    if (done) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      // It is given up in any case.
    }
    if (part != null) {
      try {
        Files.deleteIfExists(part);
      } catch (IOException e) {
        // Nothing more can be done about it.
      }
    }
    finish();
  }

  private void finish() {
    done = true;
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The process is ending: the hook is running, or will find that there is nothing to do.
    }
  }
}
