package io.luciole;

import static java.util.Map.entry;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.model.DenseRecipe;
import io.luciole.model.Familiarity;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFingerprint;
import io.luciole.model.Pooling;
import io.luciole.model.TokenPooling;
import io.luciole.model.VectorModule;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.Device;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * What vectors depend on is in the cache's key. Whoever adds a component to one of the types from
 * which keys are made says here whether vectors depend on it.
 */
class CacheKeysTest {
  private static final DenseRecipe DENSE = DenseRecipe.of(Pooling.CLS, true);
  private static final ModelDescription MODEL =
      new ModelDescription(
          OptionalInt.of(64), 512, DENSE, Map.of(), Map.of(), Set.of(), Set.of(), null, false);
  private static final ModelFingerprint FINGERPRINT =
      new ModelFingerprint("model", 64, "1".repeat(64), "2".repeat(64), "cls;normalize", "fp32");
  private static final BackendInfo INFO =
      new BackendInfo("onnx", "1", Device.CPU, "fp32", Set.of(Output.DENSE), 64, 0, 512, false, 1);

  private static String key(ModelFingerprint model, ModelDescription means, BackendInfo info) {
    return new CacheKeys(model, means, info, new TreeMap<>())
        .key("text", Role.PASSAGE, Set.of(Output.DENSE), Truncation.TRUNCATE)
        .toString();
  }

  private static String key(ModelDescription description) {
    return key(FINGERPRINT, description, INFO);
  }

  private static final String KEY = key(MODEL);

  @Test
  void description_countsByAllThatVectorsDependOn() {
    Map<String, Object> counts =
        Map.ofEntries(
            entry("maxTokens", 256),
            entry("dense", DenseRecipe.of(Pooling.MEAN, true)),
            entry("prompts", Map.of(Role.QUERY, "query: ")),
            entry("unweightedTokens", Set.of(3)),
            entry("outlierChannels", Set.of(7)),
            entry("lowerCase", true));
    Map<String, Object> others =
        Map.of(
            "hiddenSize", OptionalInt.of(65), // the weights'
            "namedPrompts", Map.of("query", "query: "), // only those that are taken
            "familiarity", new Familiarity(0.2, 0.4)); // weighs the legs of a search

    assertAllNamed(ModelDescription.class, counts, others);
    counts.forEach((name, value) -> assertThat(key(with(MODEL, name, value))).isNotEqualTo(KEY));
    others.forEach((name, value) -> assertThat(key(with(MODEL, name, value))).isEqualTo(KEY));
    assertThat(key(with(MODEL, "outlierChannels", Set.of(7))))
        .isNotEqualTo(key(with(MODEL, "outlierChannels", Set.of(8))));
  }

  @Test
  void recipe_countsByAllThatVectorsDependOn() {
    Map<String, Object> counts =
        Map.of(
            "pooling", TokenPooling.parse("cls,mean"),
            "modules", List.of(new VectorModule.Normalize()),
            "dimensions", OptionalInt.of(32),
            "normalize", false);
    Map<String, Object> others =
        Map.of(
            "isChosen", true, // the same, chosen by a person
            "problem", "a pooling that is not known", // no engine opens
            "padsLeft", true); // refused where it would count

    assertAllNamed(DenseRecipe.class, counts, others);
    counts.forEach((name, value) ->
        assertThat(key(with(MODEL, "dense", with(DENSE, name, value)))).isNotEqualTo(KEY));
    others.forEach((name, value) ->
        assertThat(key(with(MODEL, "dense", with(DENSE, name, value)))).isEqualTo(KEY));
    TokenPooling behind = new TokenPooling(List.of(Pooling.CLS), false);
    assertThat(key(with(MODEL, "dense", with(DENSE, "pooling", behind)))).isNotEqualTo(KEY);
  }

  @Test
  void fingerprint_countsByAllThatVectorsDependOn() {
    Map<String, Object> counts =
        Map.of("dimension", 32, "tokenizerDigest", "3".repeat(64), "weightsDigest", "3".repeat(64));
    // The name is for people, and the others come from the description and the backend.
    Map<String, Object> others = Map.of("name", "other", "vectors", "mean", "precision", "int8");

    assertAllNamed(ModelFingerprint.class, counts, others);
    counts.forEach((name, value) ->
        assertThat(key(with(FINGERPRINT, name, value), MODEL, INFO)).isNotEqualTo(KEY));
    others.forEach((name, value) ->
        assertThat(key(with(FINGERPRINT, name, value), MODEL, INFO)).isEqualTo(KEY));
  }

  /** The same arithmetic gives the same vectors but for rounding, wherever and however it runs. */
  @Test
  void backend_countsByItsNameAndArithmetic() {
    Map<String, Object> counts = Map.of("backend", "djl", "precision", "int8");
    Map<String, Object> others =
        Map.of(
            "version",
            "2",
            "device",
            Device.parse("cuda:0"),
            "outputs",
            Set.of(Output.DENSE, Output.SPARSE),
            "dimension",
            32, // the fingerprint's
            "maxTokens",
            256, // the description's
            "pads",
            true,
            "concurrentRuns",
            2);

    assertAllNamed(BackendInfo.class, counts, others, "colbertDimension");
    counts.forEach((name, value) ->
        assertThat(key(FINGERPRINT, MODEL, with(INFO, name, value))).isNotEqualTo(KEY));
    others.forEach((name, value) ->
        assertThat(key(FINGERPRINT, MODEL, with(INFO, name, value))).isEqualTo(KEY));
  }

  @Test
  void backendOptions_count() {
    Set<String> keys = new HashSet<>();
    for (Map<String, String> options :
        List.of(
            Map.<String, String>of(), Map.of("luciole.x.sum", "1"), Map.of("luciole.x.sum", "2"))) {
      keys.add(
          new CacheKeys(FINGERPRINT, MODEL, INFO, new TreeMap<>(options))
              .key("text", Role.PASSAGE, Set.of(Output.DENSE), Truncation.TRUNCATE)
              .toString());
    }
    assertThat(keys).hasSize(3).contains(KEY);
  }

  /** Those that count are parameters of {@link CacheKeys#key}. */
  @Test
  void textOptions_areAllKnown() {
    Set<String> counts = Set.of("role", "outputs", "truncation");
    Set<String> others = Set.of("lane", "timeout", "job");

    assertThat(EmbedOptions.class.getDeclaredFields())
        .filteredOn(field -> !Modifier.isStatic(field.getModifiers()))
        .extracting(field -> field.getName())
        .allMatch(name -> counts.contains(name) != others.contains(name));

    CacheKeys keys = new CacheKeys(FINGERPRINT, MODEL, INFO, new TreeMap<>());
    Set<Output> dense = Set.of(Output.DENSE);
    assertThat(
            List.of(
                keys.key("text", Role.PASSAGE, dense, Truncation.TRUNCATE),
                keys.key("text.", Role.PASSAGE, dense, Truncation.TRUNCATE),
                keys.key("text", Role.QUERY, dense, Truncation.TRUNCATE),
                keys.key("text", Role.PASSAGE, Set.of(Output.SPARSE), Truncation.TRUNCATE),
                keys.key("text", Role.PASSAGE, dense, Truncation.CHUNK),
                keys.key("text", Role.PASSAGE, dense, Truncation.ERROR)))
        .doesNotHaveDuplicates();
  }

  /** Every component is in one of the groups. */
  private static void assertAllNamed(
      Class<?> type, Map<String, Object> counts, Map<String, Object> others, String... more) {
    Set<String> named = new HashSet<>(counts.keySet());
    named.addAll(others.keySet());
    named.addAll(List.of(more));
    assertThat(type.getRecordComponents())
        .as("do vectors depend on it? Say so here, and if they do, add it to CacheKeys")
        .extracting(RecordComponent::getName)
        .containsExactlyInAnyOrderElementsOf(named);
  }

  /** A copy of a record with another value of one component. */
  private static <R extends Record> R with(R record, String name, Object value) {
    try {
      @SuppressWarnings("unchecked")
      Class<R> type = (Class<R>) record.getClass();
      RecordComponent[] components = requireNonNull(type.getRecordComponents());
      Object[] values = new Object[components.length];
      for (int i = 0; i < values.length; i++) {
        Object before = components[i].getAccessor().invoke(record);
        boolean changes = components[i].getName().equals(name);
        assertThat(changes && Objects.equals(value, before)).as("the same %s", name).isFalse();
        values[i] = changes ? value : before;
      }
      Class<?>[] types =
          Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      return type.getDeclaredConstructor(types).newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
