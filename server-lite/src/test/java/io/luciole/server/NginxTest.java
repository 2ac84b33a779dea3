package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real nginx in front: as it comes, and with the recipe of docs/server.md. Skipped, with the
 * reason, where there is none ({@code NGINX} names one that is not on the path).
 */
@Timeout(120)
class NginxTest {
  private static final String EMBED = "{\"input\":\"w1\"}";
  private static final String LINE = "{\"id\":\"a\",\"text\":\"w1\"}\n";

  @TempDir Path folder;

  private static Optional<Path> find() {
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Stream.concat(
            Optional.ofNullable(System.getenv("NGINX")).map(Path::of).stream(),
            Stream.concat(
                    Stream.of(path.split(File.pathSeparator, -1)),
                    Stream.of("/usr/sbin", "/usr/local/sbin"))
                .map(in -> Path.of(in, "nginx")))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** nginx with some of its configuration's {@code http} part. */
  private final class Nginx implements AutoCloseable {
    final int port;
    private final Process process;

    Nginx(int port, String http) throws IOException {
      Optional<Path> nginx = find();
      assumeTrue(nginx.isPresent(), "no nginx here");
      this.port = port;
      Path own = Files.createDirectories(folder.resolve("nginx-" + port));
      Path conf =
          Files.writeString(
              own.resolve("nginx.conf"),
              // Workers of root's nginx are somebody else, who may not read this folder.
              (System.getProperty("user.name").equals("root") ? "user root root;\n" : "")
                  + "daemon off; pid nginx.pid; error_log stderr; worker_processes 1;\n"
                  + "events {}\nhttp {\naccess_log off;\n"
                  + "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f;"
                  + " uwsgi_temp_path u; scgi_temp_path s;\n"
                  + http
                  + "}\n");
      process =
          new ProcessBuilder(
                  nginx.orElseThrow().toString(), "-p", own.toString(), "-c", conf.toString())
              .redirectErrorStream(true)
              .redirectOutput(own.resolve("log").toFile())
              .start();
      await()
          .until(() -> {
            assertThat(process.isAlive()).as(Files.readString(own.resolve("log"))).isTrue();
            return isListening(port);
          });
    }

    @Override
    public void close() {
      process.destroy();
      try {
        boolean unused = process.waitFor(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      process.destroyForcibly();
    }

    /** Posts as a browser does from a plain-http page: with the page's origin. */
    String post(String path, String body, String host) throws IOException {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        socket.setSoTimeout(30_000);
        socket
            .getOutputStream()
            .write(
                ("POST "
                        + path
                        + " HTTP/1.1\r\nConnection: close\r\nHost: "
                        + host
                        + "\r\nOrigin: http://"
                        + host
                        + "\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.US_ASCII));
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      }
    }
  }

  private static boolean isListening(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private Server serve(Map<String, String> settings) {
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(settings))
            .at("127.0.0.1", 0)
            .index(folder.resolve("index"));
    return Server.fake(new FakeBackend(), folder, c -> config);
  }

  @Test
  void nginxAsItComes_isAnswered_andTheRestTellsTheRemedy() throws IOException {
    int port = freePort();
    String host = "search.internal:" + port;
    try (Server server = serve(Map.of("luciole.server.public-origins", "http://" + host));
        Nginx nginx =
            new Nginx(
                port,
                "server { listen 127.0.0.1:"
                    + port
                    + "; location / { proxy_pass "
                    + server.at("/")
                    + "; } }")) {
      assertThat(nginx.post("/v1/embeddings", EMBED, host))
          .startsWith("HTTP/1.1 200")
          .contains("\"embedding\"");
      assertThat(nginx.post("/v1/embeddings", EMBED, "other.internal:" + port))
          .startsWith("HTTP/1.1 403")
          .contains("let the proxy pass the Host header on");
      // nginx from 1.29.7 on speaks HTTP/1.1 itself.
      assertThat(nginx.post("/v1/documents/bulk", LINE, host))
          .containsAnyOf("proxy_http_version 1.1", "\"failed\":0");
    }
  }

  @Test
  void recipeOfTheDocumentation_passesEverything() throws IOException {
    int port = freePort();
    Matcher recipe =
        Pattern.compile("```nginx\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("../docs/server.md")));
    assertThat(recipe.find()).isTrue();
    try (Server server = serve(Map.of("luciole.server.allowed-hosts", "search.internal"));
        Nginx nginx =
            new Nginx(
                port,
                recipe
                    .group(1)
                    .replace("127.0.0.1:8080", "127.0.0.1:" + server.server.port())
                    .replace("listen 80;", "listen 127.0.0.1:" + port + ";"))) {
      String host = "search.internal:" + port;
      for (int i = 0; i < 3; i++) {
        assertThat(nginx.post("/v1/embeddings", EMBED, host)).startsWith("HTTP/1.1 200");
      }
      assertThat(nginx.post("/v1/documents/bulk", LINE, host))
          .startsWith("HTTP/1.1 200")
          .contains("\"failed\":0");
      String large = "{\"input\":\"" + " ".repeat(3 << 20) + "\"}";
      assertThat(nginx.post("/v1/embeddings", large, host))
          .startsWith("HTTP/1.1 413")
          .contains("\"code\":\"too_large\"");
    }
  }
}
