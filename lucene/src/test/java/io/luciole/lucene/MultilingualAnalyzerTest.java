package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MultilingualAnalyzerTest {
  private final LegQueries queries =
      new LegQueries(HybridSchema.builder(1, true).dense(false).sparse(false).build());

  private List<String> terms(String text) {
    return queries.terms(text).keySet().stream().map(BytesRef::utf8ToString).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "Fireflies, firefly",
    "Häuser-Verwaltungen, hauser verwaltung",
    "Straße, strasse",
    "звёздами, звёзд",
    "gatitos, gatito",
    "ΝΎΧΤΑ, νύχτα",
    "١٩٤٠, 1940"
  })
  void formsOfAWord_areOne(String first, String second) {
    assertThat(terms(first)).isEqualTo(terms(second)).isNotEmpty();
  }

  @Test
  void words_areCutAfterFiveLetters() {
    assertThat(terms("an internationally known cat"))
        .containsExactly("an", "inter", "known", "cat");
    // Letters beyond the first plane count as one.
    assertThat(terms("𐐨𐐩𐐪𐐫𐐬𐐭𐐮")).containsExactly("𐐨𐐩𐐪𐐫𐐬");
  }

  @Test
  void numbersAndCodes_stayWhole() {
    assertThat(terms("1234567 version299 XK4711-b"))
        .containsExactly("1234567", "version299", "xk4711", "b");
  }

  @Test
  void chineseJapaneseAndKorean_becomePairs() {
    assertThat(terms("黑豹队的防守")).containsExactly("黑豹", "豹队", "队的", "的防", "防守");
    assertThat(terms("구텐베르크")).containsExactly("구텐", "텐베", "베르", "르크");
    assertThat(Stream.of("", "  ", "!?").map(this::terms)).allMatch(List::isEmpty);
  }
}
