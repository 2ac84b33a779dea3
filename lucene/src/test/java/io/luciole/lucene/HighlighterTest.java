package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HighlighterTest {
  @TempDir Path index;

  private static String marked(Hit hit, Highlight highlight) {
    String field = highlight.field() == Highlight.Field.TITLE ? hit.title() : hit.text();
    return field.substring(highlight.start(), highlight.end());
  }

  @Test
  void highlights_wordsAndTokens_standWhereTheyMatched() {
    try (EmbeddingEngine engine = FakeModel.withAll().open();
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.put(SourceDocument.of("a", "Fireflies", "At night fireflies glow.")).join();
      indexer.put(SourceDocument.of("b", "Rivers", "The glow of a river.")).join();
      indexer.commit();
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        HybridQuery query = HybridQuery.of("fireflies glow").matchedTokens(true);
        SearchResult result = searcher.search(query);
        Hit hit = result.hits().stream().filter(h -> h.id().equals("a")).findFirst().orElseThrow();
        try (Highlighter highlighter = new Highlighter(searcher, engine, query, result)) {
          List<Highlight> highlights = highlighter.highlights(hit);
          assertThat(highlights)
              .filteredOn(h -> h.leg() == Leg.BM25)
              .extracting(h -> h.field().id() + ':' + marked(hit, h))
              .containsExactly("title:Fireflies", "text:fireflies", "text:glow");
          assertThat(highlights)
              .filteredOn(h -> h.leg() == Leg.SPARSE)
              .isNotEmpty()
              .allSatisfy(h -> assertThat("fireflies glow").contains(lower(marked(hit, h))));
          assertThat(highlights)
              .allSatisfy(h -> assertThat(h.weight()).isGreaterThan(0).isLessThanOrEqualTo(1));
          assertThat(highlights.stream().mapToDouble(Highlight::weight).max()).hasValue(1);
        }
      }
    }
  }

  @Test
  void highlights_ofTextsInAnyScriptAndForm_standWhereTheyMatched() {
    try (EmbeddingEngine engine = FakeModel.withAll().open();
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      String text = "😀 L'abeille à Zu\u0308rich: ฉันชอบกินข้าวเช้า, 喝茶 1,000";
      indexer.put(SourceDocument.of("a", "", text)).join();
      indexer.commit();
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        HybridQuery query = HybridQuery.of("abeille Zurich กินข้าว 茶 1000").legs(Leg.BM25);
        SearchResult result = searcher.search(query);
        Hit hit = result.hits().get(0);
        try (Highlighter highlighter = new Highlighter(searcher, engine, query, result)) {
          assertThat(highlighter.highlights(hit))
              .extracting(h -> marked(hit, h))
              .containsExactly("abeille", "Zu\u0308rich", "กิน", "ข้าว", "茶", "1,000");
        }
      }
    }
  }

  private static String lower(String text) {
    return text.toLowerCase(java.util.Locale.ROOT);
  }
}
