package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Output;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A BERT (positions from 0, two token types, prefixed names, a pooler, 16-bit weights) against
 * Transformers' outputs (src/test/python/make_exports.py).
 */
class BertCheckpointTest {
  private static final Path FOLDER = Path.of("src/test/resources/exports/mini-bert");

  private static ModelFiles files(Pooling pooling) {
    return new ModelFiles(
        "mini-bert",
        FOLDER,
        FOLDER.resolve("config.json"), // the backend reads no tokenizer
        FOLDER.resolve("config.json"),
        FOLDER.resolve("model.safetensors"),
        null,
        null,
        null,
        null,
        new ModelDescription(OptionalInt.of(48), 40, pooling, true, Map.of(), Set.of()));
  }

  @ParameterizedTest
  @EnumSource(
      value = Pooling.class,
      names = {"CLS", "MEAN", "LAST"})
  void vectors_areThoseOfTransformers(Pooling pooling) throws IOException {
    List<int[]> texts = new ArrayList<>();
    List<JsonNode> expected = new ArrayList<>();
    for (String line : Files.readAllLines(FOLDER.resolve("expected.jsonl"))) {
      JsonNode json = new ObjectMapper().readTree(line);
      int[] ids = new int[json.path("input_ids").size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = json.path("input_ids").path(i).asInt();
      }
      texts.add(ids);
      expected.add(json.path(pooling.name().toLowerCase(Locale.ROOT)));
    }
    try (Backend backend =
            new OnnxBackendProvider().open(files(pooling), BackendConfig.on(Device.CPU));
        BackendOutput output = backend.run(TokenBatch.of(texts), Set.of(Output.DENSE))) {
      assertThat(backend.info().outputs()).isEqualTo(Set.of(Output.DENSE));
      for (int i = 0; i < texts.size(); i++) {
        for (int d = 0; d < 48; d++) {
          assertThat(output.get(Output.DENSE).get(i * 48 + d))
              .as("text " + i + " component " + d)
              .isCloseTo((float) expected.get(i).path(d).asDouble(), within(2e-5f));
        }
      }
    }
  }
}
