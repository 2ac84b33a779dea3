package io.luciole.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A server under searches, writes and embeddings at once, whose index fails again and again, and
 * whether it keeps its word: nothing is lost of what it acknowledged as committed, and {@code
 * /health/ready} tells whether the index can be written.
 *
 * <pre>
 * OutageLoad FOLDER MINUTES [model]
 * </pre>
 *
 * <p>The folder should be on a small file system, such as a tmpfs of 64 MB: once a minute it is
 * filled by another file for twenty seconds. Each document has a version, which rises; in the end
 * the index must have at least the last version of each that was acknowledged as committed, both
 * over HTTP and after it was opened anew.
 */
public final class OutageLoad {
  private static final int DOCUMENTS = 200;
  private static final int WRITERS = 2;
  private static final Duration RECOVERY = Duration.ofSeconds(90);
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** What makes the index fail. */
  public interface Outage {
    /**
     * Begins.
     *
     * @throws IOException if it cannot
     */
    void begin() throws IOException;

    /**
     * Ends.
     *
     * @throws IOException if it cannot
     */
    void end() throws IOException;
  }

  /**
   * What was seen.
   *
   * @param committed writes that were acknowledged as committed
   * @param refused writes that were not taken
   * @param searches searches that were answered
   * @param embeddings embeddings that were made
   * @param otherFailures searches and embeddings that were not answered
   * @param outages outages
   * @param notReady probes that found the server not ready
   * @param lies what {@code /health/ready} said that was not so
   * @param lost documents that are older than acknowledged, or gone
   */
  public record Report(
      long committed,
      long refused,
      long searches,
      long embeddings,
      long otherFailures,
      int outages,
      long notReady,
      List<String> lies,
      List<String> lost) {
    /** Copies the lists. */
    public Report {
      lies = List.copyOf(lies);
      lost = List.copyOf(lost);
    }
  }

  private final URI uri;
  private final Outage outage;
  private final HttpClient client = HttpClient.newHttpClient();
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final ConcurrentMap<String, Long> versions = new ConcurrentHashMap<>();
  private final List<String> lies = new ArrayList<>();
  private final AtomicLong committed = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong searches = new AtomicLong();
  private final AtomicLong embeddings = new AtomicLong();
  private final AtomicLong otherFailures = new AtomicLong();
  private final AtomicLong notReady = new AtomicLong();

  /** Even while the index should work, odd while it should not. */
  private final AtomicLong phase = new AtomicLong();

  private OutageLoad(URI uri, Outage outage) {
    this.uri = uri;
    this.outage = outage;
  }

  /**
   * Runs the load and prints what was seen.
   *
   * @param args as the class says
   * @throws Exception if something fails that is no part of the load
   */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Duration time = Duration.ofMinutes(Long.parseLong(args[1]));
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(args.length > 2 ? args[2] : "starter")
            .open()) {
      Report report =
          run(
              engine,
              folder.resolve("index"),
              new Filled(folder.resolve("filler")),
              time,
              Duration.ofSeconds(40),
              Duration.ofSeconds(20));
      System.out.println(report);
      System.exit(report.lies().isEmpty() && report.lost().isEmpty() ? 0 : 1);
    }
  }

  /** Fills the disk with a file. */
  private record Filled(Path file) implements Outage {
    @Override
    public void begin() {
      byte[] block = new byte[1 << 12];
      try (OutputStream out = Files.newOutputStream(file)) {
        while (true) {
          out.write(block);
        }
      } catch (IOException e) {
        // The disk is full now.
      }
    }

    @Override
    public void end() throws IOException {
      Files.deleteIfExists(file);
    }
  }

  /**
   * Runs the load against a server over an index.
   *
   * @param engine embeds documents and queries
   * @param index the folder of the index
   * @param outage what makes it fail
   * @param time how long the load lasts
   * @param works how long the index works between two outages
   * @param fails how long an outage lasts
   * @return what was seen
   * @throws Exception if something fails that is no part of the load
   */
  public static Report run(
      EmbeddingEngine engine,
      Path index,
      Outage outage,
      Duration time,
      Duration works,
      Duration fails)
      throws Exception {
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.access-log", "false")))
            .at("127.0.0.1", 0);
    config =
        config.indexes(
            config.indexes().index(index).commits(Duration.ofSeconds(1), 1000).minDisk(1));
    OutageLoad load;
    int outages;
    List<String> lost = new ArrayList<>();
    try (LucioleServer server = LucioleServer.start(config, engine)) {
      load = new OutageLoad(server.uri(), outage);
      outages = load.run(time, works, fails);
      lost.addAll(load.findLost("over HTTP"));
    }
    try (LucioleServer again = LucioleServer.start(config, engine)) {
      OutageLoad reader = new OutageLoad(again.uri(), outage);
      reader.versions.putAll(load.versions);
      lost.addAll(reader.findLost("opened anew"));
    }
    return new Report(
        load.committed.get(),
        load.refused.get(),
        load.searches.get(),
        load.embeddings.get(),
        load.otherFailures.get(),
        outages,
        load.notReady.get(),
        load.lies,
        lost);
  }

  private int run(Duration time, Duration works, Duration fails) throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < WRITERS; i++) {
      int writer = i;
      threads.add(Thread.ofPlatform().start(() -> write(writer)));
    }
    for (int i = 0; i < 2; i++) {
      threads.add(Thread.ofPlatform().start(this::search));
    }
    threads.add(Thread.ofPlatform().start(this::embed));
    threads.add(Thread.ofPlatform().start(this::probe));
    int outages = 0;
    long end = System.nanoTime() + time.toNanos();
    do {
      Thread.sleep(works);
      outage.begin();
      phase.incrementAndGet();
      Thread.sleep(fails);
      phase.incrementAndGet();
      outage.end();
      outages++;
      awaitReady();
    } while (System.nanoTime() < end);
    stopped.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    return outages;
  }

  /** Waits until the server is ready, which it must be some time after an outage. */
  private void awaitReady() throws Exception {
    long end = System.nanoTime() + RECOVERY.toNanos();
    while (status(get("/health/ready")) != 200) {
      if (System.nanoTime() > end) {
        lie("not ready " + RECOVERY.toSeconds() + " s after an outage");
        return;
      }
      Thread.sleep(100);
    }
  }

  private void lie(String what) {
    synchronized (lies) {
      lies.add(what);
    }
  }

  /** Writes documents of its own, each time in a newer version, some of them in bulk. */
  private void write(int writer) {
    for (long version = 1; !stopped.get(); version++) {
      int at = (int) (version % (DOCUMENTS / WRITERS)) * WRITERS + writer;
      List<String> ids = List.of("d" + at, "d" + (at + WRITERS) % DOCUMENTS);
      StringBuilder lines = new StringBuilder();
      for (String id : ids) {
        lines.append(document(id, version)).append('\n');
      }
      String how = version % 3 == 0 ? "commit=true" : "wait_for=commit";
      HttpResponse<String> answer =
          send(
              request("/v1/documents/bulk?results=failed&" + how)
                  .POST(HttpRequest.BodyPublishers.ofString(lines.toString())));
      if (answer != null && answer.body().endsWith("\"failed\":0,\"committed\":true}\n")) {
        long acknowledged = version;
        ids.forEach(id -> versions.put(id, acknowledged));
        committed.incrementAndGet();
      } else {
        refused.incrementAndGet();
        pause(100);
      }
    }
  }

  private static String document(String id, long version) {
    return String.format(
        Locale.ROOT,
        "{\"id\":\"%s\",\"text\":\"Fireflies glow in version %d.\",\"version\":%d}",
        id,
        version,
        version);
  }

  private void search() {
    while (!stopped.get()) {
      HttpResponse<String> answer =
          send(
              request("/v1/search")
                  .POST(HttpRequest.BodyPublishers.ofString("{\"query\":\"insects that glow\"}")));
      (status(answer) == 200 ? searches : otherFailures).incrementAndGet();
    }
  }

  private void embed() {
    while (!stopped.get()) {
      HttpResponse<String> answer =
          send(
              request("/v1/embeddings")
                  .POST(HttpRequest.BodyPublishers.ofString("{\"input\":\"Bees dance.\"}")));
      (status(answer) == 200 ? embeddings : otherFailures).incrementAndGet();
    }
  }

  /** Compares what {@code /health/ready} says with whether a document can be committed. */
  private void probe() {
    int contradictions = 0;
    while (!stopped.get()) {
      long before = phase.get();
      int written =
          status(
              send(
                  request("/v1/documents/probe?commit=true")
                      .PUT(HttpRequest.BodyPublishers.ofString("{\"text\":\"probe\"}"))));
      int ready = status(get("/health/ready"));
      boolean steady = phase.get() == before;
      if (ready != 200) {
        notReady.incrementAndGet();
      }
      // Once may be the moment in which the index was opened again, as what failed had left room.
      contradictions = steady && written != 200 && ready == 200 ? contradictions + 1 : 0;
      if (contradictions > 2) {
        lie("ready after three writes that failed, the last with " + written);
      }
      if (steady && written == 200 && ready != 200 && before % 2 == 0) {
        lie("not ready (" + ready + ") after a write that was committed");
      }
      pause(100);
    }
  }

  private List<String> findLost(String when) throws IOException {
    List<String> lost = new ArrayList<>();
    for (Map.Entry<String, Long> document : versions.entrySet()) {
      HttpResponse<String> answer = get("/v1/documents/" + document.getKey());
      JsonNode there = answer == null ? null : MAPPER.readTree(answer.body());
      long version = there == null ? -1 : there.at("/metadata/version").asLong(-1);
      if (version < document.getValue()) {
        lost.add(
            when
                + ": "
                + document.getKey()
                + " has the version "
                + version
                + ", acknowledged was "
                + document.getValue());
      }
    }
    return lost;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri.resolve(path))
        .version(HttpClient.Version.HTTP_1_1)
        .timeout(Duration.ofSeconds(60));
  }

  private @Nullable HttpResponse<String> get(String path) {
    return send(request(path).GET());
  }

  /** Sends a request; null if there is no answer. */
  private @Nullable HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private static int status(@Nullable HttpResponse<String> answer) {
    return answer == null ? 0 : answer.statusCode();
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
