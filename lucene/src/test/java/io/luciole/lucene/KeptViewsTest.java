package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptViewsTest {
  @TempDir private Path index;

  /** Each refresh that was searched is a view, and each view holds files open. */
  @Test
  void viewsBeyondTheCap_areGoneTheOldestFirst() {
    try (EmbeddingEngine engine = new FakeModel(Output.SPARSE).open();
        HybridIndexer indexer = HybridIndexer.open(index, engine);
        HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
      List<Long> views = new ArrayList<>();
      HybridQuery query = HybridQuery.of("light").legs(Leg.BM25);
      for (int i = 0; i < KeptViews.MAX_COUNT + 20; i++) {
        indexer.put(SourceDocument.of("d" + i % 7, "", "light " + i)).join();
        assertThat(searcher.refresh()).isTrue();
        views.add(searcher.search(query).view());
      }
      assertThat(views).doesNotHaveDuplicates();
      assertThat(searcher.search(query.view(views.get(30))).view()).isEqualTo(views.get(30));
      assertThatThrownBy(() -> searcher.search(query.view(views.get(5))))
          .isInstanceOf(ViewGoneException.class)
          .hasMessageContaining("the last 100 views");
    }
  }
}
