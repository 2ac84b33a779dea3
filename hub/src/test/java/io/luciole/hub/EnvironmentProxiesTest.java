package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

final class EnvironmentProxiesTest extends PullFixture {
  private static String proxy(Map<String, String> variables, String uri) {
    return EnvironmentProxies.of(variables).select(URI.create(uri)).get(0).toString();
  }

  @Test
  void proxy_isThatOfTheScheme() {
    Map<String, String> variables =
        Map.of(
            "HTTP_PROXY", "http://plain:1", "https_proxy", "secure:2", "ALL_PROXY", "http://a:3");

    assertThat(proxy(variables, "http://hub.example/x")).contains("plain").contains(":1");
    assertThat(proxy(variables, "https://hub.example/x")).contains("secure").contains(":2");
    assertThat(proxy(Map.of("all_proxy", "http://a"), "https://hub.example")).contains(":80");
    assertThat(proxy(Map.of(), "https://hub.example/x")).isEqualTo("DIRECT");
  }

  @Test
  void noProxy_isDirect() {
    Map<String, String> variables =
        Map.of(
            "HTTPS_PROXY", "http://p:1", "NO_PROXY", "example.org, .corp.example,*.x.y,h.z:8443");

    for (String host :
        new String[] {
          "example.org",
          "a.example.org",
          "a.corp.example",
          "a.x.y",
          "h.z:8443",
          "EXAMPLE.org",
          "localhost",
          "127.0.0.1",
          "[::1]"
        }) {
      assertThat(proxy(variables, "https://" + host + "/")).as(host).isEqualTo("DIRECT");
    }
    for (String host : new String[] {"notexample.org", "h.z", "example.org.evil"}) {
      assertThat(proxy(variables, "https://" + host + "/")).as(host).contains("p");
    }
    assertThat(proxy(Map.of("HTTPS_PROXY", "http://p:1", "NO_PROXY", "*"), "https://a.b"))
        .isEqualTo("DIRECT");
  }

  @Test
  void proxy_thatCannotBeUsed_isAnErrorWithoutItsPassword() {
    for (String text :
        new String[] {"socks5://u:hush@h:1", "http://u:hush@ h", "https://u:hush@h"}) {
      assertThatThrownBy(() -> EnvironmentProxies.of(Map.of("HTTPS_PROXY", text)))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("Expected HTTPS_PROXY to be http://HOST:PORT")
          .hasMessageNotContaining("hush");
    }
  }

  @Test
  void plainRequests_goThroughTheProxy_withItsPassword() throws Exception {
    environment.put("HTTP_PROXY", "http://me:pa%20ss@127.0.0.1:" + hub.port());
    environment.put("HF_ENDPOINT", "http://hub.invalid");

    pull();

    assertThat(resolves()).isTrue();
    assertThat(hub.requests())
        .isNotEmpty()
        .allMatch(r -> "Basic bWU6cGEgc3M=".equals(r.proxyAuthorization()));
  }

  @Test
  void directRequests_doNotCarryTheProxysPassword() throws Exception {
    environment.put("HTTP_PROXY", "http://me:pass@127.0.0.1:" + hub.port());

    pull();

    assertThat(hub.requests()).isNotEmpty().allMatch(r -> r.proxyAuthorization() == null);
  }

  @Test
  void secureRequests_goThroughATunnel_andARefusedLoginIsExplained() throws Exception {
    String refusal =
        String.join(
            "\r\n",
            "HTTP/1.1 407 Proxy Authentication Required",
            "Proxy-Authenticate: Basic realm=\"x\"",
            "Content-Length: 0",
            "",
            "");
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      CompletableFuture<String> asked =
          CompletableFuture.supplyAsync(() -> {
            try (Socket socket = server.accept()) {
              BufferedReader in =
                  new BufferedReader(
                      new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
              String first = in.readLine();
              for (String line = in.readLine(); line != null && !line.isEmpty(); ) {
                line = in.readLine();
              }
              socket.getOutputStream().write(refusal.getBytes(StandardCharsets.ISO_8859_1));
              return first;
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      environment.put("HTTPS_PROXY", "http://127.0.0.1:" + server.getLocalPort());
      environment.put("HF_ENDPOINT", "https://hub.invalid");

      assertThatThrownBy(this::pull)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("The proxy asks for a login");
      assertThat(asked.join()).isEqualTo("CONNECT hub.invalid:443 HTTP/1.1");
    }
  }
}
