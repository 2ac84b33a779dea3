package io.luciole.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.testkit.MiniM3;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs each program as a user would, in the working directory of this test, and checks its output.
 */
class ExamplesTest {
  @TempDir private Path folder;

  @Test
  void embedTexts_run_ranksTheAnswerFirst() {
    List<String> lines = run(() -> EmbedTexts.main(new String[0]));

    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).isEqualTo("Which insects give light?   (384 dimensions)");
    assertThat(lines.get(1)).endsWith("Fireflies glow at dusk to find a mate.");
    assertThat(similarity(lines.get(1)))
        .isGreaterThan(similarity(lines.get(2)) + 0.02)
        .isGreaterThan(similarity(lines.get(3)) + 0.02);
  }

  @Test
  void indexAndSearch_run_findsThePassageTwice() throws IOException {
    List<String> passages;
    try (Stream<String> lines = Files.lines(Path.of("corpus", "corpus.jsonl"))) {
      passages =
          lines.filter(l -> l.contains("\"ultramarine\"") || l.hashCode() % 10 == 0).toList();
    }
    Path corpus = Files.write(folder.resolve("corpus.jsonl"), passages);
    String[] args = {corpus.toString(), folder.resolve("index").toString(), "lapis lazuli pigment"};

    List<String> first = run(() -> IndexAndSearch.main(args));
    List<String> second = run(() -> IndexAndSearch.main(args));

    assertThat(first).hasSize(4);
    assertThat(first.get(0)).isEqualTo(passages.size() + " added, 0 updated");
    assertThat(first.get(1)).startsWith("1. ultramarine").contains("DENSE=").contains("BM25=");
    assertThat(second.get(0)).isEqualTo("0 added, " + passages.size() + " updated");
    assertThat(second.get(1)).startsWith("1. ultramarine");
  }

  @Test
  void ownPipeline_run_deletesAndFiltersByItsOwnField() throws IOException {
    Path corpus = folder.resolve("corpus.jsonl");
    List<String> all = Files.readAllLines(Path.of("corpus", "corpus.jsonl"));
    Files.write(corpus, IntStream.range(0, 60).mapToObj(i -> all.get(i * 6)).toList());
    String[] args = {corpus.toString(), folder.resolve("index").toString()};

    List<String> lines =
        run(() -> {
          try {
            OwnPipeline.main(args);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });

    assertThat(lines).hasSize(6);
    int added = number(lines.get(0), "(\\d+) added");
    int deleted = number(lines.get(1), "(\\d+) deleted");
    assertThat(deleted).isPositive();
    assertThat(number(lines.get(5), "(\\d+) left")).isEqualTo(added - deleted);
    for (int i = 0; i < 3; i++) {
      assertThat(number(lines.get(i + 2), (i + 1) + "\\. \\S+  (\\d+) characters")).isLessThan(300);
    }
  }

  private static int number(String line, String regex) {
    Matcher matcher = Pattern.compile(regex).matcher(line);
    assertThat(matcher.matches()).as(line).isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  @Test
  void yourOwnIndex_run_filtersSortsAndCountsWhatIsFound() {
    String[] args = {folder.resolve("shop").toString(), "300"};

    List<String> lines = run(() -> YourOwnIndex.main(args));

    assertThat(lines.get(0)).startsWith("300 books have vectors");
    assertThat(lines.get(1)).startsWith("1. 978-").contains("glowing beetles");
    assertThat(lines.get(4)).startsWith("cheapest: 978-");
    assertThat(String.join(" ", lines.subList(5, lines.size())))
        .contains("crime (", "science (", "adventure (");
    assertThat(lines.get(lines.size() - 1)).matches("\\d+ of all were found");
  }

  @Test
  void plugInConfiguration_propertiesInTheWorkingDirectory_decide() {
    List<String> lines = run(() -> PlugInConfiguration.main(new String[0]));

    assertThat(lines)
        .contains("luciole.backend = onnx, from luciole.properties luciole.backend")
        .contains("luciole.max-length = 256, from luciole.properties luciole.max-length")
        .endsWith("starter on onnx/cpu gives [DENSE] for 6 tokens");
  }

  @Test
  void plugInConfiguration_givenSettings_decide() {
    List<String> lines = run(() -> PlugInConfiguration.main(new String[] {"starter", "dense"}));

    assertThat(lines)
        .contains("luciole.model = starter, from given properties luciole.model")
        .hasSize(3);
  }

  @Test
  void plugInConfiguration_givenAModelAlone_computesDenseVectors() {
    List<String> lines = run(() -> PlugInConfiguration.main(new String[] {"starter"}));

    assertThat(lines)
        .contains("luciole.outputs = dense, from given properties luciole.outputs")
        .endsWith("starter on onnx/cpu gives [DENSE] for 6 tokens");
  }

  @Test
  void switchBackend_withoutAModel_saysWhatItExpects() {
    assertThatThrownBy(() -> SwitchBackend.main(new String[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a model");
  }

  @Test
  void switchBackend_run_findsThatBothAgree() {
    String model = MiniM3.folder().toString();

    List<String> lines = run(() -> SwitchBackend.main(new String[] {model}));

    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).startsWith("onnx: ONNX Runtime ");
    assertThat(lines.get(1)).startsWith("djl: PyTorch ");
    Matcher agreement =
        Pattern.compile(
                "smallest cosine (\\S+), the same tokens with a weight, largest difference of a"
                    + " weight (\\S+)")
            .matcher(lines.get(2));
    assertThat(agreement.matches()).as(lines.get(2)).isTrue();
    assertThat(Double.parseDouble(agreement.group(1))).isBetween(0.999999, 1.000001);
    assertThat(Double.parseDouble(agreement.group(2))).isLessThan(2e-4);
  }

  private interface Program {
    void run() throws IOException;
  }

  private static double similarity(String line) {
    return Double.parseDouble(line.substring(0, line.indexOf(' ')));
  }

  private static List<String> run(Program program) {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      program.run();
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
