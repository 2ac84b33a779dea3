package io.luciole.cli;

import io.luciole.cli.embed.OutputPath;
import io.luciole.internal.AtomicFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
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
  private final Thread atExit = new Thread(this::discard, "luciole-discard");
  private boolean done;

  private WholeFile(Path target, @Nullable Path part) throws IOException {
    this.target = target;
    this.part = part;
    this.channel =
        part == null
            ? FileChannel.open(target, StandardOpenOption.WRITE)
            : FileChannel.open(part, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
  }

  /**
   * Begins a file.
   *
   * @throws CliException if it cannot be made there
   */
  static WholeFile create(Path path) {
    try {
      Path target = OutputPath.of(path);
      if (OutputPath.isStream(target)) {
        return new WholeFile(target, null);
      }
      Path part =
          target.resolveSibling(
              "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".part");
      Files.deleteIfExists(part);
      WholeFile file = new WholeFile(target, part);
      Runtime.getRuntime().addShutdownHook(file.atExit);
      return file;
    } catch (IOException e) {
      throw new CliException("Cannot write " + path + ": " + Failures.message(e), e);
    }
  }

  /** Where to write. */
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
