package io.luciole.model;

import static io.luciole.model.LettersModel.id;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Role;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that read texts in lower case, as {@code do_lower_case} asks. */
class LowerCaseTest {
  /** With what lower case makes two characters of, and a letter of two chars. */
  private static final String TEXT = "Aİ𐐀B";

  @TempDir private Path folder;
  private TextTokenizer tokenizer;

  @BeforeEach
  void open() throws IOException {
    tokenizer = TextTokenizer.open(LettersModel.writeLowerCase(folder, "S𐐀"));
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  @Test
  void tokens_areThoseThatAreEmbedded() {
    for (Role role : Role.values()) {
      assertThat(tokenizer.tokens(TEXT, role).stream().mapToInt(TextToken::id).toArray())
          .as(role.name())
          .containsExactly(tokenizer.tokenize(TEXT, role).ids());
    }
    assertThat(tokenizer.tokenize("AIa", Role.PASSAGE).ids())
        .containsExactly(0, id("a"), id("i"), id("a"), 1);
  }

  @Test
  void tokens_haveThePlacesAndTheStringsOfTheText() {
    assertThat(tokenizer.tokens(TEXT, Role.PASSAGE))
        .containsExactly(
            new TextToken(0, "<0>", true, 0, 0),
            new TextToken(id("a"), "A", false, 0, 1),
            new TextToken(id("i"), "İ", false, 1, 2),
            new TextToken(id("\u0307"), "İ", false, 1, 2),
            new TextToken(id("𐐨"), "𐐀", false, 2, 4),
            new TextToken(id("b"), "B", false, 4, 5),
            new TextToken(1, "<1>", true, 0, 0));
    // Places are in the prompt followed by the text; a lone surrogate is a character like another.
    assertThat(tokenizer.tokens("\uD83Eİb", Role.QUERY).subList(3, 7))
        .containsExactly(
            new TextToken(4, "\uFFFD", false, 3, 4),
            new TextToken(id("i"), "İ", false, 4, 5),
            new TextToken(id("\u0307"), "İ", false, 4, 5),
            new TextToken(id("b"), "b", false, 5, 6));
  }

  @Test
  void starts_areInTheText() {
    assertThat(tokenizer.starts(TEXT)).containsExactly(0, 1, 1, 2, 4);
    assertThat(tokenizer.count(TEXT, Role.PASSAGE)).isEqualTo(7);
  }

  @Test
  void withoutIt_aTextIsReadAsItIs(@TempDir Path other) throws IOException {
    ModelFiles model = LettersModel.write(other, List.of(), List.of(), 64);
    try (TextTokenizer cased = TextTokenizer.open(model)) {
      assertThat(cased.tokens("İ𐐨A", Role.PASSAGE))
          .containsExactly(
              new TextToken(id("İ"), "İ", false, 0, 1),
              new TextToken(id("𐐨"), "𐐨", false, 1, 3),
              new TextToken(id("A"), "A", false, 3, 4));
      assertThat(cased.starts("İ𐐨A")).containsExactly(0, 1, 3);
    }
  }

  @Test
  void lowerCase_isByCodePoint() {
    assertThat(LowerCase.of("ΟΔΟΣ Straße Ǆ 𐐀 İ")).isEqualTo("οδοσ straße ǆ 𐐨 i\u0307");
  }
}
