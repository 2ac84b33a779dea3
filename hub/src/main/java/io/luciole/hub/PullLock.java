package io.luciole.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Lets one pull of a model at a time through, of this process and of others. The lock's file stays:
 * deleting it would let two in.
 */
final class PullLock implements AutoCloseable {
  private static final long LOOK_MILLIS = 200;

  /**
   * What this process holds. Looked up before the file is opened, since closing any channel of a
   * file gives up the process's lock on it on some systems.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path file;
  private final FileChannel channel;

  private PullLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /** Waits for the lock; the listener is told if that takes time. */
  static PullLock acquire(Path file, PullListener listener) throws InterruptedException {
    Path key = file.toAbsolutePath().normalize();
    boolean told = false;
    while (true) {
      PullLock lock = attempt(key);
      if (lock != null) {
        return lock;
      }
      if (!told) {
        listener.waiting(key);
        told = true;
      }
      Thread.sleep(LOOK_MILLIS);
    }
  }

  private static @Nullable PullLock attempt(Path file) {
    if (!HELD.add(file)) {
      return null;
    }
    FileChannel channel = null;
    boolean held = false;
    try {
      Files.createDirectories(file.getParent());
      channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      held = lock != null;
      return held ? new PullLock(file, channel) : null;
    } catch (OverlappingFileLockException e) {
      return null;
    } catch (IOException e) {
      throw PullFolder.cannotWrite(file, e);
    } finally {
      if (!held) {
        release(file, channel);
      }
    }
  }

  private static void release(Path file, @Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // The process's end releases it.
    } finally {
      HELD.remove(file);
    }
  }

  @Override
  public void close() {
    release(file, channel);
  }
}
