package io.luciole.server;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;

/**
 * Finds out that a server has stopped listening, which the web server tells nobody: its listener
 * ends when the system cannot accept a connection, for instance because the process has no file
 * descriptor left. A daemon thread connects to the server's own port now and then. That counts as a
 * failure only where the connection is refused, which a server that is merely busy does not do.
 */
final class ListenerWatch implements AutoCloseable {
  private static final int CONNECT_MILLIS = 1000;

  /** How many refused connections in a row mean that nobody listens. */
  private static final int REFUSALS = 3;

  private final InetSocketAddress own;
  private final Duration period;
  private final Runnable whenEnded;
  private final Thread thread;

  /**
   * Starts to watch.
   *
   * @param address the address that the server listens on, the wildcard included
   * @param port its port
   * @param period the time between two connections
   * @param whenEnded called once, by the watch's thread, when nobody listens any more
   */
  ListenerWatch(InetAddress address, int port, Duration period, Runnable whenEnded) {
    this.own =
        new InetSocketAddress(
            address.isAnyLocalAddress() ? InetAddress.getLoopbackAddress() : address, port);
    this.period = period;
    this.whenEnded = whenEnded;
    this.thread = Thread.ofPlatform().daemon().name("luciole-http-listener").start(this::watch);
  }

  private void watch() {
    try {
      int refused = 0;
      while (refused < REFUSALS) {
        Thread.sleep(period);
        refused = isRefused() ? refused + 1 : 0;
      }
      whenEnded.run();
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private boolean isRefused() {
    try (Socket socket = new Socket()) {
      socket.connect(own, CONNECT_MILLIS);
      return false;
    } catch (ConnectException e) {
      return true;
    } catch (IOException e) {
      // No answer in time, or no descriptor left for this connection: that tells nothing.
      return false;
    }
  }

  /** Stops watching. */
  @Override
  public void close() {
    thread.interrupt();
  }
}
