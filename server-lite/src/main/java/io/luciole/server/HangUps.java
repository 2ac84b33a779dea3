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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 connections that can be asked, while a request is worked on, whether the client is still
 * there.
 *
 * <p>A blocked thread does not see a connection end, so the connection is read ahead by another one
 * when asked for the first time. Invariant: only the connection's own thread starts a read ahead,
 * and before it reads itself it waits for one that was started; so the socket never has two readers
 * and no byte is lost. What was read ahead is the next request's.
 *
 * <p>A connection and its requests have one thread, which is how they find each other.
 */
final class HangUps implements ServerConnectionSelector {
  private final Http1ConnectionSelector http1;
  private final ThreadLocal<@Nullable Line> lines = new ThreadLocal<>();

  HangUps(Http1ConnectionSelector http1) {
    this.http1 = http1;
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
    Line line = new Line(context.dataReader(), context.executor());
    lines.set(line);
    return http1.connection(new Watched(context, DataReader.create(line::next), line));
  }

  /** What a client sends. */
  private static final class Line {
    private final DataReader reader;
    private final ExecutorService threads;
    private @Nullable CompletableFuture<byte @Nullable []> ahead;

    Line(DataReader reader, ExecutorService threads) {
      this.reader = reader;
      this.threads = threads;
    }

    /** The next bytes, or null at the end. */
    byte @Nullable [] next() {
      CompletableFuture<byte @Nullable []> started = ahead;
      if (started == null) {
        return read();
      }
      ahead = null;
      try {
        return started.get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ServerConnectionException("stopped", new ClosedByInterruptException());
      } catch (ExecutionException e) {
        if (isTimeout(e)) {
          // The client was silent because it waited for us.
          return read();
        }
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
      if (!started.isDone()) {
        return false;
      }
      if (started.isCompletedExceptionally()) {
        if (isTimeout(started.exceptionNow())) {
          // The client is silent, as it should be; the next look starts another read.
          ahead = null;
          return false;
        }
        return true;
      }
      return started.resultNow() == null;
    }

    private static boolean isTimeout(Throwable failure) {
      for (Throwable t = failure; t != null; t = t.getCause()) {
        if (t instanceof SocketTimeoutException) {
          return true;
        }
      }
      return false;
    }
  }

  /** A connection whose bytes come by a line. */
  private record Watched(ConnectionContext context, DataReader dataReader, Line line)
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
    public DataWriter dataWriter() {
      return context.dataWriter();
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
