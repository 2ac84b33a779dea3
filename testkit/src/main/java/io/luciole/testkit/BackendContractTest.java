package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * What every backend must do. A backend passes by a test class of its own that extends this one and
 * overrides {@link #provider}, and further methods where it differs from the defaults, which are
 * those of a backend that computes {@link MiniM3} in fp32 on the CPU with all three outputs.
 *
 * <p>What a backend says that it does not do is not skipped: its refusal is asserted. Batches are
 * random; a failing test prints the seed, and {@code -Dluciole.testkit.seed} repeats it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContractTest {
  /** What a thousand batches may leave behind: a tenth of what they would if none were freed. */
  private static final long LEAK = 100L << 20;

  private final long seed = Long.getLong("luciole.testkit.seed", System.nanoTime());

  @RegisterExtension
  @SuppressWarnings("unused") // JUnit finds it.
  final TestExecutionExceptionHandler printSeed =
      (context, failure) -> {
        failure.addSuppressed(
            new AssertionError("to repeat this one, set -Dluciole.testkit.seed=" + seed) {
              private static final long serialVersionUID = 1L;

              @Override
              public synchronized Throwable fillInStackTrace() {
                return this;
              }
            });
        throw failure;
      };

  @SuppressWarnings("NullAway.Init") // Set before all tests.
  private ModelFiles files;

  @SuppressWarnings("NullAway.Init") // Set before all tests.
  private AssertingBackend backend;

  /** Called by JUnit. */
  protected BackendContractTest() {}

  /** The backend's provider. The one method that must be overridden. */
  protected abstract BackendProvider provider();

  /** The model to run it on, 512 tokens long or longer; {@link MiniM3} by default. */
  protected ModelSource model() {
    return MiniM3.source();
  }

  /**
   * The texts with which the outputs must agree: those of {@link MiniM3} by default. A backend that
   * cannot run that model returns none here, and has to be compared with its model's reference in
   * another way.
   */
  protected List<ReferenceText> reference() {
    return MiniM3.texts();
  }

  /** The device to run on; the CPU by default. */
  protected Device device() {
    return Device.CPU;
  }

  /** What the backend gives for the model; everything by default. */
  protected Set<Output> outputs() {
    return EnumSet.allOf(Output.class);
  }

  /** The precisions that it offers on the device; fp32 alone by default. */
  protected Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32);
  }

  /**
   * How far a text's values may differ between batches, relative to the largest of them in the same
   * vector; 2e-5 by default, which is rounding in fp32.
   */
  protected float tolerance() {
    return ReferenceText.VECTOR_TOLERANCE;
  }

  /**
   * A backend on the model with so little memory that a text of two tokens fits and 16 of 512 do
   * not, if the backend's own tests can make one; none by default.
   */
  protected Optional<Backend> openStarved() {
    return Optional.empty();
  }

  /**
   * Native things that a backend opened by {@link #provider} holds at this moment, such as tensors
   * or bytes, if it counts them: the same number is expected before and after a thousand batches.
   */
  protected OptionalLong held(Backend backend) {
    return OptionalLong.empty();
  }

  /** How many batches must leave nothing behind. */
  int batches() {
    return 1000;
  }

  /** Opens the backend that most tests share. */
  @BeforeAll
  final void openShared() {
    files = model().resolve();
    backend = AssertingBackend.around(open(null));
  }

  /** Closes it; fails if a test left an output open. */
  @AfterAll
  final void closeShared() {
    backend.close();
  }

  private Backend open(@Nullable Precision precision) {
    BackendConfig config = BackendConfig.on(device()).threads(1);
    return provider().open(files, precision == null ? config : config.precision(precision));
  }

  // ---- what it says of itself

  @Test
  final void provider_isFoundByItsName() {
    BackendProvider provider = provider();

    assertThat(provider.name()).matches("[a-z][a-z0-9-]*");
    assertThat(Backends.find().select(Optional.of(provider.name()), Optional.empty()))
        .hasSameClassAs(provider);
  }

  /** Each has a place of its own in files and in the environment, and one line of text. */
  @Test
  final void options_areDeclaredOnceAndDescribed() {
    List<Key<?>> options = provider().options();

    assertThat(options).extracting(Key::name).doesNotHaveDuplicates();
    assertThat(LucioleConfig.knownKeys()).containsAll(options);
    for (Key<?> option : options) {
      assertThat(option.name()).as("a name in a namespace").matches("luciole\\.[a-z0-9-]+\\..+");
      assertThat(option.doc()).as(option.name()).isNotBlank().doesNotContain("\n");
    }
  }

  @Test
  final void probe_offersTheDevice() {
    BackendProvider.Probe probe = provider().probe();

    assertThat(probe.devices()).contains(device()).doesNotHaveDuplicates();
    assertThat(probe.version()).isNotBlank();
    assertThat(probe.problems()).allSatisfy(problem -> assertThat(problem).endsWith("."));
  }

  @Test
  final void info_declaresWhatItDoes() {
    BackendInfo info = backend.info();

    assertThat(info.backend()).isEqualTo(provider().name());
    assertThat(info.version()).isEqualTo(provider().probe().version());
    assertThat(info.device()).isEqualTo(device());
    assertThat(info.outputs()).containsExactlyInAnyOrderElementsOf(outputs());
    assertThat(info.maxTokens()).isEqualTo(files.description().maxTokens());
    files
        .description()
        .hiddenSize()
        .ifPresent(hidden -> assertThat(info.dimension()).isEqualTo(hidden));
    assertThat(backend.watched().info()).isEqualTo(info);
  }

  // ---- what it computes

  @Test
  final void outputs_equalTheReference() {
    assumeTrue(!reference().isEmpty(), "reference() gives no texts");
    for (int limit : new int[] {files.description().maxTokens(), 16}) {
      List<ReferenceText> texts =
          reference().stream().filter(text -> text.maxTokens() == limit).toList();
      if (texts.isEmpty()) {
        continue;
      }
      try (EmbeddingEngine engine =
          EmbeddingEngine.builder()
              .model(model())
              .backend(AssertingBackend.around(provider()))
              .device(device().toString())
              .maxLength(limit)
              .open()) {
        List<Embedding> found =
            engine.embedAll(
                texts.stream().map(ReferenceText::text).toList(),
                EmbedOptions.passage().outputs(outputs()));
        for (int i = 0; i < texts.size(); i++) {
          assertThat(found.get(i).outputs()).containsExactlyInAnyOrderElementsOf(outputs());
          texts.get(i).verify(found.get(i));
        }
      }
    }
  }

  @Test
  final void run_ofMany_equalsRunOfOne_inTheSameOrder() {
    Random random = new Random(seed);
    List<int[]> texts = new ArrayList<>();
    for (int length : new int[] {1, 2, 3, 8, 9, 40, 41, 64, 129}) {
      texts.add(text(random, length));
      texts.add(text(random, length));
    }
    Collections.shuffle(texts, random);

    List<Values> together = run(texts, outputs());

    for (int i = 0; i < texts.size(); i++) {
      together.get(i).verify(run(List.of(texts.get(i)), outputs()).get(0), tolerance());
    }
  }

  @Test
  final void run_ofEqualTexts_givesEqualValues() {
    assertItWorks();
  }

  @Test
  final void run_ofAnyLength_works() {
    Random random = new Random(seed);
    int limit = backend.info().maxTokens();
    int[] lengths = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 64, 65, 255, limit - 1, limit};
    List<int[]> texts = new ArrayList<>();
    for (int length : lengths) {
      texts.add(text(random, length));
    }

    List<Values> together = run(texts, outputs());

    for (int i = 0; i < lengths.length; i++) {
      together.get(i).verify(run(List.of(texts.get(i)), outputs()).get(0), tolerance());
    }
  }

  /** {@link AssertingBackend} checks that nothing else is there, and the number of values. */
  @Test
  final void run_givesTheOutputsAskedFor_whateverElseIsAskedFor() {
    Random random = new Random(seed);
    List<int[]> texts = List.of(text(random, 30), text(random, 5), text(random, 12));
    List<Values> all = run(texts, outputs());

    for (Set<Output> some : subsets(outputs())) {
      List<Values> found = run(texts, some);
      for (int i = 0; i < texts.size(); i++) {
        found.get(i).verify(all.get(i), tolerance());
      }
    }
  }

  /** The engine decodes one output while the next batch runs. */
  @Test
  final void outputs_stayAsTheyAre_whileOthersAreComputed() {
    Random random = new Random(seed);
    TokenBatch first = TokenBatch.of(List.of(text(random, 9), text(random, 4)));
    TokenBatch second = TokenBatch.of(List.of(text(random, 9), text(random, 4)));

    try (BackendOutput kept = backend.run(first, outputs())) {
      backend.run(second, outputs()).close();
      // AssertingBackend compares when it closes what was kept.
      assertThat(kept.has(outputs().iterator().next())).isTrue();
    }
  }

  @Test
  final void run_onAsManyThreadsAsDeclared_givesTheSame() throws Exception {
    Random random = new Random(seed);
    List<List<int[]>> batches = new ArrayList<>();
    List<List<Values>> expected = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      List<int[]> batch = new ArrayList<>();
      for (int j = 0; j < 1 + i; j++) {
        batch.add(text(random, 1 + random.nextInt(50)));
      }
      batches.add(batch);
      expected.add(run(batch, outputs()));
    }
    int threads = backend.info().concurrentRuns();

    // One round in which every run comes from a thread that is new to the backend, and more.
    for (int round = 0; round < 3; round++) {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int first = t;
        tasks.add(() -> {
          for (int i = 0; i < 2 * batches.size(); i++) {
            int at = (first + i) % batches.size();
            List<Values> found = run(batches.get(at), outputs());
            for (int text = 0; text < found.size(); text++) {
              found.get(text).verify(expected.get(at).get(text), tolerance());
            }
          }
          return null;
        });
      }
      try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
        for (Future<Void> done : executor.invokeAll(tasks)) {
          done.get();
        }
      }
    }
  }

  @Test
  final void precisions_areOfferedOrRefusedByName() {
    List<int[]> texts = List.of(text(new Random(seed), 30), text(new Random(seed + 1), 9));
    List<Values> usual = run(texts, EnumSet.of(Output.DENSE));

    for (Precision precision : Precision.values()) {
      if (precisions().contains(precision)) {
        AssertingBackend other = AssertingBackend.around(open(precision));
        assertThat(other.info().precision()).isEqualTo(precision.id());
        for (int i = 0; i < texts.size(); i++) {
          double agreement =
              cosine(run(other, texts, EnumSet.of(Output.DENSE)).get(i).dense, usual.get(i).dense);
          assertThat(agreement)
              .as("cosine of %s and the usual precision", precision)
              .isGreaterThan(precision == Precision.INT8 ? 0.95 : 0.999);
        }
        other.close();
      } else {
        assertThatThrownBy(() -> open(precision).close())
            .as("open with %s", precision)
            .isInstanceOf(LucioleException.class)
            .hasMessageContaining(precision.id());
      }
    }
  }

  // ---- what it refuses

  @Test
  final void run_ofWhatIsNotOffered_isRefusedByName() {
    TokenBatch batch = TokenBatch.of(List.of(text(new Random(seed), 4)));

    for (Output output : EnumSet.complementOf(EnumSet.copyOf(outputs()))) {
      assertThatThrownBy(() -> backend.watched().run(batch, EnumSet.of(output)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(output.name());
    }
    assertThatThrownBy(() -> backend.watched().run(batch, Set.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("output");
  }

  @Test
  final void run_ofAnEmptyBatch_isRefused() {
    assertThatThrownBy(() -> backend.watched().run(TokenBatch.of(List.of()), outputs()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("empty");
  }

  @Test
  final void run_ofATooLongText_isRefusedWithBothLengths() {
    int limit = backend.info().maxTokens();
    Random random = new Random(seed);
    TokenBatch batch = TokenBatch.of(List.of(text(random, 3), text(random, limit + 1)));

    assertThatThrownBy(() -> backend.watched().run(batch, outputs()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(Integer.toString(limit))
        .hasMessageContaining(Integer.toString(limit + 1));
    assertItWorks();
  }

  @Test
  final void run_ofATokenOutsideTheVocabulary_isRefused() {
    for (int id : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      TokenBatch batch = TokenBatch.of(List.of(new int[] {0, 5, id, 2}));

      assertThatThrownBy(() -> backend.watched().run(batch, outputs()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(Integer.toString(id));
    }
    assertItWorks();
  }

  @Test
  final void open_onADeviceThatIsNotThere_isRefusedByName() {
    List<Device> there = provider().probe().devices();

    for (Device device :
        List.of(new Device("tpu", 0), Device.parse("cuda"), new Device("cuda", 99))) {
      if (!there.contains(device)) {
        assertThatThrownBy(() -> provider().open(files, BackendConfig.on(device)).close())
            .as("open on %s", device)
            .isInstanceOf(BackendException.class)
            .hasMessageContaining(device.toString());
      }
    }
  }

  // ---- memory and its end

  /** An output of a batch of 2³¹ values has no buffer that could hold it. */
  @Test
  final void run_ofABatchThatNoMemoryHolds_saysSo_andTheNextWorks() {
    int width = Math.max(backend.info().dimension(), backend.info().colbertDimension());
    assumeTrue(width >= 64, "a batch with so large an output would itself fill the memory");
    int texts = Integer.MAX_VALUE / width + 1;
    TokenBatch batch = new TokenBatch(new int[texts], IntStream.rangeClosed(0, texts).toArray());

    assertThatThrownBy(() -> backend.watched().run(batch, outputs()))
        .isInstanceOf(BackendOutOfMemoryException.class);
    assertItWorks();
  }

  @Test
  final void run_withTooLittleMemory_saysSo_andASmallerOneWorks() {
    Optional<Backend> opened = openStarved();
    assumeTrue(opened.isPresent(), "openStarved() gives no backend");
    AssertingBackend starved = AssertingBackend.around(opened.get());
    int[] text = text(new Random(seed), 512);

    assertThatThrownBy(() -> starved.run(TokenBatch.of(Collections.nCopies(16, text)), outputs()))
        .isInstanceOf(BackendOutOfMemoryException.class);
    List<Values> small = run(starved, List.of(Arrays.copyOf(text, 2)), outputs());

    small.get(0).verify(run(List.of(Arrays.copyOf(text, 2)), outputs()).get(0), tolerance());
    starved.close();
  }

  @Test
  final void memory_isGivenBack_afterAThousandBatches() {
    Random random = new Random(seed);
    List<int[]> texts = new ArrayList<>();
    for (int length : new int[] {2, 5, 9, 30, 50, 80, 110, 226}) {
      texts.add(text(random, length));
    }
    AssertingBackend fresh = AssertingBackend.around(open(null));
    runSome(fresh, texts, batches() / 4, random);
    OptionalLong heldBefore = held(fresh.watched());
    long heapBefore = ProcessMemory.usedHeap();
    long grown = Long.MAX_VALUE;

    // What is kept grows round by round; pages that the heap had reserved are touched only once.
    for (int round = 0; round < 4 && grown >= LEAK; round++) {
      long nativeBefore = ProcessMemory.outsideHeap();
      runSome(fresh, texts, batches(), random);
      grown = ProcessMemory.outsideHeap() - nativeBefore;
    }

    assertThat(held(fresh.watched())).as("native things held").isEqualTo(heldBefore);
    assertThat(grown).as("native bytes").isLessThan(LEAK);
    assertThat(ProcessMemory.usedHeap() - heapBefore).as("heap bytes").isLessThan(LEAK);
    assertThat(fresh.openOutputs()).isZero();
    fresh.close();
  }

  private void runSome(AssertingBackend on, List<int[]> texts, int times, Random random) {
    for (int i = 0; i < times; i++) {
      List<int[]> some = new ArrayList<>(texts);
      Collections.shuffle(some, random);
      on.run(TokenBatch.of(some.subList(0, 1 + random.nextInt(some.size()))), outputs()).close();
    }
  }

  @Test
  final void close_twice_doesNothing_andARunAfterItIsRefused() {
    Backend other = open(null);
    TokenBatch batch = TokenBatch.of(List.of(text(new Random(seed), 4)));
    BackendOutput output = other.run(batch, outputs());
    output.close();
    output.close();
    assertThatThrownBy(() -> output.get(outputs().iterator().next()))
        .isInstanceOf(IllegalStateException.class);

    other.close();
    other.close();

    assertThatThrownBy(() -> other.run(batch, outputs())).isInstanceOf(IllegalStateException.class);
    assertItWorks();
  }

  // ---- helpers

  private void assertItWorks() {
    int[] text = text(new Random(seed), 17);
    List<Values> values = run(Collections.nCopies(5, text), outputs());
    for (Values other : values) {
      other.verify(values.get(0), tolerance());
    }
  }

  /** Token ids of no special meaning, between those that tokenizers put around a text. */
  private static int[] text(Random random, int length) {
    int[] ids = new int[length];
    for (int i = 1; i < length; i++) {
      ids[i] = 5 + random.nextInt(5000);
    }
    if (length > 1) {
      ids[length - 1] = 2;
    }
    return ids;
  }

  private static List<Set<Output>> subsets(Set<Output> of) {
    List<Output> all = List.copyOf(of);
    List<Set<Output>> subsets = new ArrayList<>();
    for (int bits = 1; bits < 1 << all.size(); bits++) {
      Set<Output> subset = EnumSet.noneOf(Output.class);
      for (int i = 0; i < all.size(); i++) {
        if ((bits >> i & 1) == 1) {
          subset.add(all.get(i));
        }
      }
      subsets.add(subset);
    }
    return subsets;
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }

  private List<Values> run(List<int[]> texts, Set<Output> wanted) {
    return run(backend, texts, wanted);
  }

  private static List<Values> run(Backend on, List<int[]> texts, Set<Output> wanted) {
    TokenBatch batch = TokenBatch.of(texts);
    List<Values> values = new ArrayList<>();
    try (BackendOutput output = on.run(batch, wanted)) {
      for (int i = 0; i < batch.size(); i++) {
        values.add(new Values(output, batch, i, on.info()));
      }
    }
    return values;
  }

  /** The values of one text. */
  private static final class Values {
    private final float[] dense;
    private final float[] weights;
    private final float[][] vectors;

    Values(BackendOutput output, TokenBatch batch, int text, BackendInfo info) {
      dense = copy(output, Output.DENSE, text * info.dimension(), info.dimension());
      weights = copy(output, Output.SPARSE, batch.offset(text), batch.length(text));
      int width = info.colbertDimension();
      vectors =
          IntStream.range(batch.offset(text) + 1, batch.offset(text + 1))
              .mapToObj(token -> copy(output, Output.COLBERT, token * width, width))
              .toArray(float[][]::new);
    }

    private static float[] copy(BackendOutput output, Output kind, int from, int count) {
      float[] values = new float[output.has(kind) ? count : 0];
      if (output.has(kind)) {
        output.get(kind).get(from, values);
      }
      return values;
    }

    /** Compares what both have. */
    void verify(Values expected, float tolerance) {
      verify("dense", dense, expected.dense, tolerance);
      verify("token weights", weights, expected.weights, tolerance);
      for (int i = 0; i < vectors.length; i++) {
        verify("vector of token " + (i + 1), vectors[i], expected.vectors[i], tolerance);
      }
    }

    private static void verify(String what, float[] found, float[] expected, float tolerance) {
      if (found.length == 0 || expected.length == 0) {
        return;
      }
      assertThat(found).as(what).hasSameSizeAs(expected);
      float largest = 1;
      for (float value : expected) {
        largest = Math.max(largest, Math.abs(value));
      }
      for (int i = 0; i < found.length; i++) {
        // Millions of values: AssertJ, which takes its time, sees those that are wrong.
        if (!(Math.abs(found[i] - expected[i]) <= tolerance * largest)) {
          assertThat(found[i])
              .as("component %s of %s", i, what)
              .isCloseTo(expected[i], within(tolerance * largest));
        }
      }
    }
  }
}
