package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Role;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/**
 * Long runs of one character have the tokens that Hugging Face's tokenizers give the whole text.
 */
class RunsOfOneCharacterTest {
  @Test
  void tokenize_longRun_equalsPythonsTokenizers() throws IOException {
    try (TextTokenizer tokenizer =
        TextTokenizer.open(ModelSource.parse(MiniM3.folder().toString()).resolve())) {
      // Made by src/test/resources/runs/make_expected.py.
      for (String line : Files.readAllLines(Path.of("src/test/resources/runs/expected.jsonl"))) {
        JsonNode expected = new ObjectMapper().readTree(line);
        String text =
            expected.path("character").textValue().repeat(expected.path("length").intValue())
                + expected.path("tail").textValue().repeat(expected.path("times").intValue());
        int[] ids =
            StreamSupport.stream(expected.path("runs").spliterator(), false)
                .flatMapToInt(
                    run -> IntStream.generate(run.path(0)::intValue).limit(run.path(1).intValue()))
                .toArray();

        int[] found = tokenizer.tokenize(text, Role.PASSAGE).ids();

        assertThat(Arrays.copyOf(found, ids.length)).as(line).containsExactly(ids);
        assertThat(found).hasSizeLessThanOrEqualTo(1024);
      }
    }
  }
}
