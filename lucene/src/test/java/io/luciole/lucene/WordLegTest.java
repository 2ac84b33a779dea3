package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the word leg makes of a query: words, phrases and beginnings of words. */
class WordLegTest {
  @TempDir static Path index;

  private static HybridSearcher searcher;

  @BeforeAll
  static void write() {
    try (EmbeddingEngine engine = FakeModel.withAll().open();
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      Stream.of(
              SourceDocument.of("blue", "Lapis lazuli", "A blue stone, ground to ultramarine."),
              SourceDocument.of("apart", "Lazuli", "The word lapis means stone in Latin."),
              SourceDocument.of("glow", "Fireflies", "They glow; glowing is cold light."),
              SourceDocument.of("tea", "茶", "我家的猫喝茶。"),
              SourceDocument.of("thai", "", "ฉันชอบกินข้าวเช้า"),
              SourceDocument.of("zero", "", "Version 10.6.0 of XK4711 and not or the rest."))
          .forEach(document -> indexer.put(document).join());
      indexer.commit();
    }
    searcher = HybridSearcher.open(index);
  }

  @AfterAll
  static void close() {
    searcher.close();
  }

  private static List<String> ids(String query) {
    return searcher.search(HybridQuery.of(query)).hits().stream().map(Hit::id).toList();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "lapis lazuli        | blue,apart",
        "\"lapis lazuli\"    | blue",
        "“lapis lazuli”      | blue",
        "„Lapis LAZULI“      | blue",
        "« lapis lazuli »    | blue",
        "\"lazuli lapis\"    | ",
        "(\"lapis lazuli\")  | blue",
        "\"猫喝茶\"          | tea",
        "\"茶喝猫\"          | ",
        "\"กินข้าว\"         | thai",
        "\"ข้าวกิน\"         | ",
        "\"茶\"              | tea",
        "ultram*             | blue",
        "glo*                | glow",
        "\"cold light\" lapis| apart,blue,glow",
        "laz* \"cold light\" | apart,blue,glow",
        "ULTRAMAR*           | blue",
        "xk4*                | zero",
        "10.6*               | zero",
        "กิน*                | thai",
        "喝*                 | tea",
        "(ultr*)             | blue",
        "zzz*                | "
      })
  void query_findsThese(String query, String found) {
    List<String> expected = found == null ? List.of() : List.of(found.split(","));
    assertThat(ids(query.strip())).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void documentWithThePhrase_isBeforeOneWithItsWords() {
    assertThat(ids("\"lapis lazuli\" stone")).startsWith("blue").contains("apart");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"",
        "*",
        "\"\"",
        "**",
        "\" \"",
        "“",
        "”",
        "„ „ „",
        "a\"b",
        "*glow",
        "* *",
        "\"*\"",
        "?*",
        "\uD83D*",
        "((",
        "+-&&||!^~:\\/",
        "\"…\"",
        "AND",
        "«»"
      })
  void anything_isAQuery(String query) {
    assertThat(ids(query)).doesNotContainNull();
  }

  @Test
  void boosts_ofTitleAndText_weighWhereAWordStands() {
    HybridQuery query = HybridQuery.of("lazuli OR cold").legs(Leg.BM25);
    Map<String, Double> plain = scores(query);
    Map<String, Double> titles = scores(query.wordBoosts(new WordBoosts(0, 1)));
    Map<String, Double> both = scores(query.wordBoosts(new WordBoosts(2, 3)));
    assertThat(plain).containsOnlyKeys("blue", "apart", "glow", "zero");
    assertThat(titles).containsOnlyKeys("blue", "apart");
    plain.forEach((id, score) ->
        assertThat(both.getOrDefault(id, 0.0))
            .as(id)
            .isCloseTo(2 * score + 3 * titles.getOrDefault(id, 0.0), within(1e-4)));
    assertThat(scores(HybridQuery.of("\"lapis lazuli\"").wordBoosts(new WordBoosts(0, 1))))
        .containsOnlyKeys("blue");
    assertThat(scores(HybridQuery.of("firef*").wordBoosts(new WordBoosts(0, 1))))
        .containsOnlyKeys("glow");
    assertThatThrownBy(() -> new WordBoosts(0, 0)).hasMessageContaining("above 0");
    assertThatThrownBy(() -> new WordBoosts(1, Double.NaN)).hasMessageContaining("title, got NaN");
  }

  private static Map<String, Double> scores(HybridQuery query) {
    return searcher.search(query).leg(Leg.BM25).stream()
        .collect(Collectors.toMap(ScoredId::id, ScoredId::score));
  }

  @Test
  void boostOfTitles_whereAnEarlierVersionKeptNone_isRefused() {
    String recorded =
        "{\"words\":{\"analyzer\":\"multilingual\",\"k1\":1.2,\"b\":0.75},\"metadata\":{}}";
    LegQueries queries = new LegQueries(SchemaJson.read(recorded));
    assertThatThrownBy(() -> queries.bm25("x", new WordBoosts(1, 1), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Index anew");
  }

  /** What is an operator elsewhere is a word, or nothing, here. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "glow AND lapis     | glow lapis and",
        "NOT glow           | not glow",
        "+glow -lapis       | glow lapis",
        "title:glow         | title glow",
        "glow^5 lapis~      | glow 5 lapis",
        "(glow OR lapis)    | glow lapis or",
        "5\" pipe and 3\" glow | 5 pipe and 3 glow",
        "glow \" lapis      | glow lapis",
        "gl*ow              | gl ow",
        "**glow** lapis     | glow lapis",
        "*glow*             | glow"
      })
  void operatorsOfOtherLanguages_arePlainWords(String query, String words) {
    assertThat(ids(query.strip())).containsExactlyInAnyOrderElementsOf(ids(words.strip()));
  }

  @Test
  void longAdversarialText_isReadInLinearTime() {
    for (String piece : List.of("„", "“a ", "\"a ", "«", "a*", "* a", "a\"")) {
      QueryWords words = QueryWords.parse(piece.repeat(50_000));
      assertThat(words.plain().length()).isLessThanOrEqualTo(piece.length() * 50_000);
    }
  }

  @Test
  void highlights_ofPhrasesAndBeginnings_standWhereTheyMatched() {
    try (EmbeddingEngine engine = FakeModel.withAll().open()) {
      HybridQuery query = HybridQuery.of("\"cold light\" glo*").legs(Leg.BM25);
      SearchResult result = searcher.search(query);
      Hit hit = result.hits().get(0);
      try (Highlighter highlighter = new Highlighter(searcher, engine, query, result)) {
        assertThat(highlighter.highlights(hit))
            .extracting(h -> hit.text().substring(h.start(), h.end()))
            .containsExactly("glow", "glowing", "cold", "light");
      }
    }
  }
}
