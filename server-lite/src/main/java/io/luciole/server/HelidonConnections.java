package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.common.task.InterruptableTask;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 connections of Helidon's with disconnect detection and timeouts. This is the only file
 * that uses Helidon's connection internals, with {@link HelidonReader}; {@code
 * HelidonConnectionsTest} fails by name when a new version of Helidon changes them.
 *
 * <p><b>Number.</b> There are places for so many connections; others wait in the system's queue
 * until one is free. When few are left, connections end with their answers, and those that wait for
 * a request are ended, so that nobody keeps others out by doing nothing.
 *
 * <p><b>Threads.</b> A connection is handled by one thread, which is how a request finds its
 * connection when it begins. While another thread handles the request, the connection's own waits
 * for it. Two more threads take part: one of the connection's executor reads ahead, and one of this
 * object's own watches the writes of all connections.
 */
final class HelidonConnections implements ClientConnections {
  /** Longest head of a request, in bytes; longer ones are refused. */
  static final int MAX_HEADERS = 16 << 10;

  /** Longest first line of a request, in bytes. */
  static final int MAX_PROLOGUE = 8 << 10;

  private final Http1ConnectionSelector http1 =
      Http1ConnectionSelector.builder()
          .config(http -> http.maxHeadersSize(MAX_HEADERS).maxPrologueLength(MAX_PROLOGUE))
          .build();

  /** How long a connection waits for a request undisturbed when others need its place. */
  private static final Duration UNDISTURBED = Duration.ofSeconds(2);

  private final Duration timeout;
  private final int most;
  private final WriteTimeout writeTimeout;
  private final Set<HelidonReader> open = ConcurrentHashMap.newKeySet();

  // An instance field, so that two servers in one process do not share it. A thread's value is
  // released when the thread ends, which is when its connection ends.
  @SuppressWarnings("ThreadLocalUsage")
  private final ThreadLocal<@Nullable HelidonReader> current = new ThreadLocal<>();

  /**
   * Creates connections.
   *
   * @param timeout how long a client may send nothing when something is expected of it, how long a
   *     head may take, and how long a client may read nothing of an answer
   * @param most how many connections are open at most; others wait until the system accepts them
   */
  HelidonConnections(Duration timeout, int most) {
    this.timeout = timeout;
    this.most = most;
    this.writeTimeout = new WriteTimeout(timeout, this::makeRoom);
  }

  @Override
  public void install(WebServerConfig.Builder server) {
    server.addConnectionSelector(new Selector()).maxTcpConnections(most);
  }

  @Override
  public boolean isCrowded() {
    return open.size() >= most - most / 8;
  }

  /** When few places are left, ends the connections that have waited for a request for a while. */
  private void makeRoom() {
    if (isCrowded()) {
      open.forEach(reader -> reader.endIfWaitingFor(UNDISTURBED));
    }
  }

  @Override
  public Client client() {
    return requireNonNull(current.get(), "the thread handles no connection");
  }

  @Override
  public boolean isReadFailure(RuntimeException failure) {
    return failure instanceof UncheckedIOException
        || failure instanceof DataReader.InsufficientDataAvailableException
        || failure instanceof CloseConnectionException;
  }

  @Override
  public void close() {
    writeTimeout.close();
  }

  /** Helidon's HTTP/1.1 selector, whose connections read and write through this class. */
  private final class Selector implements ServerConnectionSelector {
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
      HelidonReader reader =
          new HelidonReader(
              context.dataReader(), context.serverSocket(), context.executor(), timeout);
      ServerConnection connection =
          http1.connection(
              new SupervisedContext(
                  context,
                  DataReader.create(new Http10(reader::next, MAX_PROLOGUE, MAX_HEADERS)),
                  writeTimeout.supervise(context.dataWriter())));
      return new Counted(connection, reader);
    }
  }

  /** A connection of Helidon's that is counted for as long as it is handled. */
  private final class Counted implements ServerConnection, InterruptableTask<Void> {
    private final ServerConnection connection;
    private final HelidonReader reader;

    Counted(ServerConnection connection, HelidonReader reader) {
      this.connection = connection;
      this.reader = reader;
    }

    @Override
    public void handle(Limit limit) throws InterruptedException {
      open.add(reader);
      current.set(reader);
      try {
        connection.handle(limit);
      } finally {
        current.remove();
        open.remove(reader);
      }
    }

    @Override
    public boolean canInterrupt() {
      return connection instanceof InterruptableTask<?> task && task.canInterrupt();
    }

    @Override
    public Duration idleTime() {
      return connection.idleTime();
    }

    @Override
    public void close(boolean interrupt) {
      connection.close(interrupt);
    }
  }

  /**
   * Ends connections whose clients do not read. A blocking write has no timeout of its own, and its
   * request would hold its place for ever. Large answers are written in pieces, so that a slow
   * client is not taken for one that reads nothing.
   *
   * <p>A write that takes too long is ended by interrupting its thread, which closes the connection
   * beneath it, with TLS or without. Invariant: a thread is interrupted only between the beginning
   * and the end of a write, under the writer's lock, so that no interrupt reaches other code.
   */
  private static final class WriteTimeout {
    /** Most bytes of one write. */
    private static final int PIECE = 64 << 10;

    private final long limitNanos;
    private final Set<Writer> writing = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService clock;

    /** With something else to do now and then. */
    WriteTimeout(Duration limit, Runnable also) {
      this.limitNanos = limit.toNanos();
      this.clock =
          Executors.newSingleThreadScheduledExecutor(
              Thread.ofPlatform().daemon().name("luciole-http-writes").factory());
      long period = Math.clamp(limit.toMillis() / 4, 10, 1000);
      var unused =
          clock.scheduleWithFixedDelay(
              () -> {
                writing.forEach(Writer::endIfStuck);
                also.run();
              },
              period,
              period,
              TimeUnit.MILLISECONDS);
    }

    DataWriter supervise(DataWriter to) {
      return new Writer(to);
    }

    void close() {
      clock.shutdownNow();
    }

    /** One connection's writer. Used by one thread at a time. */
    private final class Writer implements DataWriter {
      private final DataWriter to;
      private Thread thread = Thread.currentThread();
      private long since;
      private boolean inProgress;
      private boolean ended;

      Writer(DataWriter to) {
        this.to = to;
      }

      @Override
      public void write(BufferData... buffers) {
        for (BufferData buffer : buffers) {
          write(buffer);
        }
      }

      @Override
      public void write(BufferData buffer) {
        inPieces(buffer, to::write);
      }

      @Override
      public void writeNow(BufferData... buffers) {
        for (BufferData buffer : buffers) {
          writeNow(buffer);
        }
      }

      @Override
      public void writeNow(BufferData buffer) {
        inPieces(buffer, to::writeNow);
      }

      @Override
      public void flush() {
        to.flush();
      }

      @Override
      public void close() {
        to.close();
      }

      private void inPieces(BufferData buffer, Consumer<BufferData> write) {
        while (buffer.available() > PIECE) {
          byte[] piece = new byte[PIECE];
          int length = buffer.read(piece);
          timed(BufferData.create(piece, 0, length), write);
        }
        timed(buffer, write);
      }

      private void timed(BufferData buffer, Consumer<BufferData> write) {
        begin();
        try {
          write.accept(buffer);
        } finally {
          end();
        }
      }

      private synchronized void begin() {
        thread = Thread.currentThread();
        since = System.nanoTime();
        inProgress = true;
        writing.add(this);
      }

      private void end() {
        boolean stuck;
        synchronized (this) {
          inProgress = false;
          writing.remove(this);
          stuck = ended;
        }
        if (stuck) {
          boolean unused = Thread.interrupted();
          throw new UncheckedIOException(new IOException("the client does not read"));
        }
      }

      private synchronized void endIfStuck() {
        if (inProgress && !ended && System.nanoTime() - since > limitNanos) {
          ended = true;
          thread.interrupt();
        }
      }
    }
  }

  /** A connection's context with another reader and another writer. */
  private record SupervisedContext(
      ConnectionContext context, DataReader dataReader, DataWriter dataWriter)
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
