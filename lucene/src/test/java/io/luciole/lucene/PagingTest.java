package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages of a search that is given no depth, with every fusion, to the end. */
@TestInstance(Lifecycle.PER_CLASS)
class PagingTest {
  private SearchFixture f;

  @BeforeAll
  void open(@TempDir Path folder) {
    f =
        new SearchFixture(
            folder.resolve("index"),
            11,
            schema -> schema.quantization(DenseQuantization.BITS_8).build());
  }

  @AfterAll
  void close() {
    f.close();
  }

  private static List<Fusion> fusions() {
    return Fusion.names().stream().map(name -> Fusion.parse(name.replace("K", "5"))).toList();
  }

  private static List<String> ids(SearchResult result) {
    return result.hits().stream().map(Hit::id).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 50, 99, 200})
  void pages_giveEveryDocumentOnce(int size) {
    for (Fusion fusion : fusions()) {
      HybridQuery query = HybridQuery.of(f.texts.text(12)).fusion(fusion).top(size);
      List<String> shown = new ArrayList<>();
      SearchResult page = f.searcher.search(query);
      long view = page.view();
      while (!page.hits().isEmpty()) {
        assertThat(page.hits().get(0).rank()).isEqualTo(shown.size() + 1);
        shown.addAll(ids(page));
        page = f.searcher.search(query.view(view).offset(shown.size()));
      }
      assertThat(shown)
          .as(fusion.name())
          .doesNotHaveDuplicates()
          .containsExactlyInAnyOrderElementsOf(
              f.documents.stream().map(SourceDocument::id).toList());
    }
  }

  @Test
  void firstHits_doNotDependOnHowManyAreAskedFor() {
    for (Fusion fusion : fusions()) {
      for (int q = 0; q < 10; q++) {
        HybridQuery query = HybridQuery.of(f.texts.text(3 + q)).fusion(fusion);
        SearchResult ten = f.searcher.search(query.top(10));
        for (int top : new int[] {100, 101, 350}) {
          SearchResult more = f.searcher.search(query.top(top));
          assertThat(ids(more)).as(fusion.name()).startsWith(ids(ten).toArray(new String[0]));
          assertThat(more.fused().subList(0, 10)).isEqualTo(ten.fused().subList(0, 10));
        }
      }
    }
  }

  @Test
  void pagesOfAGivenDepth_endWithWhatWasFoundAtIt() {
    HybridQuery query = HybridQuery.of(f.texts.text(12)).legs(Leg.DENSE).depth(20).top(15);
    assertThat(f.searcher.search(query.offset(15)).hits()).hasSize(5);
  }

  @Test
  void rerankedPages_fitTogetherToo() {
    HybridQuery query = HybridQuery.of(f.texts.text(12)).rerank(150).top(60);
    List<String> whole = ids(f.searcher.search(query.top(360)));
    List<String> shown = new ArrayList<>();
    for (int offset = 0; offset < 360; offset += 60) {
      shown.addAll(ids(f.searcher.search(query.offset(offset))));
    }
    assertThat(shown).isEqualTo(whole).doesNotHaveDuplicates();
  }
}
