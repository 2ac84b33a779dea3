package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One request and its answer. Used by one thread at a time. */
final class Exchange {
  private static final long MAX_DRAIN = 64L << 20;

  /** Most bytes of a body that is read although refused, so that the connection can be kept. */
  private static final long SMALL_BODY = 64 << 10;

  /** Bytes of a body that earn its client another second to send more. */
  private static final long MIN_BYTES_A_SECOND = 1 << 10;

  private final ServerRequest request;
  private final ServerResponse response;
  private final ServerConfig.Limits limits;
  private final ClientConnections connections;
  private final ClientConnections.Client client;
  private final HeavyWork heavyWork;
  private final TraceContext trace;
  private final long startNanos = System.nanoTime();
  private String caller = "anonymous";
  private int texts;
  private long tokens;
  private long bytesRead;
  private long waitedNanos;
  private long bytesWritten;
  private int status;
  private @Nullable InputStream bodyStream;
  private boolean streaming;

  Exchange(
      ServerRequest request,
      ServerResponse response,
      ServerConfig.Limits limits,
      ClientConnections connections,
      HeavyWork heavyWork,
      TraceContext trace) {
    this.request = request;
    this.response = response;
    this.limits = limits;
    this.connections = connections;
    this.heavyWork = heavyWork;
    this.client = connections.client();
    this.trace = trace;
    client.begin(
        request.headers().contains(HeaderNames.TRANSFER_ENCODING)
            ? -1
            : request.headers().contentLength().orElse(0));
  }

  /** The request was answered, and is not looked at any more. */
  void end() {
    client.end();
  }

  ServerRequest request() {
    return request;
  }

  TraceContext trace() {
    return trace;
  }

  ServerConfig.Limits limits() {
    return limits;
  }

  /** The caller, for fairness and the log: a key's number, or the peer's address. */
  String caller() {
    return caller;
  }

  void caller(String name) {
    this.caller = name;
  }

  @Nullable String header(HeaderName name) {
    return request.headers().first(name).orElse(null);
  }

  @Nullable String query(String name) {
    return request.query().first(name).orElse(null);
  }

  /** The value of a variable in the route's path. */
  String variable(String name) {
    return request.path().pathParameters().get(name);
  }

  /** The time left to the request; throws if there is none. */
  Duration remaining() throws TimeoutException {
    long left = limits.timeout().toNanos() - (System.nanoTime() - startNanos);
    if (left <= 0) {
      throw new TimeoutException();
    }
    return Duration.ofNanos(left);
  }

  /** Throws if the request's time is up; for handlers that compute for long. */
  void requireTime() throws TimeoutException {
    boolean unused = remaining().isPositive();
  }

  long elapsedNanos() {
    return System.nanoTime() - startNanos;
  }

  boolean isClientDisconnected() {
    return client.isDisconnected();
  }

  /** The body as JSON. */
  ObjectNode json() {
    byte[] body = body();
    if (body.length < HeavyWork.LARGE_BODY) {
      return JsonBodies.parseObject(body);
    }
    try {
      return heavily(() -> JsonBodies.parseObject(body));
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether the body is so large that what is done with it is heavy work. */
  boolean hasLargeBody() {
    return bytesRead >= HeavyWork.LARGE_BODY;
  }

  /**
   * Does heavy work when there is a place for it.
   *
   * @throws Problem if there is none within the request's time
   * @throws Exception what the work threw
   */
  <T> T heavily(Callable<T> work) throws Exception {
    return heavyWork.run(caller, limits.timeout().minusNanos(elapsedNanos()), work);
  }

  private byte[] body() {
    OptionalLong length = request.headers().contentLength();
    if (length.isPresent() && length.getAsLong() > limits.maxBody()) {
      throw Problem.tooLarge(
          null,
          "A body may have "
              + limits.maxBody()
              + " bytes, this one has "
              + length.getAsLong()
              + '.');
    }
    ByteArrayOutputStream bytes =
        new ByteArrayOutputStream((int) Math.min(length.orElse(8192), 1 << 20));
    byte[] buffer = new byte[8192];
    client.readUntil(startNanos + limits.timeout().toNanos());
    try (InputStream in = stream()) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        bytes.write(buffer, 0, n);
        if (bytes.size() > limits.maxBody()) {
          throw Problem.tooLarge(null, "A body may have " + limits.maxBody() + " bytes.");
        }
      }
    } catch (IOException e) {
      throw bodyCutShort(e);
    } catch (RuntimeException e) {
      throw connections.isReadFailure(e) ? bodyCutShort(e) : e;
    }
    return bytes.toByteArray();
  }

  /** What to throw where the client disconnected, or sent nothing for too long, in a body. */
  static RuntimeException bodyCutShort(Exception e) {
    if (e instanceof Problem malformed) {
      return malformed;
    }
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof SocketTimeoutException) {
        return bodyTooSlow();
      }
    }
    return new CloseConnectionException("the request ended before its body did", e);
  }

  private static Problem bodyTooSlow() {
    return new Problem(408, "request_timeout", "The request's body did not come in time.");
  }

  /**
   * The body as a stream, whose bytes are counted for the access log. Its client may let the server
   * wait for the request's time in all, and for a second more with each KiB that it sends.
   */
  InputStream stream() {
    return BodyEncodings.decoded(encodedStream(), header(HeaderNames.CONTENT_ENCODING));
  }

  private InputStream encodedStream() {
    InputStream started = bodyStream;
    if (started == null) {
      started =
          request.content().hasEntity()
              ? counted(request.content().inputStream())
              : InputStream.nullInputStream();
      bodyStream = started;
    }
    return started;
  }

  private InputStream counted(InputStream in) {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        long since = System.nanoTime();
        int n = in.read(bytes, offset, length);
        waitedNanos += System.nanoTime() - since;
        bytesRead += Math.max(0, n);
        requireProgress();
        return n;
      }
    };
  }

  private void requireProgress() {
    Duration allowed = limits.timeout().plusSeconds(bytesRead / MIN_BYTES_A_SECOND);
    if (waitedNanos > allowed.toNanos()) {
      throw bodyTooSlow();
    }
  }

  /** Counts what was embedded, for the log and the meters. */
  void count(int moreTexts, long moreTokens) {
    texts += moreTexts;
    tokens += moreTokens;
  }

  void header(HeaderName name, String value) {
    response.header(name, value);
  }

  void ok(JsonNode body) {
    ok(JsonBodies.bytes(body));
  }

  /** JSON that is written already. */
  void ok(byte[] body) {
    send(200, "application/json", encoded(body));
  }

  /** JSON of dense or token vectors: gzip halves their digits, and takes longer than the model. */
  void okVectors(byte[] body) {
    send(200, "application/json", body);
  }

  /** An answer in gzip if it is large and the client takes that. */
  private byte[] encoded(byte[] body) {
    if (!BodyEncodings.isWorthwhile(body, header(HeaderNames.ACCEPT_ENCODING))) {
      return body;
    }
    header(HeaderNames.CONTENT_ENCODING, "gzip");
    response.headers().add(HeaderValues.create(HeaderNames.VARY, "Accept-Encoding"));
    return BodyEncodings.compressed(body);
  }

  void send(int code, String contentType, byte[] body) {
    status = code;
    response.status(Status.create(code));
    response.header(HeaderNames.CONTENT_TYPE, contentType);
    if (request.prologue().method().equals(Method.HEAD)) {
      response.header(HeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
      response.send();
    } else {
      bytesWritten = body.length;
      response.send(body);
    }
  }

  /** Whether the connection ends with this answer, because either side said so. */
  boolean isLast() {
    return response.headers().containsToken(HeaderValues.CONNECTION_CLOSE)
        || request.headers().containsToken(HeaderValues.CONNECTION_CLOSE);
  }

  /** Starts an answer with status 200 that is sent in pieces, which HTTP/1.0 does not have. */
  OutputStream sendStream(String contentType) {
    // A coding that is not known is refused while there can be another status.
    InputStream unused = stream();
    if (Http10.isVia(header(HeaderNames.VIA))) {
      throw new Problem(
          505,
          "http_version",
          "This answer comes in pieces, for which HTTP/1.1 is needed, and the request came in HTTP/1.0:"
              + " in nginx, set proxy_http_version 1.1.");
    }
    status = 200;
    streaming = true;
    response.status(Status.OK_200);
    response.header(HeaderNames.CONTENT_TYPE, contentType);
    OutputStream out = response.outputStream();
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        out.write(b);
        bytesWritten++;
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        bytesWritten += length;
      }

      @Override
      public void flush() throws IOException {
        out.flush();
      }

      @Override
      public void close() throws IOException {
        out.close();
      }
    };
  }

  /** Sends the end of an answer in pieces, which Helidon leaves until its handler returns. */
  void finish() {
    if (streaming && response instanceof RoutingResponse answer) {
      answer.commit();
    }
  }

  boolean isSent() {
    return streaming || response.isSent();
  }

  /**
   * Answers with a problem, without waiting for a body that has not been read yet. A small body is
   * read after the answer and the connection is kept, so that a client that is refused because of
   * overload needs no new connection when it tries again. Otherwise the connection ends; what the
   * client has already sent is read first, since the client would lose the answer if the connection
   * were reset.
   */
  void fail(Problem problem, Problems.Format format) {
    boolean unread = request.content().hasEntity() && !request.content().consumed();
    boolean waits =
        request.headers().containsToken(HeaderValues.EXPECT_100) && !request.continueSent();
    boolean taken = unread && problem.status() != 408 && !waits;
    boolean stays = taken && request.headers().contentLength().orElse(Long.MAX_VALUE) <= SMALL_BODY;
    if (problem.retryAfterSeconds() > 0) {
      response.header(HeaderNames.RETRY_AFTER, Long.toString(problem.retryAfterSeconds()));
    }
    if (unread && !stays) {
      response.header(HeaderNames.CONNECTION, "close");
    }
    send(problem.status(), "application/json", JsonBodies.bytes(Problems.write(problem, format)));
    if (taken) {
      drain();
    }
  }

  private void drain() {
    byte[] buffer = new byte[65536];
    long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    client.readUntil(end);
    try (InputStream in = encodedStream()) {
      long left = MAX_DRAIN;
      for (int n = 0; n >= 0 && left > 0 && System.nanoTime() < end; left -= n) {
        n = in.read(buffer);
      }
    } catch (IOException | RuntimeException e) {
      // The answer was sent; reading on only helps the client to receive it.
    }
  }

  int status() {
    return status;
  }

  int texts() {
    return texts;
  }

  long tokens() {
    return tokens;
  }

  long bytesRead() {
    return bytesRead;
  }

  long bytesWritten() {
    return bytesWritten;
  }
}
