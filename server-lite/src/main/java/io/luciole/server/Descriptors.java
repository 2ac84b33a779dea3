package io.luciole.server;

import com.sun.management.UnixOperatingSystemMXBean;
import io.luciole.LucioleException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** The file descriptors of this process, of which each connection takes one. */
final class Descriptors {
  /** Most connections, however many descriptors there are: each costs some memory. */
  private static final int MOST = 16_384;

  /** Fewest connections, however few descriptors there are. */
  private static final int FEWEST = 8;

  private Descriptors() {}

  /**
   * How many connections may be open at once: three quarters of the descriptors that are free now.
   * The rest is for the index's files and whatever else the process opens.
   */
  static int forConnections() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? forConnections(unix.getMaxFileDescriptorCount() - unix.getOpenFileDescriptorCount())
        : MOST;
  }

  static int forConnections(long free) {
    return Math.clamp(free / 4 * 3, FEWEST, MOST);
  }

  /**
   * Has the JDK open those descriptors that virtual threads need to wait for a socket. It opens
   * them once, when the first of them has to wait; if none is left then, no virtual thread can ever
   * wait for a socket in this process. So this is to be called before clients can take descriptors.
   *
   * @throws LucioleException if there are too few descriptors, or the thread is interrupted
   */
  static void reserveForVirtualThreads() {
    FutureTask<@Nullable Void> task = new FutureTask<>(Descriptors::waitForNobody);
    Thread.startVirtualThread(task);
    try {
      task.get();
    } catch (ExecutionException e) {
      throw new LucioleException(
          "Cannot start the server: the system gives it no sockets ("
              + e.getCause()
              + "). Where it names too many open files, raise the limit (ulimit -n).",
          e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LucioleException("Interrupted while the server started.", e);
    }
  }

  private static @Nullable Void waitForNobody() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      socket.setSoTimeout(1);
      socket.accept().close();
    } catch (SocketTimeoutException e) {
      // Nobody came, but the thread has waited.
    }
    return null;
  }
}
