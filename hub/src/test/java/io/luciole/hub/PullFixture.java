package io.luciole.hub;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.HubCache;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A fake hub, empty folders, and a patience that takes no time. */
abstract class PullFixture {
  static final String MODEL = FakeHub.MODEL;
  static final List<String> CHECKPOINT =
      List.of(
          "1_Pooling/config.json",
          "colbert_linear.pt",
          "config.json",
          "pytorch_model.bin",
          "sparse_linear.pt",
          "tokenizer.json",
          "tokenizer_config.json");

  @TempDir Path temp;

  Path cache;
  Path hfHome;
  FakeHub hub;
  Map<String, String> environment;
  List<Duration> pauses;
  Listener listener;
  Duration stall = Duration.ofSeconds(20);
  long freeSpace = Long.MAX_VALUE;

  private String cacheBefore;

  @BeforeEach
  void start() throws IOException {
    cache = temp.resolve("cache");
    hfHome = temp.resolve("hf");
    hub = FakeHub.withModel(42);
    environment = new TreeMap<>();
    environment.put("HF_ENDPOINT", hub.endpoint());
    environment.put("HF_HOME", hfHome.toString());
    pauses = new ArrayList<>();
    listener = new Listener();
    cacheBefore = System.getProperty("luciole.cache");
    System.setProperty("luciole.cache", cache.toString());
  }

  @AfterEach
  void stop() {
    hub.close();
    if (cacheBefore == null) {
      System.clearProperty("luciole.cache");
    } else {
      System.setProperty("luciole.cache", cacheBefore);
    }
  }

  /** Remembers what it hears. */
  static final class Listener implements PullListener {
    final List<String> retries = new ArrayList<>();
    final List<Long> bytes = new ArrayList<>();
    final List<String> replaced = new ArrayList<>();
    int planned;
    long total;
    long present;
    volatile boolean waits;

    @Override
    public void replacing(String revision, String commit) {
      replaced.add(revision + ' ' + commit);
    }

    @Override
    public void waiting(Path lock) {
      waits = true;
    }

    @Override
    public void planned(String commit, int files, long all, long presentBytes) {
      planned++;
      total = all;
      present = presentBytes;
    }

    @Override
    public void progress(String file, long fileBytes, long fileSize, long now, long totalBytes) {
      bytes.add(now);
    }

    @Override
    public void retrying(String what, String reason, Duration pause) {
      retries.add(what + ": " + reason);
    }
  }

  ModelHub modelHub() {
    HubTuning tuning =
        new HubTuning(
            Duration.ofSeconds(10), stall, 4, 100_000, pauses::add, () -> 1.0, folder -> freeSpace);
    return new ModelHub(HubCache.of(cache, environment), HubSettings.of(environment), tuning);
  }

  Path pull() throws InterruptedException {
    return pull(PullOptions.DEFAULT);
  }

  Path pull(PullOptions options) throws InterruptedException {
    return modelHub().pull(MODEL, options, listener);
  }

  Path folder() {
    return cache.resolve("models").resolve(MODEL);
  }

  Path staging() {
    return folder().resolveSibling(".tiny.pull");
  }

  ModelFiles resolve() {
    return ModelSource.parse(MODEL).resolve();
  }

  /** What the pulled folder says of itself. */
  Marker marker() {
    return requireNonNull(Marker.read(folder()));
  }

  boolean resolves() {
    try {
      resolve();
      return true;
    } catch (ModelException e) {
      return false;
    }
  }

  /** The files of a folder, less the hidden ones, as the hub would call them. */
  static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(f -> folder.relativize(f).toString().replace('\\', '/'))
          .filter(name -> !name.startsWith("."))
          .sorted()
          .collect(Collectors.toList());
    }
  }

  /** Lays out the cache of Hugging Face's tools. */
  Path huggingFaceSnapshot(String commit, List<String> files) throws IOException {
    Path repository = hfHome.resolve("hub").resolve("models--" + MODEL.replace("/", "--"));
    Path snapshot = repository.resolve("snapshots").resolve(commit);
    for (String file : files) {
      byte[] bytes = hub.bytes(file);
      Path blob = repository.resolve("blobs").resolve(FakeHub.sha256(bytes));
      Path link = snapshot.resolve(file);
      Files.createDirectories(blob.getParent());
      Path above = requireNonNull(link.getParent());
      Files.createDirectories(above);
      Files.write(blob, bytes);
      Files.createSymbolicLink(link, above.relativize(blob));
    }
    Files.createDirectories(repository.resolve("refs"));
    Files.writeString(repository.resolve("refs").resolve("main"), commit);
    return snapshot;
  }
}
