package io.luciole.server;

import io.helidon.webserver.WebServerConfig;
import java.util.function.BooleanSupplier;

/**
 * What the server needs to know and to do about its clients' connections while a request is being
 * handled, beyond what a web server's request and response offer:
 *
 * <ul>
 *   <li>disconnect detection: whether the client is still connected, so that its texts can be
 *       cancelled when it is not;
 *   <li>a read timeout: a client that sends nothing when something is expected of it, or too
 *       little;
 *   <li>a write timeout: a client that does not read its answer;
 *   <li>a bound on connections, which nobody can fill by doing nothing.
 * </ul>
 *
 * <p>{@link HelidonConnections} is the only implementation, and the only class that uses Helidon's
 * connection internals.
 */
interface ClientConnections extends AutoCloseable {
  /**
   * Makes a web server accept its connections through this object. Called once, before it starts.
   */
  void install(WebServerConfig.Builder server);

  /** The connection that the calling thread handles. */
  Client client();

  /**
   * Whether a failure to read a request's body means that the client disconnected or sent nothing
   * for too long. If not, the failure is the program's own.
   */
  boolean isReadFailure(RuntimeException failure);

  /** Whether few places for connections are left, so that one should end when it can. */
  boolean isCrowded();

  /** The other side of one connection. Used by one thread at a time. */
  interface Client {
    /**
     * A request's head was read, and the request is being handled.
     *
     * @param bodyLength how many bytes its body has; negative if it is in chunks
     */
    void begin(long bodyLength);

    /** Until when the request's body is read, in {@link System#nanoTime()}; then a read fails. */
    void readUntil(long nanoTime);

    /**
     * While a read of the request's body waits for the client, does something else from time to
     * time, on the thread that reads.
     *
     * @param meanwhile says whether there is something that the client may wait for; as long as
     *     there is, it is not silent. What it throws, the read throws
     */
    void whileWaiting(BooleanSupplier meanwhile);

    /** The request was answered; what is left of its body is read for a moment only. */
    void end();

    /**
     * Whether the client has disconnected while its request is being handled. The first call for a
     * request starts to look and returns false; later calls tell what was seen since.
     */
    boolean isDisconnected();
  }

  /** Ends the supervision of writes. Writes in progress continue without a timeout. */
  @Override
  void close();
}
