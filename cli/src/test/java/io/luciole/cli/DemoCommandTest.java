package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class DemoCommandTest {
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

  @Test
  void demo_run_indexesSearchesMeasuresAndSaysWhatIsNext() {
    Run run = Cli.run("demo");

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.errLines()).allMatch(l -> l.startsWith("Indexing: "));
    assertThat(run.out())
        .contains("   389 documents, ")
        .contains("\"my salary buys fewer things than it used to\"")
        .contains("nDCG@10", "MRR@10", "Recall@100", "Next, for instance:");
    assertThat(run.outLines())
        .filteredOn(l -> l.matches(" {3}[123]\\. .* score \\d+\\.\\d{4} .*"))
        .hasSize(9)
        .allMatch(l -> l.contains("dense ") && l.contains("bm25 "));
    List<String> lines = run.outLines();
    int headings = lines.indexOf("          nDCG@10   MRR@10  Recall@100      MAP");
    assertThat(lines.get(headings + 1))
        .as("hybrid search is above its legs")
        .startsWith("   auto ");
    // What it says can be typed.
    List<String> searches =
        run.outLines().stream().filter(l -> l.contains(" search --index ")).toList();
    assertThat(searches).hasSize(2);
    for (String line : searches) {
      Run search = Cli.run(words(line).toArray());
      assertThat(search.status()).as(line + "\n" + search.err()).isZero();
      assertThat(search.out()).containsPattern("(?m)^ 1\\. ");
    }
  }

  /** The arguments of a printed command, its name left out. */
  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(line);
    while (word.find()) {
      words.add(word.group(1) != null ? word.group(1) : word.group(2));
    }
    return words.subList(1, words.size());
  }
}
