package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SnippetsTest {
  private static final String FILLER = "Nothing of interest stands in this sentence. ";

  @Test
  void of_shortText_isTheText() {
    assertThat(new Snippets("glow").of("Fireflies\n glow.", 80)).isEqualTo("Fireflies glow.");
  }

  @Test
  void of_longText_isThePieceWithTheQuerysWords() {
    String text =
        FILLER.repeat(20) + "Then fireflies started glowing at dusk. " + FILLER.repeat(20);

    String piece = new Snippets("do fireflies glow").of(text, 120);

    assertThat(piece).contains("fireflies started glowing").startsWith("… ").endsWith(" …");
    assertThat(Columns.width(piece)).isLessThanOrEqualTo(125);
  }

  @Test
  void of_noMatch_isTheBeginning() {
    assertThat(new Snippets("螢火").of(FILLER.repeat(20), 60))
        .startsWith("Nothing of interest")
        .endsWith(" …");
  }

  @Test
  void emphasize_matchingWords_areMarked() {
    assertThat(
            new Snippets("the glow of 1941")
                .emphasize("In 1941 the glows glowed of old.", "<", ">"))
        .isEqualTo("In <1941> the <glows> <glowed> of old.");
  }

  @Test
  void of_controlCharacters_doNotReachTheTerminal() {
    assertThat(new Snippets("x").of("a\u001b[31mb\u0007c", 80)).isEqualTo("a [31mb c");
  }
}
