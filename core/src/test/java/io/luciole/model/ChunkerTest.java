package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Role;
import io.luciole.model.Chunker.Chunk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChunkerTest {
  private TextTokenizer starter;

  @BeforeAll
  void open() {
    starter = TextTokenizer.open(ModelSource.parse("starter").resolve());
  }

  @AfterAll
  void close() {
    starter.close();
  }

  private Chunker chunker(int maxTokens, int overlap) {
    return new Chunker(starter, Role.PASSAGE, maxTokens, overlap);
  }

  private static List<String> pieces(Chunker chunker, String text) {
    return chunker.chunks(text).stream().map(c -> c.of(text)).toList();
  }

  @Test
  void textThatFits_isOneChunk() {
    for (String text : List.of("", "  \n ", " Fireflies glow. They do. ")) {
      assertThat(chunker(16, 0).chunks(text))
          .containsExactly(
              new Chunk(0, text.length(), starter.tokenize(text, Role.PASSAGE).length()));
    }
  }

  @Test
  void count_isThatOfTheWholeText_beyondTheModelsLimit() {
    assertThat(chunker(16, 0).count("")).isEqualTo(2);
    assertThat(chunker(16, 0).count("one two three")).isEqualTo(5);
    assertThat(chunker(16, 0).count("one ".repeat(2000))).isEqualTo(2002);
  }

  @Test
  void chunks_endWithSentencesAndParagraphs() {
    String text =
        "Fireflies glow at night. Worms do not!  Some larvae glow, too.\n\nA title\n\nEggs.";

    assertThat(pieces(chunker(9, 0), text))
        .containsExactly(
            "Fireflies glow at night.",
            "Worms do not!",
            "Some larvae glow, too.",
            "A title\n\nEggs.");
    assertThat(pieces(chunker(14, 0), text))
        .containsExactly(
            "Fireflies glow at night. Worms do not!", "Some larvae glow, too.\n\nA title\n\nEggs.");
  }

  @Test
  void sentenceLongerThanTheLimit_isCutBetweenWords() {
    String text = "one two three four five six seven eight nine ten";

    assertThat(pieces(chunker(6, 0), text))
        .containsExactly("one two three four", "five six seven eight", "nine ten");
  }

  @Test
  void overlap_isWholeSentencesOrElseWords() {
    assertThat(pieces(chunker(13, 5), "One one one one. Two two two. Three three. Four four four."))
        .containsExactly(
            "One one one one. Two two two.", "Two two two. Three three. Four four four.");
    assertThat(pieces(chunker(6, 2), "one two three four five six seven eight"))
        .containsExactly("one two three four", "three four five six", "five six seven eight");
  }

  /** "isaaa" is three tokens before a b, and five alone, so it is cut back to what was there. */
  @Test
  void overlapThatLeavesNoRoomForAnythingNew_isDropped(@TempDir Path folder) throws IOException {
    ModelFiles letters = LettersModel.write(folder, List.of(), List.of(), 64);
    try (TextTokenizer tokenizer = TextTokenizer.open(letters)) {
      Chunker chunker = new Chunker(tokenizer, Role.PASSAGE, 3, 1);

      assertThat(pieces(chunker, "abisaaabb")).containsExactly("abi", "saaab", "bb");
    }
  }

  @Test
  void scriptsWithoutBlanks_areCutAtFullStopsOrTokens() {
    String text = "日本語です。次の文です。もう一つ。";

    assertThat(pieces(chunker(10, 0), text)).containsExactly("日本語です。", "次の文です。", "もう一つ。");
    assertThat(String.join("", pieces(chunker(4, 0), "日本語日本語日本語"))).isEqualTo("日本語日本語日本語");
  }

  @Test
  void randomTexts_areCoveredByChunksWithinTheLimit() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    String[] words = {
      "firefly",
      "a",
      "light-emitting",
      "ﷺ",
      "😀",
      "😀😀😀",
      "日本",
      "supercalifragilistic",
      "\0",
      "é\u0301",
      ".",
      "!",
      "\n\n",
      "\t",
      "  ",
      "ab\uD83E",
      "x".repeat(150),
      "م",
      "[SEP]",
      "123456789"
    };
    for (int round = 0; round < 100; round++) {
      StringBuilder b = new StringBuilder();
      int length = random.nextInt(120);
      for (int i = 0; i < length; i++) {
        b.append(words[random.nextInt(words.length)]).append(random.nextInt(4) == 0 ? "" : " ");
      }
      String text = b.toString();
      int limit = 4 + random.nextInt(30);
      int overlap = random.nextInt((limit - 2) / 2 + 1);
      String as = "seed " + seed + " round " + round + " limit " + limit + " overlap " + overlap;

      List<Chunk> chunks = chunker(limit, overlap).chunks(text);

      boolean[] covered = new boolean[text.length()];
      Chunk before = new Chunk(-1, -1, 0);
      for (Chunk chunk : chunks) {
        String piece = chunk.of(text);
        int tokens = starter.tokenize(piece, Role.PASSAGE).length();
        assertThat(chunk.tokens()).as(as).isEqualTo(tokens);
        if (piece.codePointCount(0, piece.length()) > 1) {
          assertThat(tokens).as("%s <%s>", as, piece).isLessThanOrEqualTo(limit);
        }
        assertThat(chunk.start()).as(as).isGreaterThan(before.start());
        assertThat(chunk.end()).as(as).isGreaterThan(before.end());
        if (overlap == 0) {
          assertThat(chunk.start()).as(as).isGreaterThanOrEqualTo(before.end());
        }
        IntStream.range(chunk.start(), chunk.end()).forEach(i -> covered[i] = true);
        before = chunk;
      }
      for (int i = 0; i < covered.length; i++) {
        assertThat(covered[i] || Character.isWhitespace(text.charAt(i)))
            .as(as + " at " + i)
            .isTrue();
      }
      assertThat(chunks).as(as).isNotEmpty();
    }
  }

  @Test
  void veryLongTexts_areReadOnlyAsFarAsAskedFor() {
    String text = "Fireflies glow at night, and worms do not. ".repeat(250_000);

    Iterator<Chunk> chunks = chunker(128, 16).iterator(text);
    Chunk first = chunks.next();
    Chunk second = chunks.next();

    assertThat(first.tokens()).isBetween(100, 128);
    assertThat(second.start()).isLessThan(first.end());
    assertThat(pieces(chunker(64, 0), " ".repeat(1_000_000) + "worm " + " ".repeat(1_000_000)))
        .hasSize(1);
    assertThat(chunker(64, 0).chunks("x".repeat(1_000_000))).hasSize(1);
  }

  @Test
  void limitsThatCannotBe_areRefused() {
    assertThatThrownBy(() -> chunker(2, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 to 512 tokens");
    assertThatThrownBy(() -> chunker(513, 0)).hasMessageContaining("got 513");
    assertThatThrownBy(() -> chunker(12, 6))
        .hasMessageContaining("an overlap of 0 to 5 tokens, got 6");
    // The starter's prompt of queries takes room.
    assertThatThrownBy(() -> new Chunker(starter, Role.QUERY, 4, 0))
        .hasMessageContaining("special ones and the prompt");
  }
}
