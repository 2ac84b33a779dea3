package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SnippetFinderTest {
  private static final String FILLER = "Nothing of interest stands in this sentence. ";

  private static int one(int codePoint) {
    return 1;
  }

  @Test
  void snippet_longText_isThePieceWithTheQuerysWords_andItsPlace() {
    String text =
        FILLER.repeat(20) + "Then fireflies started glowing at dusk. " + FILLER.repeat(20);
    Passage piece =
        new SnippetFinder("do fireflies glow").snippet(text, 120, SnippetFinderTest::one);
    assertThat(piece.text()).contains("fireflies started glowing").hasSizeLessThanOrEqualTo(120);
    assertThat(text.substring(piece.start(), piece.end())).isEqualTo(piece.text());
  }

  @Test
  void snippet_shortText_isTheWholeText() {
    assertThat(new SnippetFinder("glow").snippet("It glows.", 9, SnippetFinderTest::one))
        .isEqualTo(new Passage(0, 9, "It glows."));
  }

  @Test
  void snippet_widthIsTheCallers() {
    String text = "螢火".repeat(50);
    assertThat(new SnippetFinder("x").snippet(text, 20, codePoint -> 2).end()).isEqualTo(10);
    assertThat(new SnippetFinder("x").snippet(text, 20, SnippetFinderTest::one).end())
        .isEqualTo(20);
  }

  @Test
  void matches_areWordsThatBeginAlike_andNumbers() {
    assertThat(new SnippetFinder("the glow of 1941").matches("In 1941 the glows glowed of old."))
        .extracting(Passage::text)
        .containsExactly("1941", "glows", "glowed");
  }
}
