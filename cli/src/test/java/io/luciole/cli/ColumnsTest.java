package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

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
  void wrap_withoutSpaces_breaksAnywhere() {
    assertThat(Columns.wrap("螢火蟲在黃昏發光", 6)).containsExactly("螢火蟲", "在黃昏", "發光");
  }

  @Test
  void wrap_nothing_givesNoLine() {
    assertThat(Columns.wrap("", 10)).isEmpty();
  }
}
