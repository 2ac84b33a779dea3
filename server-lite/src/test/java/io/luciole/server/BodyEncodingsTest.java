package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.testkit.FakeBackend;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies in gzip, and those that say they are. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BodyEncodingsTest {
  private static final String BODY = "{\"input\":\"w1 w2\"}";

  @TempDir static Path folder;
  private Server server;

  @BeforeAll
  void open() {
    server =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.limits(Server.limits(100, 1000, 100, 100_000)).index(folder.resolve("index")));
  }

  @AfterAll
  void close() {
    server.close();
  }

  private static byte[] gzip(String text) {
    return BodyEncodings.compressed(text.getBytes(StandardCharsets.UTF_8));
  }

  private Server.Answer post(String path, byte[] body, String coding) {
    return server.send(
        server
            .request(path, "Content-Encoding", coding)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "GZIP", "x-gzip"})
  void bodyInGzip_isRead(String coding) {
    assertThat(post("/v1/embeddings", gzip(BODY), coding).status()).isEqualTo(200);
  }

  @Test
  void bodyAsItIs_isRead() {
    byte[] plain = BODY.getBytes(StandardCharsets.UTF_8);
    assertThat(post("/v1/embeddings", plain, "identity").status()).isEqualTo(200);
  }

  @Test
  void bulkInGzip_isRead() {
    String lines = "{\"id\":\"a\",\"text\":\"w1\"}\n{\"id\":\"b\",\"text\":\"w2\"}\n";
    assertThat(post("/v1/documents/bulk", gzip(lines), "gzip").body())
        .endsWith("{\"lines\":2,\"failed\":0,\"committed\":false}\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/embeddings", "/v1/documents/bulk"})
  void otherCoding_isNotSupported(String path) {
    Server.Answer answer = post(path, gzip(BODY), "br");
    assertThat(answer.status()).isEqualTo(415);
    assertThat(answer.body()).contains("gzip", "br", "unsupported_encoding");
  }

  /** Several headers of a name are one list. */
  @ParameterizedTest
  @ValueSource(strings = {"gzip", "br", "identity"})
  void severalCodings_areNotSupported(String second) {
    Server.Answer answer =
        server.send(
            server
                .request("/v1/embeddings", "Content-Encoding", "gzip", "Content-Encoding", second)
                .POST(HttpRequest.BodyPublishers.ofByteArray(gzip(BODY))));
    assertThat(answer.status()).isEqualTo(415);
    assertThat(answer.body()).contains("gzip, " + second);
  }

  /** Otherwise the client would send all of it in vain. */
  @ParameterizedTest
  @ValueSource(strings = {"/v1/embeddings", "/v1/documents/bulk"})
  void otherCoding_isRefusedBeforeTheBodyIsAskedFor(String path) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(60_000);
      String head =
          "POST "
              + path
              + " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
              + "Content-Encoding: br\r\nContent-Length: 100000\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 415");
    }
  }

  /** A client may wait for the answer to a line before it sends the next. */
  @Test
  void gzip_isReadAsItComes() throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    GZIPOutputStream out = new GZIPOutputStream(sent, true);
    out.write(BODY.getBytes(StandardCharsets.UTF_8));
    out.flush();
    byte[] read = new byte[1000];

    int length = new GzipBody(new ByteArrayInputStream(sent.toByteArray())).read(read);

    assertThat(new String(read, 0, length, StandardCharsets.UTF_8)).isEqualTo(BODY);
  }

  @Test
  void gzipWithAllThatItsHeadCanHave_isRead() throws IOException {
    byte[] plain = gzip(BODY);
    byte[] head = {0x1F, (byte) 0x8B, 8, 0x1F, 1, 2, 3, 4, 0, 3, 2, 0, 9, 9, 'n', 0, 'c', 0, 7, 7};
    byte[] body = Arrays.copyOf(head, head.length + plain.length - 10);
    System.arraycopy(plain, 10, body, head.length, plain.length - 10);

    assertThat(new GzipBody(new ByteArrayInputStream(body))).hasContent(BODY);
  }

  @Test
  void gzipOfAnotherSumOrLength_orWithFlagsThatThereAreNot_isMalformed() {
    byte[] whole = gzip(BODY);
    for (int at : new int[] {3, whole.length - 8, whole.length - 4, whole.length - 1}) {
      byte[] other = whole.clone();
      other[at] ^= (byte) 0x80;
      assertThatThrownBy(() -> new GzipBody(new ByteArrayInputStream(other)).readAllBytes())
          .as("byte %s", at)
          .isInstanceOfSatisfying(Problem.class, e -> assertThat(e.status()).isEqualTo(400));
    }
  }

  @Test
  void whatIsNoGzip_orNotAllOfIt_isMalformed() {
    byte[] whole = gzip(BODY);
    for (byte[] body :
        new byte[][] {
          BODY.getBytes(StandardCharsets.UTF_8), Arrays.copyOf(whole, whole.length / 2), {}
        }) {
      Server.Answer answer = post("/v1/embeddings", body, "gzip");
      assertThat(answer.status()).isEqualTo(400);
    }
  }

  @Test
  void gzipWithSomethingElseBehindIt_isMalformed() {
    byte[] whole = gzip(BODY);
    byte[] more = Arrays.copyOf(whole, whole.length + 30);
    Arrays.fill(more, whole.length, more.length, (byte) 'x');

    Server.Answer answer = post("/v1/embeddings", more, "gzip");

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body()).contains("gzip");
  }

  /** A body may be several that gzip made, one behind the other; between two, none may be there. */
  @Test
  void gzipInSeveralMembers_isReadToItsEnd() throws IOException {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.write(gzip(BODY.substring(0, 3)));
    both.write(gzip(BODY.substring(3)));
    InputStream slow =
        new ByteArrayInputStream(both.toByteArray()) {
          @Override
          public synchronized int read(byte[] bytes, int offset, int length) {
            return super.read(bytes, offset, Math.min(length, 5));
          }

          @Override
          public synchronized int available() {
            return 0;
          }
        };

    assertThat(new GzipBody(slow)).hasContent(BODY);
  }

  /** What a body contains is limited; so must be what it takes to say that it contains nothing. */
  @Test
  void gzipThatContainsNothing_isMalformed_beforeItFillsTheMemory() {
    byte[] beforeAName = {0x1F, (byte) 0x8B, 8, 8, 0, 0, 0, 0, 0, 0};
    for (InputStream body :
        List.of(new Repeated(beforeAName, new byte[] {'n'}), new Repeated(new byte[0], gzip("")))) {
      assertThatThrownBy(() -> new GzipBody(body).readAllBytes())
          .isInstanceOfSatisfying(Problem.class, e -> assertThat(e.status()).isEqualTo(400))
          .hasMessageContaining("contain nothing");
    }
  }

  /** Some bytes, and then others again and again, 64 MiB in all. */
  private static final class Repeated extends InputStream {
    private final byte[] first;
    private final byte[] then;
    private int at;

    Repeated(byte[] first, byte[] then) {
      this.first = first;
      this.then = then;
    }

    @Override
    public int read() {
      if (at >= 64 << 20) {
        return -1;
      }
      byte next = at < first.length ? first[at] : then[(at - first.length) % then.length];
      at++;
      return next & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      int next = read();
      if (next >= 0 && length > 0) {
        bytes[offset] = (byte) next;
      }
      return next < 0 ? -1 : Math.min(1, length);
    }
  }

  @Test
  void gzipThatIsCut_isMalformed_inWords() {
    byte[] whole = gzip(BODY);
    for (int length : new int[] {5, whole.length / 2, whole.length - 1}) {
      Server.Answer answer = post("/v1/embeddings", Arrays.copyOf(whole, length), "gzip");
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.body()).contains("ends too early").doesNotContain("null.");
    }
  }

  @Test
  void everyJsonButVectors_isInGzip_whereTheClientAcceptsIt() {
    String words = "\"" + "w1 ".repeat(100) + "\"";
    String texts = "[" + (words + ",").repeat(49) + words + "]";
    Map.of(
            "/tokenize", "{\"inputs\":" + words + "}",
            "/rerank", "{\"query\":\"w1\",\"texts\":" + texts + "}",
            "/embed_sparse", "{\"inputs\":" + texts + "}")
        .forEach((path, body) -> {
          Server.Answer answer = server.post(path, body, "Accept-Encoding", "gzip");
          assertThat(answer.status()).isEqualTo(200);
          assertThat(answer.response().headers().firstValue("Content-Encoding"))
              .as(path)
              .hasValue("gzip");
        });
    Server.Answer document = server.get("/openapi.json", "Accept-Encoding", "gzip");
    assertThat(document.response().headers().firstValue("Content-Encoding")).hasValue("gzip");
    Server.Answer vectors =
        server.post("/embed", "{\"inputs\":" + texts + "}", "Accept-Encoding", "gzip");
    assertThat(vectors.body().length()).isGreaterThan(1024);
    assertThat(vectors.response().headers().firstValue("Content-Encoding")).isEmpty();
  }

  @Test
  void bomb_isTooLarge_byWhatItContains() {
    byte[] bomb = gzip("{\"input\":\"" + " ".repeat(200 << 20) + "\"}");
    assertThat(bomb).hasSizeLessThan(1 << 20);
    assertThat(post("/v1/embeddings", bomb, "gzip").status()).isEqualTo(413);
    assertThat(server.post("/v1/embeddings", BODY).status()).isEqualTo(200);
  }

  @Test
  void largeAnswer_isInGzip_whereTheClientAcceptsIt() throws Exception {
    String text = "w1 ".repeat(300);
    for (int i = 0; i < 10; i++) {
      String put = "{\"text\":\"" + text + "\"}";
      assertThat(server.put("/v1/documents/long" + i + "?commit=true", put).status())
          .isEqualTo(200);
    }
    String query = "{\"query\":\"w1\"}";
    assertThat(answer(query, "gzip;q=0", "identity")).isEmpty();
    assertThat(answer(query, "br, gzip", "gzip")).contains(text);
    assertThat(answer(query, "x-gzip", "gzip")).contains(text);
    assertThat(answer(query, "br;q=0.5, *", "gzip")).contains(text);
    assertThat(answer(query, "gzip;q=0, *", "identity")).isEmpty();
    assertThat(answer(query, "*;q=0", "identity")).isEmpty();
  }

  @Test
  void answerThatMayBeInGzip_variesWithWhatTheClientAccepts() {
    assertThat(server.get("/openapi.json").response().headers().allValues("Vary"))
        .contains("Accept-Encoding");
    assertThat(server.post("/v1/embeddings", BODY).response().headers().allValues("Vary"))
        .doesNotContain("Accept-Encoding");
  }

  /** The answer if it is in gzip, "" if it is plain. */
  private String answer(String query, String accepted, String expected) throws Exception {
    HttpResponse<byte[]> answer =
        server
            .client()
            .send(
                server
                    .request("/v1/search", "Accept-Encoding", accepted)
                    .POST(HttpRequest.BodyPublishers.ofString(query))
                    .build(),
                HttpResponse.BodyHandlers.ofByteArray());
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Encoding").orElse("identity"))
        .isEqualTo(expected.toLowerCase(Locale.ROOT));
    return expected.equals("gzip") ? inflated(answer.body()) : "";
  }

  private static String inflated(byte[] body) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(body))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
