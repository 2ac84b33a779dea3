package io.luciole.server;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

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
}
