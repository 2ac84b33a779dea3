package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Method;
import io.helidon.http.Status;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One request and its answer. Used by one thread at a time. */
final class Exchange {
  private final ServerRequest request;
  private final ServerResponse response;
  private final ServerConfig.Limits limits;
  private final ClientConnections connections;
  private final ClientConnections.Client client;
  private final BodyMemory memory;
  private final HeavyWork heavyWork;
  private final TraceContext trace;
  private final long startNanos = System.nanoTime();
  private String caller = "anonymous";
  private int texts;
  private long tokens;
  private long bytesWritten;
  private int status;
  private @Nullable RequestBody body;
  private boolean streaming;

  Exchange(
      ServerRequest request,
      ServerResponse response,
      ServerConfig.Limits limits,
      ClientConnections connections,
      BodyMemory memory,
      HeavyWork heavyWork,
      TraceContext trace) {
    this.request = request;
    this.response = response;
    this.limits = limits;
    this.connections = connections;
    this.memory = memory;
    this.heavyWork = heavyWork;
    this.client = connections.client();
    this.trace = trace;
    client.begin(RequestBody.length(request));
  }

  /** The request was answered, and is not looked at any more. */
  void end() {
    releaseBody();
    client.end();
  }

  private void releaseBody() {
    if (body != null) {
      body.memory().keepBytes(0);
      body.memory().giveValues();
    }
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

  /**
   * The value of a name in the query string, or null.
   *
   * @throws Problem if there are several
   */
  @Nullable String query(String name) {
    List<String> values = request.query().all(name, List::of);
    if (values.size() > 1) {
      throw Problem.invalid(
          name,
          "Expected \""
              + name
              + "\" once in the query string, found it "
              + values.size()
              + " times.");
    }
    return values.isEmpty() ? null : values.get(0);
  }

  /** The names in the query string. */
  Set<String> queryNames() {
    return request.query().names();
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

  /** The body. Its memory counts as that of the caller, who must be known. */
  RequestBody body() {
    RequestBody made = body;
    if (made == null) {
      made = new RequestBody(request, limits, connections, client, memory.lease(caller));
      body = made;
    }
    return made;
  }

  /** The body as JSON. */
  ObjectNode json() {
    byte[] whole = body().whole(startNanos + limits.timeout().toNanos());
    if (whole.length < HeavyWork.LARGE_BODY) {
      return parse(whole);
    }
    try {
      return heavily(() -> parse(whole));
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private ObjectNode parse(byte[] whole) {
    return JsonBodies.parseObject(whole, body().memory()::takeValues);
  }

  /** Whether the body is so large that what is done with it is heavy work. */
  boolean hasLargeBody() {
    return bytesRead() >= HeavyWork.LARGE_BODY;
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
    response.headers().add(HeaderValues.create(HeaderNames.VARY, "Accept-Encoding"));
    if (!BodyEncodings.isWorthwhile(body, header(HeaderNames.ACCEPT_ENCODING))) {
      return body;
    }
    header(HeaderNames.CONTENT_ENCODING, "gzip");
    return BodyEncodings.compressed(body);
  }

  /**
   * Answers. If something is left of the body, and it is not small, the connection ends with the
   * answer. It is kept if the body is small, so that a client that is refused because of overload
   * needs no new connection when it tries again.
   */
  void send(int code, String contentType, byte[] body) {
    status = code;
    boolean small = request.headers().contentLength().orElse(Long.MAX_VALUE) <= RequestBody.SMALL;
    if (isBodyLeft() && !(small && leftover() != null)) {
      response.header(HeaderNames.CONNECTION, "close");
    }
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
    boolean unused = body().isGzip();
    if (Http10.isVia(header(HeaderNames.VIA))) {
      throw new Problem(
          505,
          "http_version",
          "This answer comes in pieces, for which HTTP/1.1 is needed, and the request came in HTTP/1.0:"
              + " in nginx, set proxy_http_version 1.1.");
    }
    return new OutputStream() {
      private @Nullable OutputStream started;

      // What fails before anything was written can still have a status of its own.
      private OutputStream out() {
        OutputStream out = started;
        if (out == null) {
          status = 200;
          streaming = true;
          response.status(Status.OK_200);
          response.header(HeaderNames.CONTENT_TYPE, contentType);
          out = response.outputStream();
          started = out;
        }
        return out;
      }

      @Override
      public void write(int b) throws IOException {
        out().write(b);
        bytesWritten++;
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        out().write(bytes, offset, length);
        bytesWritten += length;
      }

      @Override
      public void flush() throws IOException {
        out().flush();
      }

      @Override
      public void close() throws IOException {
        out().close();
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

  /** Answers with a problem, without waiting for a body that has not been read yet. */
  void fail(Problem problem, Problems.Format format) {
    releaseBody();
    if (problem.retryAfterSeconds() > 0) {
      response.header(HeaderNames.RETRY_AFTER, Long.toString(problem.retryAfterSeconds()));
    }
    send(problem.status(), "application/json", JsonBodies.bytes(Problems.write(problem, format)));
  }

  /** Whether there is a body of which something was not read; its end is no byte. */
  private boolean isBodyLeft() {
    long length = RequestBody.length(request);
    return request.content().hasEntity()
        && !request.content().consumed()
        && (length < 0 || bytesRead() < length);
  }

  /**
   * What is left of the body, for {@link Leftovers}; null if nothing is, or nothing will come, or
   * if the answer came in pieces and its connection is kept.
   */
  @Nullable RequestBody leftover() {
    boolean waits =
        request.headers().containsToken(HeaderValues.EXPECT_100) && !request.continueSent();
    boolean kept = streaming && !isLast();
    return isBodyLeft() && status != 408 && !waits && !kept ? body() : null;
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
    return body == null ? 0 : body.bytesRead();
  }

  long bytesWritten() {
    return bytesWritten;
  }
}
