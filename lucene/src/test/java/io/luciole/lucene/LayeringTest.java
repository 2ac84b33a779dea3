package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What may know what within this module, read from its sources. */
class LayeringTest {
  /** The files below a folder that match, by their names, in order. */
  private static List<String> matching(String folder, String regex) throws IOException {
    Pattern pattern = Pattern.compile(regex);
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/java/io/luciole/lucene", folder))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
        if (pattern.matcher(Files.readString(file)).find()) {
          names.add(String.valueOf(file.getFileName()));
        }
      }
    }
    return names;
  }

  @Test
  void oneFileAlone_namesVersionsOfLucenesFormats() throws IOException {
    assertThat(matching("", "\\blucene\\.\\w+\\.lucene\\d+\\."))
        .containsExactly("LuceneFormats.java");
  }

  @Test
  void evalAlone_usesEval() throws IOException {
    assertThat(matching("eval", "class|record")).contains("Evaluation.java", "Qrels.java");
    assertThat(matching("", "io\\.luciole\\.lucene\\.eval\\."))
        .isEqualTo(matching("eval", "io\\.luciole\\.lucene\\.eval\\."));
  }
}
