package io.luciole;

import io.luciole.internal.AtomicFiles;
import io.luciole.internal.CacheFolder;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures the token budget of a device. It runs batches of texts of a typical length and doubles
 * their tokens until memory runs out, a batch takes too long, or two doublings in a row gain
 * nothing. The budget is the knee of the curve: the smallest that reaches {@value #KNEE} of the
 * best throughput, and at most half of what ran out of memory. Afterwards the longest text that the
 * model takes is run alone, unless that would take too long, so that a lack of memory for it is
 * known early.
 *
 * <p>The result is kept in Luciole's cache folder for the same model, backend, version, device,
 * precision, outputs and number of processors.
 */
final class Calibration {
  private static final Logger log = LoggerFactory.getLogger(Calibration.class);

  private static final double KNEE = 0.95;
  private static final int MIN_TOKENS = 256;
  private static final int MAX_TOKENS = 1 << 18;
  private static final int TYPICAL_LENGTH = 128;
  private static final long LONGEST_RUN = TimeUnit.SECONDS.toNanos(5);
  private static final long LONGEST_TEXT_RUN = TimeUnit.SECONDS.toNanos(20);
  private static final long MIN_MEASURED = TimeUnit.MILLISECONDS.toNanos(300);

  private final Backend backend;
  private final Set<Output> outputs;
  private final int[] sample;
  private final LongSupplier clock;

  /**
   * Creates a measurement.
   *
   * @param sample token ids of any text, repeated to make longer ones
   */
  Calibration(Backend backend, Set<Output> outputs, int[] sample, LongSupplier clock) {
    this.backend = backend;
    this.outputs = outputs;
    this.sample = sample;
    this.clock = clock;
  }

  /** Measures; takes seconds. */
  int measure() {
    int longest = backend.info().maxTokens();
    int length = Math.min(TYPICAL_LENGTH, longest);
    List<Integer> sizes = new ArrayList<>();
    List<Double> speeds = new ArrayList<>();
    double best = 0;
    int withoutGain = 0;
    for (int tokens = MIN_TOKENS; tokens <= MAX_TOKENS && withoutGain < 2; tokens *= 2) {
      TokenBatch batch = batch(Math.max(1, tokens / length), Math.min(length, tokens));
      double speed;
      try {
        speed = speed(batch);
      } catch (BackendOutOfMemoryException | OutOfMemoryError e) {
        log.info("Calibrating {}: {} tokens do not fit its memory", name(), tokens);
        sizes.removeIf(s -> s > MIN_TOKENS && 2 * s > batch.tokens());
        break;
      }
      sizes.add(tokens);
      speeds.add(speed);
      withoutGain = speed > best * 1.03 ? 0 : withoutGain + 1;
      best = Math.max(best, speed);
      if (batch.tokens() / speed * 1e9 > LONGEST_RUN) {
        break;
      }
    }
    int budget = knee(sizes, speeds);
    log.info("Calibrated {}: a budget of {} tokens ({})", name(), budget, describe(sizes, speeds));
    runLongest(longest, best);
    return budget;
  }

  private String name() {
    BackendInfo info = backend.info();
    return info.backend() + " on " + info.device();
  }

  private static String describe(List<Integer> sizes, List<Double> speeds) {
    StringBuilder s = new StringBuilder("tokens a second:");
    for (int i = 0; i < sizes.size(); i++) {
      s.append(String.format(Locale.ROOT, " %d: %.0f", sizes.get(i), speeds.get(i)));
    }
    return s.toString();
  }

  /** The smallest size whose speed is near the best of all. */
  static int knee(List<Integer> sizes, List<Double> speeds) {
    double best = 0;
    for (int i = 0; i < sizes.size(); i++) {
      best = Math.max(best, speeds.get(i));
    }
    for (int i = 0; i < sizes.size(); i++) {
      if (speeds.get(i) >= KNEE * best) {
        return sizes.get(i);
      }
    }
    return MIN_TOKENS;
  }

  private double speed(TokenBatch batch) {
    long first = run(batch);
    if (first > LONGEST_RUN) {
      return batch.tokens() * 1e9 / first;
    }
    long fastest = Long.MAX_VALUE;
    long total = 0;
    for (int i = 0; i < 5 && (i == 0 || total < MIN_MEASURED); i++) {
      long nanos = run(batch);
      fastest = Math.min(fastest, nanos);
      total += nanos;
    }
    return batch.tokens() * 1e9 / Math.max(1, fastest);
  }

  private long run(TokenBatch batch) {
    long start = clock.getAsLong();
    backend.run(batch, outputs).close();
    return clock.getAsLong() - start;
  }

  private void runLongest(int longest, double tokensPerSecond) {
    if (tokensPerSecond <= 0 || longest / tokensPerSecond * 1e9 > LONGEST_TEXT_RUN) {
      log.info(
          "Calibrating {}: a text of {} tokens is not tried, it would take long", name(), longest);
      return;
    }
    try (BackendOutput output = backend.run(batch(1, longest), outputs)) {
      log.debug("A text of {} tokens fits: {}", longest, output);
    } catch (BackendOutOfMemoryException | OutOfMemoryError e) {
      log.warn(
          "A text of {} tokens, the model's longest, does not fit the memory of {}. Set"
              + " luciole.max-length lower, or such texts will fail.",
          longest,
          name());
    }
  }

  private TokenBatch batch(int texts, int length) {
    int[] ids = new int[length];
    Arrays.setAll(ids, i -> sample[i % sample.length]);
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < texts; i++) {
      all.add(ids);
    }
    return TokenBatch.of(all);
  }

  // The stored result

  private static Path folder() {
    return CacheFolder.path().resolve("calibration");
  }

  private static Path file(ModelFiles model, BackendInfo info, Set<Output> outputs) {
    ModelFingerprint fingerprint = model.fingerprint(info.dimension(), info.precision());
    String key =
        String.join(
            "\n",
            fingerprint.tokenizerDigest(),
            fingerprint.weightsDigest(),
            info.backend(),
            info.version(),
            info.device().toString(),
            info.precision(),
            Integer.toString(info.maxTokens()),
            new TreeSet<>(outputs).toString(),
            Integer.toString(Runtime.getRuntime().availableProcessors()));
    UUID name = UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8));
    return folder().resolve(name + ".properties");
  }

  /** The stored budget, if there is one. If there are none at all, the model is not read. */
  static OptionalInt stored(ModelFiles model, BackendInfo info, Set<Output> outputs) {
    if (!Files.isDirectory(folder())) {
      return OptionalInt.empty();
    }
    Path file = file(model, info, outputs);
    if (!Files.isRegularFile(file)) {
      return OptionalInt.empty();
    }
    Properties found = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      found.load(reader);
      return OptionalInt.of(ValueParser.positive().parse(found.getProperty("token-budget", "")));
    } catch (IOException | IllegalArgumentException e) {
      log.warn("The stored calibration {} cannot be read and is ignored: {}", file, e.toString());
      return OptionalInt.empty();
    }
  }

  /** Stores a budget. A failure is logged. */
  static void store(ModelFiles model, BackendInfo info, Set<Output> outputs, int budget) {
    try {
      Files.createDirectories(folder());
      Path file = file(model, info, outputs);
      Properties properties = new Properties();
      properties.setProperty("token-budget", Integer.toString(budget));
      properties.setProperty("model", model.name());
      properties.setProperty("backend", info.backend() + ", " + info.version());
      properties.setProperty("device", info.device().toString());
      AtomicFiles.write(
          file,
          out ->
              properties.store(
                  new OutputStreamWriter(out, StandardCharsets.UTF_8),
                  "Measured by Luciole; delete to measure again"));
    } catch (IOException e) {
      log.warn("The calibration cannot be stored: {}", e.toString());
    }
  }
}
