package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TextTokenizerTest {
  private TextTokenizer starter;

  @BeforeAll
  void open() {
    starter = TextTokenizer.open(ModelSource.parse("starter").resolve());
  }

  @AfterAll
  void close() {
    starter.close();
  }

  @Test
  void ids_equalThoseOfPythonsTokenizers() throws IOException {
    // Made by src/test/resources/starter/make_expected.py.
    for (String line : Files.readAllLines(Path.of("src/test/resources/starter/expected.jsonl"))) {
      JsonNode expected = new ObjectMapper().readTree(line);
      Role role = Role.valueOf(expected.get("role").asText().toUpperCase(Locale.ROOT));

      TokenizedText found = starter.tokenize(expected.get("text").asText(), role);

      assertThat(found.ids())
          .as(expected.get("id").asText())
          .containsExactly(
              IntStream.range(0, expected.get("ids").size())
                  .map(i -> expected.get("ids").get(i).asInt())
                  .toArray());
      assertThat(found.truncated()).isEqualTo(expected.get("id").asText().equals("truncated"));
    }
  }

  @Test
  void close_waitsForNobody_andTakesNothingFromCallsUnderWay() throws Exception {
    String text = "A firefly is no fly. ".repeat(20_000);
    int expected = starter.count(text, Role.PASSAGE);
    TextTokenizer tokenizer = TextTokenizer.open(ModelSource.parse("starter").resolve());
    try (ExecutorService callers = Executors.newFixedThreadPool(4)) {
      CountDownLatch begun = new CountDownLatch(4);
      List<Future<Integer>> counts = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        counts.add(
            callers.submit(() -> {
              begun.countDown();
              return tokenizer.count(text, Role.PASSAGE);
            }));
      }
      begun.await();
      Thread.sleep(5);
      tokenizer.close();
      tokenizer.close();
      for (Future<Integer> count : counts) {
        try {
          assertThat(count.get()).isEqualTo(expected);
        } catch (ExecutionException e) {
          // It came too late.
          assertThat(e).hasCauseInstanceOf(IllegalStateException.class);
        }
      }
    }
    assertThatThrownBy(() -> tokenizer.tokenize("a", Role.PASSAGE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void longText_keepsItsFirstTokensAndTheSpecialOnes() {
    String sentence = "A firefly is no fly. ";
    TokenizedText once = starter.tokenize(sentence.repeat(60), Role.PASSAGE);

    TokenizedText truncated = starter.tokenize(sentence.repeat(90), Role.PASSAGE);

    assertThat(once.truncated()).isFalse();
    assertThat(truncated.truncated()).isTrue();
    assertThat(truncated.length()).isEqualTo(512);
    assertThat(truncated.ids()[511]).isEqualTo(102);
    assertThat(Arrays.copyOf(truncated.ids(), 400)).containsExactly(Arrays.copyOf(once.ids(), 400));
  }

  @Test
  void veryLongText_isReadNoFurtherThanNeededWithTheSameResult() {
    // Far more than the first guess, and the first half of it without any token.
    String blank = " ".repeat(300_000);
    String tail = "glow worm ".repeat(30_000);

    TokenizedText whole = starter.tokenize(blank + tail, Role.PASSAGE);

    assertThat(whole).isEqualTo(starter.tokenize("glow worm ".repeat(400), Role.PASSAGE));
    assertThat(starter.tokenize(blank, Role.PASSAGE)).isEqualTo(starter.tokenize("", Role.PASSAGE));
  }

  @Test
  void loneSurrogates_areReplaced() {
    TokenizedText replaced = starter.tokenize("glow \uFFFD worm", Role.PASSAGE);

    assertThat(starter.tokenize("glow \uD83E worm", Role.PASSAGE)).isEqualTo(replaced);
    assertThat(starter.tokenize("glow \uDEB2 worm", Role.PASSAGE)).isEqualTo(replaced);
    // A NUL is a character like another; native strings must not end at it.
    assertThat(starter.tokenize("glow\0worm glow", Role.PASSAGE).length()).isGreaterThan(3);
  }

  @Test
  void tokens_areAllOfTheText_withTheirPlaces() {
    String text = "Glow-worms 🐝 shine. " + "firefly ".repeat(600);
    List<TextToken> tokens = starter.tokens(text, Role.PASSAGE);

    assertThat(tokens.size()).isEqualTo(starter.count(text, Role.PASSAGE)).isGreaterThan(600);
    assertThat(tokens.get(0)).isEqualTo(new TextToken(101, "[CLS]", true, 0, 0));
    assertThat(tokens.getLast().special()).isTrue();
    List<TextToken> inner = tokens.subList(1, tokens.size() - 1);
    assertThat(inner)
        .allSatisfy(
            token -> assertThat(token.text()).isEqualTo(text.substring(token.start(), token.end())))
        .noneMatch(TextToken::special);
    assertThat(inner.stream().map(TextToken::text))
        .startsWith("Glow", "-", "worms", "🐝", "shine", ".", "fire");
    String prompt = ModelSource.parse("starter").resolve().description().prompt(Role.QUERY);
    assertThat(prompt).isNotEmpty();
    assertThat(starter.tokens("glow", Role.QUERY).reversed().get(1).end())
        .isEqualTo(prompt.length() + 4);
  }

  @Test
  void decode_givesATextOfItsIds() {
    int[] ids = starter.tokenize("Glow worms shine.", Role.PASSAGE).ids();

    assertThat(starter.decode(ids, true)).isEqualTo("glow worms shine.");
    assertThat(starter.decode(ids, false)).startsWith("[CLS]").endsWith("[SEP]");
    assertThatThrownBy(() -> starter.decode(new int[] {30522}, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 to 30521");
  }

  @Test
  void decode_givesATokensString() {
    int[] ids = starter.tokenize("worm", Role.PASSAGE).ids();

    assertThat(starter.decode(ids[1])).isEqualTo("worm");
  }
}
