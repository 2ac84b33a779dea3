package io.luciole.testkit;

import static io.luciole.testkit.ContractBatches.runShuffled;
import static io.luciole.testkit.ContractBatches.subsets;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
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

/**
 * The contract of every backend, as tests. To test a backend, extend this class and override {@link
 * #provider}. Override further methods where the backend differs from the defaults, which describe
 * a backend that computes {@link MiniM3} in fp32 on the CPU with all three outputs.
 *
 * <p>What a backend declares not to support is not skipped: the tests assert that it is refused.
 * Batches are random. A failing test prints its seed; {@code -Dluciole.testkit.seed} repeats it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContractTest {
  /** Bytes that {@link #batches} may leave allocated: a tenth of what they allocate in all. */
  private static final long LEAK = 100L << 20;

  private final long seed = Long.getLong("luciole.testkit.seed", System.nanoTime());

  @RegisterExtension
  @SuppressWarnings("unused") // JUnit finds it.
  final SeedPrinter printSeed = new SeedPrinter(seed);

  @SuppressWarnings("NullAway.Init") // Set before all tests.
  private ModelFiles files;

  @SuppressWarnings("NullAway.Init") // Set before all tests.
  private AssertingBackend backend;

  /** Called by JUnit. */
  protected BackendContractTest() {}

  /** {@return the backend's provider; the only method that must be overridden} */
  protected abstract BackendProvider provider();

  /** {@return the model to run, with a limit of at least 512 tokens; {@link MiniM3} by default} */
  protected ModelSource model() {
    return MiniM3.source();
  }

  /**
   * Returns the texts whose reference results the outputs must agree with; those of {@link MiniM3}
   * by default. A backend that cannot run that model returns none, and has to be compared with the
   * reference of its own model in another test.
   *
   * @return the reference texts
   */
  protected List<ReferenceText> reference() {
    return MiniM3.texts();
  }

  /** {@return the device to run on; the CPU by default} */
  protected Device device() {
    return Device.CPU;
  }

  /** {@return the outputs that the backend computes for the model; all by default} */
  protected Set<Output> outputs() {
    return EnumSet.allOf(Output.class);
  }

  /** {@return the precision to run in; by default what the backend takes if none is asked for} */
  protected Optional<Precision> precision() {
    return Optional.empty();
  }

  /** {@return the precisions that it supports on the device; only fp32 by default} */
  protected Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32);
  }

  /**
   * Returns how far a text's values may differ from one batch to another, relative to the largest
   * absolute value of the same vector.
   *
   * @return the tolerance; 2e-5 by default, which allows for rounding in fp32
   */
  protected float tolerance() {
    return ReferenceText.VECTOR_TOLERANCE;
  }

  /**
   * Opens the model in a backend with so little memory that one text of two tokens fits and 16
   * texts of 512 tokens do not.
   *
   * @return the backend, or empty (the default) if the tests cannot limit its memory
   */
  protected Optional<Backend> openStarved() {
    return Optional.empty();
  }

  /**
   * Counts the native objects or bytes that a backend holds at this moment. The count must be the
   * same before and after {@link #batches} batches.
   *
   * @param backend a backend that {@link #provider} opened
   * @return the count, or empty (the default) if the backend does not count them
   */
  protected OptionalLong held(Backend backend) {
    return OptionalLong.empty();
  }

  /** Batches to run in the test of leaks. */
  int batches() {
    return 1000;
  }

  /** Opens the backend that most tests use. */
  @BeforeAll
  final void openShared() {
    files = model().resolve(provider().weightFormats());
    backend = AssertingBackend.around(open(precision().orElse(null)));
  }

  /** Closes the shared backend; fails if a test left an output open. */
  @AfterAll
  final void closeShared() {
    backend.close();
  }

  private Backend open(@Nullable Precision precision) {
    BackendConfig config = BackendConfig.on(device()).threads(1);
    return provider().open(files, precision == null ? config : config.precision(precision));
  }

  // ---- what it declares

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
    assertThat(options).containsAll(provider().optionsOfVectors());
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
      EngineBuilder builder =
          EmbeddingEngine.builder()
              .model(model())
              .backend(AssertingBackend.around(provider()))
              .device(device().toString())
              .maxLength(limit);
      precision().ifPresent(builder::precision);
      try (EmbeddingEngine engine = builder.open()) {
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

    assertTogetherAsAlone(texts);
  }

  @Test
  final void run_ofEqualTexts_givesEqualValues() {
    assertItWorks();
  }

  @Test
  final void run_ofAnyLength_works() {
    int limit = backend.info().maxTokens();
    int[] lengths = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 64, 65, 255, limit - 1, limit};

    assertTogetherAsAlone(texts(new Random(seed), lengths));
  }

  /** {@link AssertingBackend} checks that nothing else is there, and the number of values. */
  @Test
  final void run_givesTheOutputsAskedFor_whateverElseIsAskedFor() {
    Random random = new Random(seed);
    List<int[]> texts = texts(random, 30, 5, 12);
    List<TextValues> all = run(texts, outputs());

    for (Set<Output> some : subsets(outputs())) {
      TextValues.verify(run(texts, some), all, tolerance());
    }
  }

  /** The engine decodes one output while the next batch runs. */
  @Test
  final void outputs_stayAsTheyAre_whileOthersAreComputed() {
    Random random = new Random(seed);
    TokenBatch first = TokenBatch.of(texts(random, 9, 4));
    TokenBatch second = TokenBatch.of(texts(random, 9, 4));

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
    List<List<TextValues>> expected = new ArrayList<>();
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
            List<TextValues> found = run(batches.get(at), outputs());
            TextValues.verify(found, expected.get(at), tolerance());
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
    List<TextValues> usual = run(texts, EnumSet.of(Output.DENSE));

    for (Precision precision : Precision.values()) {
      if (precisions().contains(precision)) {
        AssertingBackend other = AssertingBackend.around(open(precision));
        assertThat(other.info().precision()).isEqualTo(precision.id());
        for (int i = 0; i < texts.size(); i++) {
          TextValues values = TextValues.run(other, texts, EnumSet.of(Output.DENSE)).get(i);
          double agreement = values.denseCosine(usual.get(i));
          assertThat(agreement)
              .as("cosine of %s and the usual precision", precision)
              .isGreaterThan(
                  precision == Precision.INT8 || precision == Precision.FP8 ? 0.95 : 0.999);
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
    TokenBatch batch = TokenBatch.of(texts(random, 3, limit + 1));

    assertThatThrownBy(() -> backend.watched().run(batch, outputs()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(Integer.toString(limit))
        .hasMessageContaining(Integer.toString(limit + 1));
    assertItWorks();
  }

  @Test
  final void run_ofATokenOutsideTheVocabulary_isRefused() {
    for (int id : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, backend.vocabulary()}) {
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
    List<TextValues> small = TextValues.run(starved, List.of(Arrays.copyOf(text, 2)), outputs());

    small.get(0).verify(run(List.of(Arrays.copyOf(text, 2)), outputs()).get(0), tolerance());
    starved.close();
  }

  @Test
  final void memory_isGivenBack_afterAThousandBatches() {
    Random random = new Random(seed);
    List<int[]> texts = texts(random, 2, 5, 9, 30, 50, 80, 110, 226);
    AssertingBackend fresh = AssertingBackend.around(open(null));
    runShuffled(fresh, texts, outputs(), batches() / 4, random);
    OptionalLong heldBefore = held(fresh.watched());
    long heapBefore = ProcessMemory.usedHeap();
    long grown = Long.MAX_VALUE;

    // What is kept grows round by round; pages that the heap had reserved are touched only once.
    for (int round = 0; round < 4 && grown >= LEAK; round++) {
      long nativeBefore = ProcessMemory.outsideHeap();
      runShuffled(fresh, texts, outputs(), batches(), random);
      grown = ProcessMemory.outsideHeap() - nativeBefore;
    }

    assertThat(held(fresh.watched())).as("native things held").isEqualTo(heldBefore);
    assertThat(grown).as("native bytes").isLessThan(LEAK);
    assertThat(ProcessMemory.usedHeap() - heapBefore).as("heap bytes").isLessThan(LEAK);
    assertThat(fresh.openOutputs()).isZero();
    fresh.close();
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

  private int[] text(Random random, int length) {
    return ContractBatches.text(random, length, backend.vocabulary());
  }

  private List<int[]> texts(Random random, int... lengths) {
    return Arrays.stream(lengths).mapToObj(length -> text(random, length)).toList();
  }

  private void assertTogetherAsAlone(List<int[]> texts) {
    List<TextValues> together = run(texts, outputs());
    for (int i = 0; i < texts.size(); i++) {
      together.get(i).verify(run(List.of(texts.get(i)), outputs()).get(0), tolerance());
    }
  }

  private void assertItWorks() {
    int[] text = text(new Random(seed), 17);
    List<TextValues> values = run(Collections.nCopies(5, text), outputs());
    TextValues.verify(values, Collections.nCopies(5, values.get(0)), tolerance());
  }

  private List<TextValues> run(List<int[]> texts, Set<Output> wanted) {
    return TextValues.run(backend, texts, wanted);
  }
}
