package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.ConfigException;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.ValueParser;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How settings that a backend declares reach it. */
class BackendOptionsTest {
  private static final Key<Integer> DEPTH =
      Key.of("luciole.recording.depth", ValueParser.positive(), "3", "How deep.");
  private static final Key<Boolean> WIDE =
      Key.of("luciole.recording.wide", ValueParser.trueOrFalse(), "false", "Whether wide.");

  @TempDir Path folder;
  private final List<BackendConfig> opened = new ArrayList<>();
  private final BackendProvider provider = new Recording(new FakeBackend(), opened);

  /** Keeps what it was opened with. */
  private record Recording(FakeBackend fake, List<BackendConfig> opened)
      implements BackendProvider {
    @Override
    public String name() {
      return "recording";
    }

    @Override
    public List<Key<?>> options() {
      return List.of(DEPTH, WIDE);
    }

    @Override
    public List<Key<?>> optionsOfVectors() {
      return List.of(DEPTH);
    }

    @Override
    public Probe probe() {
      return fake.probe();
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      opened.add(config);
      return fake.open(model, config);
    }
  }

  private EngineBuilder builder(Map<String, String> settings) {
    return EmbeddingEngine.builder(LucioleConfig.of(settings, provider.options()))
        .model(FakeModel.write(folder, 512))
        .backend(provider)
        .tokenBudget(256);
  }

  /** Otherwise a wrapped backend reads other files, or in another precision, than alone. */
  @Test
  void assertingBackend_delegatesAllThatAProviderSays() {
    Method[] own = AssertingBackend.around(provider).getClass().getDeclaredMethods();

    assertThat(Arrays.stream(BackendProvider.class.getMethods()).map(Method::getName))
        .isSubsetOf(Arrays.stream(own).map(Method::getName).toList());
    assertThat(AssertingBackend.around(provider).optionsOfVectors()).containsExactly(DEPTH);
  }

  @Test
  void values_countInTheDigestIfVectorsDependOnThem() {
    try (EmbeddingEngine plain = builder(Map.of()).open();
        EmbeddingEngine written = builder(Map.of(DEPTH.name(), "3")).open();
        EmbeddingEngine deeper = builder(Map.of(DEPTH.name(), "5")).open();
        EmbeddingEngine wide = builder(Map.of(WIDE.name(), "true")).open()) {
      String digest = digest(plain);
      assertThat(digest(written)).as("the default").isEqualTo(digest);
      assertThat(digest(deeper)).isNotEqualTo(digest);
      assertThat(digest(wide)).as("by the provider's word, no matter").isEqualTo(digest);
    }
  }

  private static String digest(EmbeddingEngine engine) {
    return engine.settingsDigest(EmbedOptions.passage());
  }

  @Test
  void values_comeFromTheConfigurationAndTheBuilderWins() {
    Map<String, String> settings = Map.of(DEPTH.name(), "5", WIDE.name(), "true");

    try (EmbeddingEngine configured = builder(settings).open();
        EmbeddingEngine built = builder(settings).option(DEPTH.name(), " 7 ").open();
        EmbeddingEngine plain = builder(Map.of()).open()) {
      assertThat(List.of(configured, built, plain)).doesNotHaveDuplicates();
    }

    assertThat(opened).extracting(c -> c.option(DEPTH)).containsExactly(5, 7, 3);
    assertThat(opened).extracting(c -> c.option(WIDE)).containsExactly(true, true, false);
  }

  @Test
  void wrongOptions_areRefusedTogetherBeforeAnythingIsOpened() {
    EngineBuilder builder =
        builder(Map.of())
            .option(DEPTH.name(), "deep")
            .option("luciole.recording.wode", "true")
            .option("luciole.threads", "1");

    assertThatThrownBy(builder::open)
        .isInstanceOfSatisfying(ConfigException.class, e -> assertThat(e.problems()).hasSize(3))
        .hasMessageContaining("luciole.recording.depth (option of the engine's builder")
        .hasMessageContaining("did you mean luciole.recording.wide?")
        .hasMessageContaining("luciole.threads (option of the engine's builder")
        .hasMessageContaining("is not a setting of this backend");
    assertThat(opened).isEmpty();
  }
}
