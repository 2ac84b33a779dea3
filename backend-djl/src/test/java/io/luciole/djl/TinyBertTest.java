package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Output;
import io.luciole.model.ModelSource;
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
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A BERT in half precision compared with Transformers; see resources/tiny-bert/make_fixture.py. */
class TinyBertTest {
  private static final Path FIXTURE = Path.of("src/test/resources/tiny-bert");

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"cls", "mean", "last"})
  void states_arePooledAsDescribed(String pooling) throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(FIXTURE.resolve(name), folder.resolve(name));
    }
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    Files.writeString(folder.resolve("luciole.json"), "{\"pooling\": \"" + pooling + "\"}");
    JsonNode expected = new ObjectMapper().readTree(FIXTURE.resolve("expected.json").toFile());
    List<int[]> texts = new ArrayList<>();
    for (JsonNode text : expected) {
      int[] ids = new int[text.get("ids").size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = text.get("ids").get(i).asInt();
      }
      texts.add(ids);
    }

    try (Backend backend =
            new DjlBackendProvider()
                .open(ModelSource.path(folder).resolve(), BackendConfig.on(Device.CPU));
        BackendOutput output = backend.run(TokenBatch.of(texts), Set.of(Output.DENSE))) {
      assertThat(backend.info().outputs()).containsExactly(Output.DENSE);
      assertThat(backend.info().maxTokens()).isEqualTo(40);
      for (int i = 0; i < texts.size(); i++) {
        JsonNode vector = expected.get(i).get(pooling);
        for (int d = 0; d < 32; d++) {
          assertThat(output.get(Output.DENSE).get(i * 32 + d))
              .as("component %s of text %s", d, i)
              .isCloseTo((float) vector.get(d).asDouble(), within(2e-5f));
        }
      }
    }
  }
}
