package io.luciole.server;

import io.helidon.webserver.WebServerConfig;

/**
 * What the server needs to know and to do about its clients' connections while a request is being
 * handled, beyond what a web server's request and response offer:
 *
 * <ul>
 *   <li>disconnect detection: whether the client is still connected, so that its texts can be
 *       cancelled when it is not;
 *   <li>a read timeout: a client that sends nothing when something is expected of it;
 *   <li>a write timeout: a client that does not read its answer.
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

  /** The other side of one connection. Used by one thread at a time. */
  interface Client {
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
