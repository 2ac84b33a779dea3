package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.ConfigException;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A page elsewhere reaches no server on this machine by a name that was made to point here. */
@Timeout(60)
class AllowedHostsTest {
  @TempDir Path folder;

  private static AllowedHosts hosts(boolean open, Map<String, String> settings) {
    return new AllowedHosts(ServerConfig.of(LucioleConfig.of(settings)), open);
  }

  @Test
  void pageOfARebindingSite_readsAndWritesNothing() throws IOException {
    try (Server server =
            Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")));
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      String host = "evil.example:" + server.server.port();
      for (String[] request :
          new String[][] {
            {"GET /v1/documents", "421"},
            {"GET /v1/stats", "421"},
            {"GET /metrics", "421"},
            {"DELETE /v1/documents/a", "421"},
            {"POST /v1/search", "421"},
            {"GET /health/ready", "200"}
          }) {
        String head =
            request[0]
                + " HTTP/1.1\r\nHost: "
                + host
                + "\r\nOrigin: http://"
                + host
                + "\r\nContent-Length: 2\r\n\r\n{}";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        String answer = Server.readAnswer(socket);
        assertThat(answer).as(request[0]).startsWith("HTTP/1.1 " + request[1]);
        if (request[1].equals("421")) {
          assertThat(answer).contains("unknown_host", "luciole.server.allowed-hosts");
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1:80",
        "127.1.2.3",
        "[::1]:8080",
        "[::1]",
        "localhost.",
        "luciole.localhost:1"
      })
  void thisMachinesNames_areAllowed(String host) {
    assertThatCode(() -> hosts(true, Map.of()).require(host)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:80",
        "10.0.0.1",
        "",
        "[::2]",
        "notlocalhost"
      })
  void otherNames_areRefused_whereNoKeyIsAskedFor(String host) {
    assertThatThrownBy(() -> hosts(true, Map.of()).require(host)).isInstanceOf(Problem.class);
    assertThatCode(() -> hosts(false, Map.of()).require(host)).doesNotThrowAnyException();
    assertThatCode(() ->
            hosts(true, Map.of("luciole.server.host", "0.0.0.0", "luciole.server.insecure", "true"))
                .require(host))
        .doesNotThrowAnyException();
    assertThatCode(() -> hosts(true, Map.of("luciole.server.allowed-hosts", "*")).require(host))
        .doesNotThrowAnyException();
  }

  @Test
  void configuredNames_areAllowed_andTheyAlone() {
    AllowedHosts hosts =
        hosts(
            false,
            Map.of(
                "luciole.server.allowed-hosts",
                "Search.example, 10.0.0.7",
                "luciole.server.public-origins",
                "https://public.example:8443"));
    for (String host :
        new String[] {"search.example:81", "10.0.0.7", "PUBLIC.example", "localhost"}) {
      assertThatCode(() -> hosts.require(host)).doesNotThrowAnyException();
    }
    assertThatCode(() -> hosts.require(null)).doesNotThrowAnyException();
    assertThatThrownBy(() -> hosts.require("other.example")).isInstanceOf(Problem.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://a", "a:80", "a/b", "*.example"})
  void whatIsNoHost_isRefusedAtTheStart(String text) {
    assertThatThrownBy(() -> hosts(true, Map.of("luciole.server.allowed-hosts", text)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("a host without a port");
  }
}
