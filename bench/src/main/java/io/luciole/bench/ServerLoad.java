package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The server under load from another process, against its engine called directly.
 *
 * <pre>
 * ServerLoad [model [seconds a step [minutes of the memory run]]]
 * ServerLoad compare model seconds
 * </pre>
 *
 * <p>This process is the load; it starts a second one with the server, which also calls its engine
 * directly when told to, with 256 texts under way, before and after the steps. A step is a number
 * of connections that each send one text, wait for the answer and send the next; a refused one
 * waits as long as {@code Retry-After} says. With a memory run, the server is loaded for so long at
 * a throttled pace, and tells its heap after a collection once a minute. A comparison calls the
 * engine directly and over HTTP in turn, with 256 texts under way each time, so that a machine
 * whose speed changes is the same for both.
 */
public final class ServerLoad {
  private static final int UNDER_WAY = 256;
  private static final int[] CONNECTIONS = {1, 16, 256, 2000};
  private static final int ROUNDS = 7;

  private ServerLoad() {}

  /** Runs the load, or with {@code serve MODEL} the server. */
  public static void main(String[] args) throws Exception {
    if (args.length == 2 && args[0].equals("serve")) {
      serve(args[1]);
      return;
    }
    if (args.length == 3 && args[0].equals("compare")) {
      try (Child child = new Child(args[1])) {
        compare(child, "short", Integer.parseInt(args[2]));
        compare(child, "mixed", Integer.parseInt(args[2]));
      }
      return;
    }
    String model = args.length > 0 ? args[0] : "starter";
    int seconds = args.length > 1 ? Integer.parseInt(args[1]) : 10;
    int minutes = args.length > 2 ? Integer.parseInt(args[2]) : 0;
    try (Child child = new Child(model)) {
      if (minutes > 0) {
        memory(child, minutes);
      } else {
        load(child, seconds);
      }
    }
  }

  private static void load(Child child, int seconds) throws Exception {
    System.out.printf(
        Locale.ROOT,
        "%-7s %11s %9s %9s %9s %9s %7s %9s %9s  %s%n",
        "texts",
        "connections",
        "texts/s",
        "p50 ms",
        "p99 ms",
        "429/s",
        "hung",
        "heap MiB",
        "RSS MiB",
        "others");
    for (String kind : new String[] {"short", "mixed"}) {
      List<String> texts = texts(kind);
      child.ask("direct " + kind + " " + Math.max(2, seconds / 2)); // Warms both up.
      double before = child.direct(kind, seconds);
      double best = 0;
      for (int connections : CONNECTIONS) {
        LoadClients.Result result =
            LoadClients.run(child.port, child.name, connections, texts, seconds, Integer.MAX_VALUE);
        best = Math.max(best, result.perSecond());
        String[] memory = child.ask("memory").split(" ", -1);
        System.out.printf(
            Locale.ROOT,
            "%-7s %11d %9.1f %9.1f %9.1f %9.1f %7d %9s %9s  %s%n",
            kind,
            connections,
            result.perSecond(),
            result.percentile(0.5),
            result.percentile(0.99),
            result.refusedPerSecond(),
            result.hung(),
            memory[1],
            memory[2],
            result.others());
      }
      double after = child.direct(kind, seconds);
      double direct = (before + after) / 2;
      System.out.printf(
          Locale.ROOT,
          "%-7s engine called directly: %.1f and %.1f texts/s; over HTTP at best %.1f: %.1f %% of"
              + " it%n",
          kind,
          before,
          after,
          best,
          100 * best / direct);
    }
  }

  private static List<String> texts(String kind) {
    return kind.equals("short")
        ? Texts.mixed(5000, 10, 0.2, 20, 21)
        : Texts.mixed(5000, 40, 0.8, 300, 22);
  }

  /** The engine called directly and over HTTP, in turn. */
  private static void compare(Child child, String kind, int seconds) throws Exception {
    List<String> texts = texts(kind);
    double[] direct = new double[ROUNDS];
    double[] http = new double[ROUNDS];
    child.direct(kind, seconds); // Warms both up.
    LoadClients.run(child.port, child.name, UNDER_WAY, texts, seconds, Integer.MAX_VALUE);
    for (int i = 0; i < ROUNDS; i++) {
      direct[i] = child.direct(kind, seconds);
      http[i] =
          LoadClients.run(child.port, child.name, UNDER_WAY, texts, seconds, Integer.MAX_VALUE)
              .perSecond();
      System.out.printf(
          Locale.ROOT, "%-7s direct %8.1f texts/s, over HTTP %8.1f%n", kind, direct[i], http[i]);
    }
    Arrays.sort(direct);
    Arrays.sort(http);
    double share = http[ROUNDS / 2] / direct[ROUNDS / 2];
    System.out.printf(
        Locale.ROOT,
        "%-7s medians: direct %.1f, over HTTP %.1f: %.1f %% of it%n",
        kind,
        direct[ROUNDS / 2],
        http[ROUNDS / 2],
        100 * share);
  }

  private static void memory(Child child, int minutes) throws Exception {
    List<String> texts = Texts.mixed(2000, 10, 0.2, 20, 23);
    System.out.printf("%-7s %9s %9s %9s%n", "minute", "texts/s", "heap MiB", "RSS MiB");
    for (int minute = 0; minute <= minutes; minute++) {
      double perSecond =
          minute == 0 ? 0 : LoadClients.run(child.port, child.name, 64, texts, 60, 20).perSecond();
      String[] memory = child.ask("memory").split(" ", -1);
      System.out.printf(
          Locale.ROOT, "%-7d %9.1f %9s %9s%n", minute, perSecond, memory[1], memory[2]);
      System.out.flush();
    }
  }

  /** The process with the server. */
  private static final class Child implements AutoCloseable {
    private final Process process;
    private final PrintStream in;
    private final BufferedReader out;
    private final int port;

    /** By which the server knows its model. */
    private final String name;

    Child(String model) throws IOException {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      command.addAll(
          List.of(
              "-cp",
              System.getProperty("java.class.path"),
              ServerLoad.class.getName(),
              "serve",
              model));
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
      out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String[] told = read("port").split(" ", 3);
      port = Integer.parseInt(told[1]);
      name = told[2];
    }

    private String read(String start) throws IOException {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (line.startsWith(start)) {
          return line;
        }
      }
      throw new IllegalStateException("the server has ended");
    }

    String ask(String question) throws IOException {
      in.println(question);
      return read(question.split(" ", -1)[0]);
    }

    double direct(String kind, int seconds) throws IOException {
      return Double.parseDouble(ask("direct " + kind + " " + seconds).split(" ", -1)[1]);
    }

    @Override
    public void close() {
      in.println("end");
      process.onExit().join();
    }
  }

  // The other process

  private static void serve(String model) throws Exception {
    ServerConfig.Limits usual = ServerConfig.Limits.defaults();
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(model).open();
        LucioleServer server =
            LucioleServer.start(
                ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.access-log", "false")))
                    .at("127.0.0.1", 0)
                    .limits(usual),
                engine)) {
      System.out.println("port " + server.port() + ' ' + engine.modelName());
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null && !line.equals("end"); line = in.readLine()) {
        String[] words = line.split(" ", -1);
        System.out.println(
            words[0].equals("direct")
                ? "direct " + direct(engine, words[1], Integer.parseInt(words[2]))
                : "memory " + heap() + ' ' + residentMebibytes());
      }
    }
  }

  /** Texts a second with a fixed number under way. */
  private static double direct(EmbeddingEngine engine, String kind, int seconds) {
    List<String> texts = texts(kind);
    ArrayDeque<java.util.concurrent.CompletableFuture<Embedding>> underWay = new ArrayDeque<>();
    long start = System.nanoTime();
    long done = 0;
    for (int next = 0; System.nanoTime() - start < seconds * 1_000_000_000L; next++) {
      underWay.add(
          engine.embed(
              texts.get(next % texts.size()),
              EmbedOptions.passage().outputs(io.luciole.Output.DENSE)));
      if (underWay.size() >= UNDER_WAY) {
        done += underWay.remove().join().dense().length > 0 ? 1 : 0;
      }
    }
    double perSecond = done * 1e9 / (System.nanoTime() - start);
    underWay.forEach(java.util.concurrent.CompletableFuture::join);
    return perSecond;
  }

  private static long heap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return (runtime.totalMemory() - runtime.freeMemory()) >> 20;
  }

  private static long residentMebibytes() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return -1;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
      }
    }
    return -1;
  }
}
