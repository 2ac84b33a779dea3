package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 connections that can be asked, while a request is worked on, whether the client is still
 * there.
 *
 * <p>A blocked thread does not see a connection end, so the connection is read ahead by another one
 * when asked for the first time, and no read of a client's bytes waits longer than the limit.
 * Invariant: only the connection's own thread starts a read ahead, and before it reads itself it
 * waits for one that was started; so the socket never has two readers and no byte is lost. What was
 * read ahead is the next request's.
 *
 * <p>A connection and its requests have one thread, which is how they find each other.
 */
final class HangUps implements ServerConnectionSelector, AutoCloseable {
  private final Http1ConnectionSelector http1;
  private final Duration readTimeout;
  private final WriteWatch writes;

  // One server's, so that two servers in a process do not share it; its threads end with
  // connections.
  @SuppressWarnings("ThreadLocalUsage")
  private final ThreadLocal<@Nullable Line> lines = new ThreadLocal<>();

  /**
   * Connections of a selector.
   *
   * @param readTimeout how long a client may be silent when something is expected of it, and how
   *     long it may read nothing of an answer
   */
  HangUps(Http1ConnectionSelector http1, Duration readTimeout) {
    this.http1 = http1;
    this.readTimeout = readTimeout;
    this.writes = new WriteWatch(readTimeout);
  }

  @Override
  public void close() {
    writes.close();
  }

  /** Whether the client of the request that this thread works on has hung up. */
  boolean hungUp() {
    Line line = lines.get();
    return line != null && line.ended();
  }

  @Override
  public int bytesToIdentifyConnection() {
    return http1.bytesToIdentifyConnection();
  }

  @Override
  public Support supports(BufferData data) {
    return http1.supports(data);
  }

  @Override
  public Set<String> supportedApplicationProtocols() {
    return http1.supportedApplicationProtocols();
  }

  @Override
  public ServerConnection connection(ConnectionContext context) {
    Line line = new Line(context.dataReader(), context.executor(), readTimeout);
    lines.set(line);
    return http1.connection(
        new Watched(context, DataReader.create(line::next), writes.watch(context.dataWriter())));
  }

  /** What a client sends. */
  private static final class Line {
    private final DataReader reader;
    private final ExecutorService threads;
    private final Duration timeout;
    private @Nullable CompletableFuture<byte @Nullable []> ahead;

    Line(DataReader reader, ExecutorService threads, Duration timeout) {
      this.reader = reader;
      this.threads = threads;
      this.timeout = timeout;
    }

    /**
     * The next bytes, or null at the end. Always read by another thread, since a blocked read has
     * no time limit of its own; one that is given up ends with its connection.
     */
    byte @Nullable [] next() {
      CompletableFuture<byte @Nullable []> started = ahead;
      if (started == null) {
        started = CompletableFuture.supplyAsync(this::read, threads);
      }
      ahead = null;
      try {
        return started.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        throw new ServerConnectionException(
            "the client is silent", new SocketTimeoutException("silent for " + timeout));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ServerConnectionException("stopped", new ClosedByInterruptException());
      } catch (ExecutionException e) {
        throw e.getCause() instanceof RuntimeException known
            ? known
            : new ServerConnectionException("the connection failed", requireNonNull(e.getCause()));
      }
    }

    private byte @Nullable [] read() {
      try {
        reader.ensureAvailable();
        return reader.readBytes(reader.available());
      } catch (DataReader.InsufficientDataAvailableException e) {
        return null;
      }
    }

    boolean ended() {
      CompletableFuture<byte @Nullable []> started = ahead;
      if (started == null) {
        ahead = CompletableFuture.supplyAsync(this::read, threads);
        return false;
      }
      return started.isDone()
          && (started.isCompletedExceptionally() || started.resultNow() == null);
    }
  }

  /** A connection whose bytes come by a line, and go by a writer that is watched. */
  private record Watched(ConnectionContext context, DataReader dataReader, DataWriter dataWriter)
      implements ConnectionContext {
    @Override
    public ListenerContext listenerContext() {
      return context.listenerContext();
    }

    @Override
    public ExecutorService executor() {
      return context.executor();
    }

    @Override
    public Router router() {
      return context.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
      return context.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
      return context.serverSocket();
    }

    @Override
    public PeerInfo remotePeer() {
      return context.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
      return context.localPeer();
    }

    @Override
    public boolean isSecure() {
      return context.isSecure();
    }

    @Override
    public String socketId() {
      return context.socketId();
    }

    @Override
    public String childSocketId() {
      return context.childSocketId();
    }
  }
}
