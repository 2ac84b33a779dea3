package io.luciole.testkit;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineKeys;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.spi.Device;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Which settings an engine's digest, and so the cache's key, depends on. Whoever adds a setting
 * says here whether vectors depend on it.
 */
class SettingsDigestTest {
  /** Settings on which vectors depend, with a value that is not that of the model's files. */
  private static final Map<Key<?>, String> COUNT =
      Map.ofEntries(
          entry(EngineKeys.OUTPUTS, "dense"),
          entry(EngineKeys.POOLING, "mean"),
          entry(EngineKeys.NORMALIZE, "true"),
          entry(EngineKeys.DIMENSIONS, "4"),
          entry(EngineKeys.QUERY_PROMPT, "\"w1 \""),
          entry(EngineKeys.PASSAGE_PROMPT, "\"w2 \""),
          entry(EngineKeys.QUERY_PROMPT_NAME, "other"),
          entry(EngineKeys.PASSAGE_PROMPT_NAME, "other"),
          entry(EngineKeys.MAX_LENGTH, "100"),
          entry(EngineKeys.TRUNCATION, "chunk"));

  private static final Map<Key<?>, String> OTHERS =
      Map.ofEntries(
          entry(EngineKeys.DEVICE, "cuda:0"),
          entry(EngineKeys.THREADS, "3"),
          entry(EngineKeys.TOKEN_BUDGET, "77"),
          entry(EngineKeys.CALIBRATE, "false"),
          entry(EngineKeys.TOKENIZER_THREADS, "1"),
          entry(EngineKeys.MAX_WAITING_TOKENS, "1000"),
          entry(EngineKeys.OVERLOAD, "reject"),
          entry(EngineKeys.MAX_WAIT, "1ms"),
          entry(EngineKeys.BATCH_TIMEOUT, "3m"),
          entry(EngineKeys.CLOSE_TIMEOUT, "3m"));

  /**
   * They count by what they lead to: the digests of the files, and what a backend says of itself.
   */
  private static final Set<Key<?>> INDIRECT =
      Set.of(EngineKeys.MODEL, EngineKeys.BACKEND, EngineKeys.PRECISION);

  @TempDir Path folder;

  private String digest(Map<String, String> settings) {
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(settings))
            .model(FakeModel.write(folder, 512))
            .backend(new FakeBackend().devices(Device.CPU, Device.parse("cuda:0")))
            .open()) {
      return engine.settingsDigest(EmbedOptions.passage());
    }
  }

  @Test
  void settings_countIfVectorsDependOnThem() throws IOException {
    Files.writeString(
        folder.resolve("config_sentence_transformers.json"), "{\"prompts\": {\"other\": \"w3 \"}}");
    String usual = digest(Map.of());

    assertThat(digest(Map.of())).isEqualTo(usual);
    COUNT.forEach((key, value) ->
        assertThat(digest(Map.of(key.name(), value))).as("with %s", key).isNotEqualTo(usual));
    OTHERS.forEach((key, value) ->
        assertThat(digest(Map.of(key.name(), value))).as("with %s", key).isEqualTo(usual));
  }

  @Test
  void settings_areAllKnownHere() throws IllegalAccessException {
    Set<Object> known = new HashSet<>(COUNT.keySet());
    known.addAll(OTHERS.keySet());
    known.addAll(INDIRECT);
    for (Field field : EngineKeys.class.getFields()) {
      if (Modifier.isStatic(field.getModifiers()) && field.getType() == Key.class) {
        assertThat(field.get(null)).as("do vectors depend on it? Say so here").isIn(known);
      }
    }
  }
}
