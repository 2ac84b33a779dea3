package io.luciole.server;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The meters of a server that has done a bit of everything, and the files of docs/ops that use
 * them.
 */
@Timeout(120)
class MetersTest {
  private static final Path OPS = Path.of("../docs/ops");

  /** The labels that Prometheus itself adds, or that belong to its own metrics. */
  private static final Set<String> PROMETHEUS = Set.of("instance", "job");

  @TempDir static Path folder;
  private static String scraped = "";

  /** The names of the labels that the samples of each metric have. */
  private static final Map<String, Set<String>> labels = new TreeMap<>();

  @BeforeAll
  static void scrape() throws IOException {
    try (Server server =
        Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")))) {
      server.post("/v1/embeddings", "{\"input\":[\"w1\",\"w2\"]}");
      server.post("/v1/embeddings", "{\"input\":[]}");
      server.put("/v1/documents/a", "{\"text\":\"w1 w2\"}");
      server.post("/v1/commit", "");
      server.post("/v1/search", "{\"query\":\"w1\"}");
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
        socket.getOutputStream().write("nonsense\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(socket.getInputStream().readAllBytes()).isNotEmpty();
      }
      // The pause of a collection is a meter from the first one on.
      System.gc();
      org.awaitility.Awaitility.await()
          .until(() -> server.get("/metrics").body().contains("jvm_gc_pause_seconds_sum"));
      scraped = server.get("/metrics").body();
    }
    Matcher sample = Pattern.compile("(?m)^([a-z_]+)(?:\\{(.*)})? \\S+$").matcher(scraped);
    while (sample.find()) {
      Set<String> of = labels.computeIfAbsent(sample.group(1), made -> new HashSet<>());
      Matcher label =
          Pattern.compile("(\\w+)=\"").matcher(sample.group(2) == null ? "" : sample.group(2));
      while (label.find()) {
        of.add(label.group(1));
      }
    }
  }

  @AfterAll
  static void forget() {
    labels.clear();
  }

  @Test
  void everyMetric_saysWhatItIs() {
    Set<String> silent = new TreeSet<>();
    Matcher type = Pattern.compile("(?m)^# TYPE (\\S+) ").matcher(scraped);
    int metrics = 0;
    for (; type.find(); metrics++) {
      if (!Pattern.compile("(?m)^# HELP " + type.group(1) + " \\S.*$").matcher(scraped).find()) {
        silent.add(type.group(1));
      }
    }
    assertThat(metrics).isGreaterThan(50);
    assertThat(silent).isEmpty();
  }

  @Test
  void everyRouteAndStage_hasAHistogram() {
    for (String name :
        List.of(
            "luciole_http_requests",
            "luciole_embed",
            "luciole_tokenize",
            "luciole_queue",
            "luciole_batch",
            "luciole_search",
            "luciole_search_embedding",
            "luciole_index_document",
            "luciole_index_commit")) {
      assertThat(labels).containsKey(name + "_seconds_bucket");
      assertThat(labels.get(name + "_seconds_bucket")).contains("le");
    }
    assertThat(labels.get("luciole_http_requests_seconds_bucket"))
        .contains("route", "status", "method");
  }

  @Test
  void index_isMetered() {
    assertThat(value("luciole_index_documents")).isEqualTo(1);
    assertThat(value("luciole_index_segments")).isPositive();
    assertThat(value("luciole_index_uncommitted")).isZero();
    assertThat(value("luciole_index_committed_seconds")).isGreaterThan(1.7e9);
  }

  private static double value(String name) {
    Matcher sample = Pattern.compile("(?m)^" + name + "(?:\\{.*})? (\\S+)$").matcher(scraped);
    assertThat(sample.find()).as(name).isTrue();
    return Double.parseDouble(sample.group(1));
  }

  @Test
  void dashboard_asksForWhatThereIs() throws IOException {
    JsonNode dashboard = Server.MAPPER.readTree(OPS.resolve("grafana.json").toFile());
    List<String> expressions = dashboard.findValuesAsText("expr");
    assertThat(expressions).hasSizeGreaterThan(20);
    expressions.forEach(MetersTest::check);
    for (JsonNode variable : dashboard.at("/templating/list")) {
      if (variable.path("query").has("query")) {
        check(variable.at("/query/query").asText().replaceAll("label_values\\(|,.*", ""));
      }
    }
  }

  @Test
  void alerts_watchWhatThereIs() throws IOException {
    String rules = Files.readString(OPS.resolve("alerts.yml"));
    // What follows "expr:", on its line or, after a bar, on the deeper ones below it.
    Matcher expression =
        Pattern.compile("(?m)^ {8}expr: (?:\\|\\n((?: {10,}.*\\n)+)|(.*))").matcher(rules);
    int alerts = 0;
    for (; expression.find(); alerts++) {
      check(expression.group(1) != null ? expression.group(1) : expression.group(2));
    }
    assertThat(alerts).isEqualTo(Pattern.compile("- alert: ").split(rules, -1).length - 1);
    assertThat(alerts).isGreaterThan(5);
  }

  /** Checks that an expression of PromQL names metrics and labels that there are. */
  private static void check(String expression) {
    Set<String> named = new HashSet<>();
    Matcher metric =
        Pattern.compile("\\b((?:luciole|jvm|process|system|up)\\w*)\\b(?:\\{([^}]*)})?")
            .matcher(expression.replaceAll("\"[^\"]*\"", "\"\""));
    while (metric.find()) {
      if (metric.group(1).equals("up")) {
        continue;
      }
      assertThat(labels).as(expression).containsKey(metric.group(1));
      Set<String> known = requireNonNull(labels.get(metric.group(1)));
      named.addAll(known);
      if (metric.group(2) != null) {
        Matcher label = Pattern.compile("(\\w+)\\s*(?:=~|!~|!=|=)").matcher(metric.group(2));
        while (label.find()) {
          assertThat(with(known)).as(expression).contains(label.group(1));
        }
      }
    }
    Matcher grouped = Pattern.compile("\\bby \\(([^)]*)\\)").matcher(expression);
    while (grouped.find()) {
      assertThat(with(named)).as(expression).contains(grouped.group(1).split(",\\s*"));
    }
  }

  private static Set<String> with(Set<String> own) {
    return Stream.concat(own.stream(), PROMETHEUS.stream()).collect(Collectors.toSet());
  }
}
