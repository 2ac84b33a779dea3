package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.helidon.http.Method;
import io.luciole.ConfigException;
import io.luciole.LucioleConfig;
import io.luciole.internal.Sha256;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Keys with rights, from a file that is loaded again while the server runs. */
@Timeout(120)
class KeyRightsTest {
  private static final String EMBED = "{\"input\":\"w1\"}";
  private static final String SEARCH = "{\"query\":\"w1\"}";
  private static final String WRITE = "{\"text\":\"w1\"}";

  @TempDir Path folder;

  private static String digest(String key) {
    return HexFormat.of().formatHex(Sha256.of(key));
  }

  private static String line(String key, String name, String rights) {
    return digest(key) + "  " + name + "\t" + rights + "\n";
  }

  private Path keys(String... lines) throws IOException {
    // Renamed into place, as every careful editor does.
    Path written = Files.writeString(folder.resolve("keys.new"), String.join("", lines));
    return Files.move(written, folder.resolve("keys"), StandardCopyOption.REPLACE_EXISTING);
  }

  private Server serve(Path keys, Map<String, String> more) {
    Map<String, String> properties = new HashMap<>(more);
    properties.put("luciole.server.key-file", keys.toString());
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(properties))
            .at("127.0.0.1", 0)
            .index(folder.resolve("index"));
    return Server.fake(new FakeBackend(), folder, c -> config);
  }

  /** The statuses of an embedding, a search, a write, the meters and the statistics. */
  private static List<Integer> tried(Server server, String key) {
    String[] header = {"X-API-Key", key};
    return List.of(
        server.post("/v1/embeddings", EMBED, header).status(),
        server.post("/v1/search", SEARCH, header).status(),
        server
            .send(
                server
                    .request("/v1/documents/a", header)
                    .PUT(java.net.http.HttpRequest.BodyPublishers.ofString(WRITE)))
            .status(),
        server.get("/metrics", header).status(),
        server.get("/v1/stats", header).status());
  }

  @Test
  void key_mayWhatItsLineSays() throws IOException {
    Path keys =
        keys(
            "# digest name rights\n\n",
            line("k-embed", "embedder", "embed"),
            line("k-search", "shop", "search"),
            line("k-write", "indexer", "write"),
            line("k-metrics", "prometheus", "metrics"),
            line("k-all", "admin", "embed,search,write,metrics"));
    try (Server server = serve(keys, Map.of("luciole.server.api-keys", digest("k-configured")))) {
      assertThat(tried(server, "k-embed")).containsExactly(200, 403, 403, 403, 200);
      assertThat(tried(server, "k-search")).containsExactly(403, 200, 403, 403, 200);
      assertThat(tried(server, "k-write")).containsExactly(403, 403, 200, 403, 200);
      assertThat(tried(server, "k-metrics")).containsExactly(403, 403, 403, 200, 200);
      assertThat(tried(server, "k-all")).containsOnly(200);
      assertThat(tried(server, "k-configured")).containsOnly(200);
      assertThat(tried(server, "k-unknown")).containsOnly(401);
      assertThat(server.post("/v1/embeddings", EMBED, "X-API-Key", "k-search").body())
          .contains("no_right")
          .contains("right to embed")
          .contains("shop");
      for (String any : List.of("/v1/models", "/models", "/info")) {
        assertThat(server.get(any, "X-API-Key", "k-embed").status()).as(any).isEqualTo(200);
        assertThat(server.get(any, "X-API-Key", "k-unknown").status()).as(any).isEqualTo(401);
      }
      for (String open : List.of("/", "/health/ready", "/openapi.json")) {
        assertThat(server.get(open).status()).as(open).isEqualTo(200);
      }
    }
  }

  private static @Nullable String callerOf(ApiKeys keys, String key) {
    ApiKeys.Known known = keys.caller(null, key);
    return known == null ? null : known.name();
  }

  private void follow(Path file, Consumer<ApiKeys> test) {
    ServerConfig config =
        ServerConfig.of(Server.settings("luciole.server.key-file", file.toString()));
    try (FileWatch watch = new FileWatch(Duration.ofMillis(10))) {
      ApiKeys keys = new ApiKeys(config, watch);
      watch.start();
      test.accept(keys);
    }
  }

  @Test
  void changedFile_isLoadedAgain() throws IOException {
    Path file = keys(line("old", "shop", "search"));
    follow(
        file,
        keys -> {
          assertThat(callerOf(keys, "old")).isEqualTo("shop");
          write(line("old", "shop", "search"), line("new", "shop", "search"));
          await().until(() -> callerOf(keys, "new") != null);
          assertThat(callerOf(keys, "old")).isEqualTo("shop");
          write(line("new", "shop", "search"));
          await().until(() -> callerOf(keys, "old") == null);
          assertThat(callerOf(keys, "new")).isEqualTo("shop");
        });
  }

  /** An editor that saves in place empties the file first; a full disk leaves it so. */
  @Test
  void fileThatIsEmptyOrGone_leavesTheKeysAsTheyWere() throws IOException {
    Path file = keys(line("old", "shop", "search"));
    AtomicInteger looked = new AtomicInteger();
    try (FileWatch watch = new FileWatch(Duration.ofMillis(10))) {
      ApiKeys keys =
          new ApiKeys(
              ServerConfig.of(Server.settings("luciole.server.key-file", file.toString())), watch);
      watch.add(
          "what comes after the keys", List.of(folder.resolve("none")), looked::incrementAndGet);
      watch.start();
      for (String content : new String[] {"", "# none\n", null}) {
        if (content == null) {
          Files.delete(file);
        } else {
          Files.writeString(file, content);
        }
        assertThatThrownBy(() -> KeyFile.read(file)).isInstanceOf(ConfigException.class);
        Files.writeString(folder.resolve("none"), "seen " + looked.get());
        int before = looked.get();
        await().until(() -> looked.get() > before);
        assertThat(callerOf(keys, "old")).isEqualTo("shop");
      }
      write(line("new", "shop", "search"));
      await().until(() -> callerOf(keys, "new") != null);
      assertThat(callerOf(keys, "old")).isNull();
    }
  }

  private void write(String... lines) {
    try {
      Path unused = keys(lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void fileThatCannotBeUsed_isToldAtTheStart_withoutItsDigests() throws IOException {
    assertThatThrownBy(() -> serve(folder.resolve("none"), Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("cannot read");
    Map<String, String> wrong =
        Map.of(
            "secret-key shop search\n",
            "sha256sum",
            digest("a") + " shop\n",
            "three words",
            digest("a") + " shop search,delete\n",
            "\"delete\"",
            digest("a") + " shop\n search\n",
            "three words");
    for (Map.Entry<String, String> entry : wrong.entrySet()) {
      Path keys = keys("# the first line\n" + entry.getKey());
      assertThatThrownBy(() -> serve(keys, Map.of()))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("Line 2")
          .hasMessageContaining(entry.getValue())
          .hasMessageNotContaining("secret-key")
          .hasMessageNotContaining(digest("a"));
    }
  }

  @Test
  void fileOfKeys_letsTheServerListenElsewhere() throws IOException {
    Path keys = keys(line("a", "shop", "search"));
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.key-file", keys.toString())))
            .at("0.0.0.0", 0);
    assertThat(config.requireAddress().isAnyLocalAddress()).isTrue();
  }

  @Test
  void meters_areOpenIfASettingSaysSo() throws IOException {
    Path keys = keys(line("a", "shop", "search"));
    try (Server server = serve(keys, Map.of())) {
      assertThat(server.get("/metrics").status()).isEqualTo(401);
    }
    try (Server server = serve(keys, Map.of("luciole.server.open-metrics", "true"))) {
      assertThat(server.get("/metrics").status()).isEqualTo(200);
      assertThat(server.get("/v1/stats").status()).isEqualTo(401);
    }
  }

  /** A new route is closed to callers who may only search, unless it says otherwise. */
  @Test
  void routesThatChangeSomething_needTheRightToWrite() throws IOException {
    try (Server server = serve(keys(line("a", "shop", "search")), Map.of())) {
      for (Route route : server.server.routes()) {
        boolean changes =
            route.method().equals(Method.PUT)
                || route.method().equals(Method.DELETE)
                || route.path().endsWith("/bulk")
                || route.path().endsWith("/commit");
        assertThat(route.access() == Route.Access.WRITE)
            .as(route.method().text() + " " + route.path())
            .isEqualTo(changes);
      }
    }
  }
}
