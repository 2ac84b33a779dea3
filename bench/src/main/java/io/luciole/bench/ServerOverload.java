package io.luciole.bench;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What heavy requests do to others: how fast {@code /health/live} answers while 16 heavy requests
 * of a kind are always under way, and how long polite clients wait with and without one that sends
 * all it may. The server runs in a process of its own, over the starter model and an index of 500
 * documents, and so does the probe of its health, which must not wait for the collector of the
 * process that makes the load.
 *
 * <pre>
 * ServerOverload [SECONDS [ROWS]]     seconds for each row, 10 by default; the rows whose names a
 *                                     regular expression finds, such as "JSON|greedy", all by default
 * </pre>
 */
public final class ServerOverload {
  private static final int HEAVY = 16;
  private static final int POLITE = 24;
  private static final int GREEDY_CONNECTIONS = 64;
  private static final Duration PAUSE = Duration.ofMillis(250);

  private final URI at;
  private final ProcessHandle server;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Map<String, HttpRequest.Builder> kinds = new LinkedHashMap<>();

  private ServerOverload(int port, ProcessHandle server) {
    this.server = server;
    this.at = URI.create("http://127.0.0.1:" + port);
    kinds.put("tokenize, 4 MiB", post("/tokenize", texts("inputs", 600, "!".repeat(7000))));
    kinds.put(
        "search, 1000 hits, highlighted",
        post(
            "/v1/search",
            """
            {"query":"bees glow dance","top":1000,"highlight":true,"explain":true}\
            """));
    kinds.put("12 MB of JSON keys", post("/embed", keys(12 << 20)));
    kinds.put("12 MB of JSON strings", post("/embed", texts("inputs", 3 << 20, "a")));
    kinds.put("embed, 2048 texts", post("/v1/embeddings", texts("input", 2048, words(500))));
    kinds.put("bulk, 2000 documents", post("/v1/documents/bulk", documents(2000)));
  }

  /** The times of answers, in milliseconds, and how many there were of each status. */
  private record Answers(
      ConcurrentLinkedQueue<Double> millis, ConcurrentSkipListMap<String, Integer> statuses) {
    Answers() {
      this(new ConcurrentLinkedQueue<>(), new ConcurrentSkipListMap<>());
    }

    double quantile(double q) {
      double[] sorted = millis.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      return sorted.length == 0
          ? Double.NaN
          : sorted[Math.min(sorted.length - 1, (int) (q * sorted.length))];
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "p50 %.0f ms, p99 %.0f ms, longest %.0f ms, %s",
          quantile(0.5),
          quantile(0.99),
          quantile(1),
          statuses);
    }
  }

  private HttpRequest.Builder post(String path, String body) {
    // Encoded once: the collector of this process would take the cores from the server's.
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return HttpRequest.newBuilder(at.resolve(path))
        .POST(HttpRequest.BodyPublishers.ofByteArray(bytes));
  }

  private static String words(int count) {
    return "the fireflies glow at dusk and bees dance ".repeat(count / 8);
  }

  private static String texts(String field, int count, String text) {
    return IntStream.range(0, count)
        .mapToObj(i -> '"' + text + '"')
        .collect(Collectors.joining(",", "{\"" + field + "\":[", "]}"));
  }

  private static String keys(int bytes) {
    StringBuilder body = new StringBuilder("{\"inputs\":\"a\"");
    for (int i = 0; body.length() < bytes; i++) {
      body.append(",\"k").append(i).append("\":1");
    }
    return body.append('}').toString();
  }

  private static String documents(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "{\"id\":\"d" + i % 500 + "\",\"text\":\"" + i + ' ' + words(80) + "\"}\n")
        .collect(Collectors.joining());
  }

  private static String key(int i) {
    return "key " + i;
  }

  private static String digest(String key) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void ask(HttpRequest.Builder request, int key, Answers answers) {
    long since = System.nanoTime();
    String status;
    try {
      HttpRequest keyed =
          request.copy().setHeader("X-API-Key", key(key)).timeout(Duration.ofSeconds(30)).build();
      status =
          Integer.toString(client.send(keyed, HttpResponse.BodyHandlers.discarding()).statusCode());
    } catch (IOException e) {
      status = e.getClass().getSimpleName();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    answers.millis().add((System.nanoTime() - since) / 1e6);
    answers.statuses().merge(status, 1, Integer::sum);
  }

  /** Lets threads ask for a time, each as soon as it has its answer and a pause is over. */
  private Future<?>[] start(
      ExecutorService threads,
      int count,
      int firstKey,
      List<HttpRequest.Builder> requests,
      Duration pause,
      long end,
      Answers answers) {
    return IntStream.range(0, count)
        .mapToObj(i ->
            threads.submit(() -> {
              for (int n = i; System.nanoTime() - end < 0; n++) {
                ask(requests.get(n % requests.size()), firstKey < 0 ? POLITE : i, answers);
                Thread.sleep(pause);
              }
              return null;
            }))
        .toArray(Future<?>[]::new);
  }

  private void health(String name, List<HttpRequest.Builder> heavy, Duration time)
      throws Exception {
    Answers others = new Answers();
    long end = System.nanoTime() + time.toNanos();
    long before = serversMillis();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      if (!heavy.isEmpty()) {
        start(threads, HEAVY, -1, heavy, Duration.ZERO, end, others);
      }
      Process probe = child("probe", at.toString(), Long.toString(time.toSeconds()));
      String health = new String(probe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      System.out.println(
          "health, "
              + name
              + ": "
              + health.strip()
              + "; those: "
              + others.statuses()
              + ", for which the server computed "
              + (serversMillis() - before)
              + " ms");
      threads.shutdownNow();
    }
  }

  private long serversMillis() {
    return server.info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
  }

  /** Asks for the server's health for a time, every 20 ms, and prints how long that took. */
  private static void probe(URI server, Duration time) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest live = HttpRequest.newBuilder(server.resolve("/health/live")).build();
    Answers answers = new Answers();
    long begin = System.nanoTime();
    long warm = begin + time.toNanos() / 5;
    while (System.nanoTime() - begin < time.toNanos()) {
      long since = System.nanoTime();
      int status = client.send(live, HttpResponse.BodyHandlers.discarding()).statusCode();
      if (since > warm) {
        answers.millis().add((System.nanoTime() - since) / 1e6);
        answers.statuses().merge(Integer.toString(status), 1, Integer::sum);
      }
      Thread.sleep(20);
    }
    System.out.println(answers);
  }

  private static Process child(String... arguments) throws IOException {
    // A session of its own: Linux shares the cores between sessions, so that the load, which would
    // come from other machines, does not take those of the server and of the probe.
    Path setsid = Path.of("/usr/bin/setsid");
    List<String> command =
        new ArrayList<>(Files.isExecutable(setsid) ? List.of(setsid.toString()) : List.of());
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx2g",
            "-XX:MaxGCPauseMillis=40",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            ServerOverload.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private Answers polite(boolean greedy, Duration time) throws Exception {
    Answers polite = new Answers();
    Answers others = new Answers();
    HttpRequest.Builder small = post("/v1/embeddings", texts("input", 4, words(64)));
    long end = System.nanoTime() + time.toNanos();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      if (greedy) {
        start(
            threads,
            GREEDY_CONNECTIONS,
            -1,
            new ArrayList<>(kinds.values()),
            Duration.ZERO,
            end,
            others);
      }
      for (Future<?> each : start(threads, POLITE, 0, List.of(small), PAUSE, end, polite)) {
        each.get();
      }
      System.out.println(
          "polite, "
              + (greedy ? "beside a greedy client" : "alone")
              + ": "
              + polite
              + (greedy ? "; the greedy one: " + others.statuses() : ""));
      threads.shutdownNow();
    }
    return polite;
  }

  private void run(Duration time, Pattern rows) throws Exception {
    ask(post("/v1/documents/bulk?commit=true", documents(500)), 0, new Answers());
    polite(false, Duration.ofSeconds(2));
    Map<String, List<HttpRequest.Builder>> loads = new LinkedHashMap<>();
    loads.put("nothing else", List.of());
    kinds.forEach((name, kind) -> loads.put(HEAVY + " × " + name, List.of(kind)));
    for (Map.Entry<String, List<HttpRequest.Builder>> load : loads.entrySet()) {
      if (rows.matcher(load.getKey()).find()) {
        health(load.getKey(), load.getValue(), time);
      }
    }
    if (!rows.matcher("greedy").find()) {
      return;
    }
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      double alone = polite(false, time).quantile(0.99);
      ratios.add(polite(true, time).quantile(0.99) / alone);
    }
    System.out.println("p99 of the polite ones beside a greedy one, times that alone: " + ratios);
  }

  private static void serve(Path folder) throws Exception {
    String keys =
        IntStream.rangeClosed(0, POLITE)
            .mapToObj(i -> digest(key(i)))
            .collect(Collectors.joining(","));
    LucioleConfig config =
        LucioleConfig.of(
            Map.of("luciole.server.api-keys", keys, "luciole.server.access-log", "false"));
    try (EmbeddingEngine engine = EmbeddingEngine.builder(config).model("starter").open();
        LucioleServer server =
            LucioleServer.start(ServerConfig.of(config).at("127.0.0.1", 0).index(folder), engine)) {
      System.out.println("port " + server.port());
      Thread.currentThread().join();
    }
  }

  /**
   * Runs the measurement.
   *
   * @param args how many seconds a row takes, if not 10; which rows, if not all
   * @throws Exception if the server's process or a client fails
   */
  public static void main(String[] args) throws Exception {
    if (args.length == 2 && args[0].equals("serve")) {
      serve(Path.of(args[1]));
      return;
    }
    if (args.length == 3 && args[0].equals("probe")) {
      probe(URI.create(args[1]), Duration.ofSeconds(Long.parseLong(args[2])));
      return;
    }
    Process server = child("serve", Files.createTempDirectory("luciole-overload").toString());
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8))) {
      String line = out.readLine();
      while (line != null && !line.startsWith("port ")) {
        line = out.readLine();
      }
      if (line == null) {
        throw new IOException("the server's process has ended before it was ready");
      }
      long seconds = args.length == 0 ? 10 : Long.parseLong(args[0]);
      Pattern rows = Pattern.compile(args.length < 2 ? "" : args[1]);
      new ServerOverload(Integer.parseInt(line.substring(5)), server.toHandle())
          .run(Duration.ofSeconds(seconds), rows);
    } finally {
      server.destroyForcibly().waitFor();
    }
  }
}
