package io.luciole.cli.embed;

import static java.util.Objects.requireNonNull;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The right to work in a folder, which one process has at a time: the lock on a file beside it,
 * {@code FOLDER.lock}. It is taken before anything of the folder is read or made. A process that
 * dies gives it back.
 *
 * <p>Nothing else opens that file: closing any descriptor of a file ends all the locks that the
 * process has on it (POSIX). The file is removed only by the process that has the lock. Another may
 * have opened it before that and lock it afterwards; so whoever locks it gives it a random length,
 * and has the lock only if the file that bears the name then is of that length.
 *
 * <p>For one thread.
 */
final class OutputLock implements Closeable {
  /** More attempts fail only while other processes come and go all the time. */
  private static final int ATTEMPTS = 100;

  /** The greatest length; of the file's blocks only the last one is stored. */
  private static final int MOST_BYTES = 1 << 20;

  /** The files that this process has locked. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private OutputLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes the lock without waiting.
   *
   * @param folder need not exist; its parent must
   * @throws IOException if another has the lock, or its file cannot be made
   */
  static OutputLock take(Path folder) throws IOException {
    Path parent = requireNonNull(folder.toAbsolutePath().getParent(), "parent").toRealPath();
    Path file = parent.resolve(folder.getFileName() + ".lock");
    if (!HELD.add(file)) {
      throw taken(folder);
    }
    try {
      for (int i = 0; i < ATTEMPTS; i++) {
        FileChannel channel = lock(file, folder);
        if (channel != null) {
          return new OutputLock(file, channel);
        }
      }
      throw taken(folder);
    } catch (IOException | RuntimeException e) {
      HELD.remove(file);
      throw e;
    }
  }

  /** Locks the file; null if it was removed meanwhile. */
  private static @Nullable FileChannel lock(Path file, Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    boolean locked = false;
    try {
      if (channel.tryLock() == null) {
        throw taken(folder);
      }
      locked = isNamed(file, channel);
    } catch (OverlappingFileLockException e) {
      throw taken(folder);
    } finally {
      if (!locked) {
        channel.close();
      }
    }
    return locked ? channel : null;
  }

  /** Whether the file that was locked is the one that bears the name. */
  private static boolean isNamed(Path file, FileChannel channel) throws IOException {
    int length = ThreadLocalRandom.current().nextInt(1, MOST_BYTES);
    channel.truncate(0);
    channel.write(ByteBuffer.allocate(1), length - 1L);
    try {
      return Files.size(file) == length;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static IOException taken(Path folder) {
    return new IOException(
        "Another luciole embed is at work in "
            + folder
            + "; wait until it has ended, or choose another output");
  }

  /** Gives the lock back and removes its file. */
  @Override
  public void close() throws IOException {
    if (!channel.isOpen()) {
      return;
    }
    try (channel) {
      Files.deleteIfExists(file);
    } finally {
      HELD.remove(file);
    }
  }
}
