package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ColumnsTest {
  @Test
  void width_wideAndCombiningCharacters_countAsTheTerminalShowsThem() {
    assertThat(Columns.width("glow")).isEqualTo(4);
    assertThat(Columns.width("螢火蟲")).isEqualTo(6);
    assertThat(Columns.width("e\u0301")).isEqualTo(1);
    assertThat(Columns.width("🦋")).isEqualTo(2);
  }

  @Test
  void wrap_words_breaksAtSpaces() {
    assertThat(Columns.wrap("fireflies glow at dusk", 10))
        .containsExactly("fireflies", "glow at", "dusk");
  }

  @Test
  void wrap_anyTextAndWidth_losesNothingAndStaysWithin() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      int columns = 2 + random.nextInt(12);
      String text =
          random
              .ints(random.nextInt(60), 0, 4)
              .mapToObj(c -> List.of("a", "bc", " ", "螢").get(c))
              .collect(Collectors.joining())
              .strip();

      List<String> lines = Columns.wrap(text, columns);

      assertThat(String.join("", lines).replace(" ", ""))
          .as("seed %d, \"%s\" in %d columns", seed, text, columns)
          .isEqualTo(text.replace(" ", ""));
      assertThat(lines)
          .as("seed %d, \"%s\" in %d columns", seed, text, columns)
          .allMatch(line -> Columns.width(line) <= columns);
    }
  }

  @Test
  void wrap_withoutSpaces_breaksAnywhere() {
    assertThat(Columns.wrap("螢火蟲在黃昏發光", 6)).containsExactly("螢火蟲", "在黃昏", "發光");
  }

  @Test
  void wrap_nothing_givesNoLine() {
    assertThat(Columns.wrap("", 10)).isEmpty();
  }
}
