package io.luciole.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The body of one request: as a stream, or whole. Its client may let the server wait for the
 * request's time in all, and for a second more with each KiB that it sends; and what is read counts
 * in {@link BodyMemory}, unless the body is small. Used by one thread at a time.
 */
final class RequestBody {
  /** Bytes of a body that earn its client another second to send more. */
  private static final long MIN_BYTES_A_SECOND = 1 << 10;

  /** Bytes of memory for each byte of a body: the body, and the strings in it. */
  private static final int COPIES = 2;

  /**
   * Bodies of so many bytes always find room, as requests in progress are few enough for that, and
   * are read although they were refused, so that the connection can be kept.
   */
  static final int SMALL = 64 << 10;

  private static final int PIECE = 64 << 10;

  private final ServerRequest request;
  private final ServerConfig.Limits limits;
  private final ClientConnections connections;
  private final ClientConnections.Client client;
  private final BodyMemory.Lease memory;
  private long bytesRead;
  private long waitedNanos;

  /** The bytes that are kept of {@link #heldStream}. */
  private long kept;

  private @Nullable InputStream stream;

  RequestBody(
      ServerRequest request,
      ServerConfig.Limits limits,
      ClientConnections connections,
      ClientConnections.Client client,
      BodyMemory.Lease memory) {
    this.request = request;
    this.limits = limits;
    this.connections = connections;
    this.client = client;
    this.memory = memory;
  }

  /** The length that the request's head tells, or -1 for a body in chunks. */
  static long length(ServerRequest request) {
    return request.headers().contains(HeaderNames.TRANSFER_ENCODING)
        ? -1
        : request.headers().contentLength().orElse(0);
  }

  /** What the body holds of the memory for bodies. */
  BodyMemory.Lease memory() {
    return memory;
  }

  /** The bytes that have been read, as they were sent. */
  long bytesRead() {
    return bytesRead;
  }

  /**
   * The body as a stream, as it was before its sender compressed it.
   *
   * @throws Problem if it is in a coding that is not known
   */
  InputStream stream() {
    // Asked before the stream is opened, which makes a client that expects 100 send its body.
    boolean gzip = isGzip();
    InputStream in = encoded();
    return gzip ? new GzipBody(in) : in;
  }

  /**
   * Whether the body is in gzip.
   *
   * @throws Problem if it is in another coding
   */
  boolean isGzip() {
    return BodyEncodings.isGzip(
        String.join(", ", request.headers().all(HeaderNames.CONTENT_ENCODING, List::of)));
  }

  /**
   * As {@link #stream}, whose bytes are counted in the memory for bodies once they are read, until
   * {@link #keep}. Where others leave none, a read waits for the request's time at most. To be
   * closed.
   *
   * @param most the most bytes that the reader holds beside what is kept; it passes over the rest
   */
  InputStream heldStream(long most) {
    InputStream in = stream();
    return new WatchedStream(in) {
      @Override
      public void close() throws IOException {
        in.close();
      }

      @Override
      void after(int read, long nanos) {
        long more = Math.min(COPIES * (long) read, COPIES * (kept + most) - memory.bytes());
        if (more > 0) {
          memory.awaitBytes(more, limits.timeout());
        }
      }
    };
  }

  /** Whether so many bytes take so much of the memory for bodies that others would miss it. */
  boolean isMuch(long bytes) {
    return COPIES * bytes > memory.most() / 16;
  }

  /**
   * Of what was read of {@link #heldStream}, no more is needed any longer.
   *
   * @param bytes what is kept of it
   * @param buffered what its reader has room for
   */
  void keep(long bytes, long buffered) {
    kept = bytes;
    memory.keepBytes(COPIES * (bytes + buffered));
  }

  /**
   * Reads the whole body. Memory for one of known length is taken before any of it is read.
   *
   * @param end the nano time until when all of it must have come
   * @throws Problem if it is too large, comes too slowly, or other bodies leave no memory for it
   */
  byte[] whole(long end) {
    long length = length(request);
    if (length > limits.maxBody()) {
      throw tooLarge(", this one has " + length);
    }
    client.readUntil(end);
    try (InputStream in = stream()) {
      boolean known = length >= 0 && !request.headers().contains(HeaderNames.CONTENT_ENCODING);
      return known ? read(in, (int) length) : read(in);
    } catch (IOException e) {
      throw cutShort(e);
    } catch (RuntimeException e) {
      throw connections.isReadFailure(e) ? cutShort(e) : e;
    }
  }

  private byte[] read(InputStream in, int length) throws IOException {
    takeBeyondSmall(0, length);
    byte[] bytes = new byte[length];
    int read = in.readNBytes(bytes, 0, length);
    return read == length ? bytes : Arrays.copyOf(bytes, read);
  }

  private byte[] read(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] piece = new byte[PIECE];
    for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
      takeBeyondSmall(bytes.size(), n);
      bytes.write(piece, 0, n);
      if (bytes.size() > limits.maxBody()) {
        throw tooLarge("");
      }
    }
    return bytes.toByteArray();
  }

  private void takeBeyondSmall(int before, int more) {
    if (before + more > SMALL) {
      memory.takeBytes((long) COPIES * more);
    }
  }

  private Problem tooLarge(String found) {
    return Problem.tooLarge(null, "A body may have " + limits.maxBody() + " bytes" + found + '.');
  }

  /** What to throw where the client disconnected, or sent nothing for too long, in a body. */
  static RuntimeException cutShort(Exception e) {
    if (e instanceof Problem malformed) {
      return malformed;
    }
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof SocketTimeoutException) {
        return tooSlow();
      }
    }
    return new CloseConnectionException("the request ended before its body did", e);
  }

  private static Problem tooSlow() {
    return new Problem(408, "request_timeout", "The request's body did not come in time.");
  }

  /** Until when the body is read, in {@link System#nanoTime()}; then a read fails. */
  void readUntil(long nanoTime) {
    client.readUntil(nanoTime);
  }

  /** As {@link ClientConnections.Client#whileWaiting}. */
  void whileWaiting(BooleanSupplier meanwhile) {
    client.whileWaiting(meanwhile);
  }

  /** The body as it is sent; what is left of it, if some was read. */
  InputStream encoded() {
    InputStream started = stream;
    if (started == null) {
      started =
          request.content().hasEntity()
              ? new Timed(request.content().inputStream())
              : InputStream.nullInputStream();
      stream = started;
    }
    return started;
  }

  /** The body as it is sent, whose client may not be too slow. */
  private final class Timed extends WatchedStream {
    Timed(InputStream in) {
      super(in);
    }

    @Override
    void after(int read, long nanos) {
      bytesRead += read;
      waitedNanos += nanos;
      Duration allowed = limits.timeout().plusSeconds(bytesRead / MIN_BYTES_A_SECOND);
      if (waitedNanos > allowed.toNanos()) {
        throw tooSlow();
      }
    }
  }
}
