package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The flags that do otherwise than a model's files say. */
class EngineOptionsTest {
  @TempDir private Path folder;

  private Path texts(String key) throws IOException {
    return Files.writeString(
        folder.resolve("texts.jsonl"), "{\"" + key + "\":\"a\",\"text\":\"Fireflies glow.\"}\n");
  }

  private JsonNode dense(String... flags) throws IOException {
    List<Object> all =
        new ArrayList<>(List.of("embed", "--model", "starter", "--input", texts("id")));
    all.addAll(Arrays.asList(flags));
    Run run = Cli.run(all.toArray());
    assertThat(run.status()).as(run.err()).isZero();
    return new ObjectMapper().readTree(run.out()).path("dense");
  }

  @Test
  void flags_changeTheVectors() throws IOException {
    JsonNode usual = dense();

    assertThat(usual).hasSize(384);
    assertThat(dense("--dimensions", "64")).hasSize(64);
    assertThat(dense("--pooling", "cls,mean", "--batch-tokens", "256")).hasSize(768);
    assertThat(dense("--prompt", "query: ")).hasSize(384).isNotEqualTo(usual);
    assertThat(dense("--normalize", "false").path(0).asDouble())
        .isNotEqualTo(usual.path(0).asDouble());
  }

  @Test
  void flagsThatCannotBe_areRefused() throws IOException {
    Path texts = texts("id");

    assertThat(Cli.run("embed", "--input", texts, "--pooling", "median").err())
        .contains("--pooling")
        .contains("expected a pooling of cls, mean");
    assertThat(Cli.run("embed", "--input", texts, "--dimensions", "385").err())
        .contains("from 1 to 384 dimensions");
    assertThat(Cli.run("embed", "--input", texts, "--prompt-name", "s2p").err())
        .contains("found \"s2p\"");
  }

  @Test
  void index_isSearchedOnlyAsItWasMade() throws IOException {
    Path index = folder.resolve("ix");
    Run made =
        Cli.run(
            "index",
            "--index",
            index,
            "--input",
            texts("_id"),
            "--pooling",
            "mean",
            "--prompt",
            "p:");
    assertThat(made.status()).as(made.err()).isZero();

    Run other = Cli.run("search", "--index", index, "glow");
    assertThat(other.status()).isNotZero();
    assertThat(other.err()).contains("pooling: mean instead of cls (--pooling");

    // A search embeds no passages, so their prompt does not matter.
    Run same = Cli.run("search", "--index", index, "--pooling", "mean", "glow");
    assertThat(same.status()).as(same.err()).isZero();
  }
}
