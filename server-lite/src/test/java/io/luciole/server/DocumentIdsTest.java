package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids that mean something in paths, over plain sockets, since clients tidy paths up. */
@Timeout(120)
class DocumentIdsTest {
  @TempDir Path folder;
  private Server server;

  @BeforeEach
  void open() {
    server = Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")));
  }

  @AfterEach
  void close() {
    server.close();
  }

  /** Sends a request and gives its answer, head and body. */
  private String send(String method, String target, String body) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      socket
          .getOutputStream()
          .write(
              (method
                      + " "
                      + target
                      + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(StandardCharsets.ISO_8859_1));
      return new String(
          Server.readAnswer(socket).getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
  }

  private static String percent(String id) {
    return URLEncoder.encode(id, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace(".", "%2E")
        .replace("*", "%2A");
  }

  private JsonNode ok(String method, String target, String body) throws IOException {
    String answer = send(method, target, body);
    assertThat(answer).as(target).startsWith("HTTP/1.1 200");
    return Server.MAPPER.readTree(answer.substring(answer.indexOf("\r\n\r\n")));
  }

  private void assertUsable(String target, String id) throws IOException {
    JsonNode put = ok("PUT", target, "{\"text\":\"w1\"}");
    assertThat(put.path("id").asText()).isEqualTo(id);
    assertThat(put.path("result").asText()).isEqualTo("created");
    JsonNode unused = ok("POST", "/v1/commit", "");
    assertThat(ok("GET", target, "").path("id").asText()).isEqualTo(id);
    assertThat(ok("DELETE", target, "").path("result").asText()).isEqualTo("deleted");
    assertThat(ok("POST", "/v1/commit", "").path("documents").asInt()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a/b",
        "/",
        "a//b",
        "/a/",
        "..",
        ".",
        "a/../b",
        "a?b",
        "a#b",
        "a%2Fb",
        "%",
        "a;b=c",
        "a+b",
        "日本/語",
        "🐝 ",
        "bulk",
        "a&b=c",
        "a\\b",
        "\u0000\"",
        "*",
        "{id}",
        "nl\nx",
        "\r\n",
        "\n",
        "/a\n/b\r",
        "a\u0085\u2028\u2029b"
      })
  void id_worksInThePath_andAsAParameter(String id) throws IOException {
    assertUsable("/v1/documents/" + percent(id), id);
    assertUsable("/v1/indexes/default/documents/" + percent(id), id);
    assertUsable("/v1/documents?id=" + percent(id), id);
  }

  /** As proxies send on that decode what they pass. */
  @Test
  void slash_thatAProxyHasDecoded_isThatOfTheId() throws IOException {
    assertUsable("/v1/documents/a/b", "a/b");
    assertUsable("/v1/documents/https://example.org/x", "https://example.org/x");
    assertUsable("/v1/documents/a/../b;c", "a/../b;c");
    assertThat(send("PUT", "/v1/documents/a%2Fb", "{\"text\":\"w1\"}")).startsWith("HTTP/1.1 200");
    assertThat(send("DELETE", "/v1/documents", "{\"ids\":[\"a/b\"]}")).contains("\"deleted\":1");
  }

  /** Decoded, each of them would be the same sign, and ids that differ would be one. */
  @ParameterizedTest
  @ValueSource(
      strings = {"%ff", "%FE", "a%C3b", "%e2%82", "%c0%af", "%ED%A0%80", "\u00ff", "\u00c3"})
  void bytesThatAreNoUtf8_areRefused_andNamed(String id) throws IOException {
    for (String target :
        new String[] {
          "/v1/documents/" + id, "/v1/documents?id=" + id, "/v1/indexes/default/documents/" + id
        }) {
      for (String method : new String[] {"GET", "PUT", "DELETE"}) {
        assertThat(send(method, target, method.equals("PUT") ? "{\"text\":\"w1\"}" : ""))
            .as(method + target)
            .startsWith("HTTP/1.1 400");
      }
    }
    assertThat(ok("POST", "/v1/commit", "").path("documents").asInt()).isZero();
  }

  @Test
  void byteThatIsNoUtf8_isNamed() throws IOException {
    assertThat(send("GET", "/v1/documents/a%C3%A9%fe", "")).contains("found the byte %FE");
    assertThat(send("GET", "/v1/documents?id=%E2%82", "")).contains("found the byte %E2");
  }

  @Test
  void idsThatContradictEachOther_areRefused() throws IOException {
    assertRefused("PUT", "/v1/documents/a?id=b", "{\"text\":\"w1\"}", "query string");
    assertRefused("DELETE", "/v1/documents/a?id=b", "", "query string");
    assertRefused("GET", "/v1/documents/a?id=b", "", "query string");
    for (String method : new String[] {"GET", "PUT", "DELETE"}) {
      String body = method.equals("PUT") ? "{\"text\":\"w1\"}" : "";
      assertRefused(method, "/v1/documents?id=a&id=b", body, "found it 2 times");
    }
    assertRefused("DELETE", "/v1/documents?id=a", "{\"ids\":[\"b\"]}", "found both");
    assertRefused("DELETE", "/v1/documents/a", "{\"filter\":{\"x\":1}}", "found both");
    for (String id : new String[] {"\"_id\":\"b\"", "\"id\":\"b\"", "\"id\":7"}) {
      assertRefused("PUT", "/v1/documents/a", "{" + id + ",\"text\":\"w1\"}", "found another");
      assertRefused("PUT", "/v1/documents?id=a", "{" + id + ",\"text\":\"w1\"}", "found another");
    }
    assertThat(ok("POST", "/v1/commit", "").path("documents").asInt()).isZero();
    assertThat(ok("PUT", "/v1/documents/a", "{\"id\":\"a\",\"text\":\"w1\"}").path("id").asText())
        .isEqualTo("a");
    assertThat(ok("PUT", "/v1/documents/7", "{\"_id\":7,\"text\":\"w1\"}").path("id").asText())
        .isEqualTo("7");
  }

  private void assertRefused(String method, String target, String body, String reason)
      throws IOException {
    assertThat(send(method, target, body))
        .as(method + target + body)
        .startsWith("HTTP/1.1 400")
        .contains(reason);
  }

  @Test
  void halfOfASurrogatePair_isRefused_andAWholeOneTaken() throws IOException {
    String half = "\\ud800";
    String reason = "half of a surrogate pair";
    assertRefused(
        "PUT",
        "/v1/documents",
        "{\"documents\":[{\"id\":\"a" + half + "\",\"text\":\"w1\"}]}",
        reason);
    assertRefused("DELETE", "/v1/documents", "{\"ids\":[\"a\",\"" + half + "\"]}", reason);
    String lines =
        "{\"id\":\"" + half + "\",\"text\":\"w1\"}\n{\"id\":\"\\ud83d\\ude00\",\"text\":\"w1\"}\n";
    assertThat(server.post("/v1/documents/bulk", lines).body()).contains(reason, "\"failed\":1");
  }

  @Test
  void noId_isRefused() throws IOException {
    for (String target : new String[] {"/v1/documents/", "/v1/documents?id="}) {
      for (String method : new String[] {"GET", "PUT", "DELETE"}) {
        assertThat(send(method, target, method.equals("GET") ? "" : "{\"text\":\"w1\"}"))
            .as(method + target)
            .startsWith("HTTP/1.1 4");
      }
    }
  }
}
