package outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.RankedDocsQuery;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SearchResult;
import java.io.IOException;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.lucene.document.LongField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.SoftDeletesDirectoryReaderWrapper;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.util.QueryBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Hybrid search in the index that an application writes, compared with what the application has. */
class OwnWriterTest {
  private static final long SEED = 20_261_129;
  private static final String TEXT = "a story of insects that give light, in Portugal";
  private static final int DEPTH = 60;
  private static final Query CHEAP = LongField.newRangeQuery(Catalogue.PRICE, 0, 2_500);

  private static EmbeddingEngine engine;
  private static final Map<Shape, Shop> SHOPS = new EnumMap<>(Shape.class);

  @BeforeAll
  static void open() throws IOException {
    engine = EmbeddingEngine.builder().model("starter").open();
    for (Shape shape : Shape.values()) {
      SHOPS.put(shape, new Shop(shape, engine, SEED));
    }
  }

  @AfterAll
  static void close() throws IOException {
    for (Shop shop : SHOPS.values()) {
      shop.close();
    }
    engine.close();
  }

  private static boolean cheap(Article article) {
    return article.price() <= 2_500;
  }

  private static HybridQuery query() {
    return HybridQuery.of(TEXT).depth(DEPTH).top(DEPTH);
  }

  @ParameterizedTest
  @EnumSource
  void vectors_findWhatTheDotProductsSay(Shape shape) throws IOException {
    Shop shop = SHOPS.get(shape);
    try (SearcherManager manager = new SearcherManager(shop.catalogue.writer(), null);
        HybridSearcher searcher = shop.open(HybridSearcher.over(manager))) {
      assertDense(searcher.search(query()), shop, article -> true);
      assertDense(searcher.search(query().filter(CHEAP)), shop, OwnWriterTest::cheap);
      assertThat(searcher.documents()).isEqualTo(shop.articles.size());
    }
  }

  /** Each article has its own dot product, and none that is left out has a larger one than the first ten. */
  private static void assertDense(SearchResult result, Shop shop, Predicate<Article> accepted) {
    Map<String, Float> expected = shop.dotProducts(TEXT, accepted);
    List<ScoredId> found = result.leg(Leg.DENSE);
    assertThat(found).hasSize(Math.min(DEPTH, expected.size())).extracting(ScoredId::id).doesNotHaveDuplicates();
    for (ScoredId article : found) {
      assertThat(expected).containsKey(article.id());
      assertThat((float) article.score()).isCloseTo(expected.get(article.id()), within(1e-4f));
    }
    List<Float> best = expected.values().stream().sorted(Comparator.reverseOrder()).toList();
    for (int i = 0; i < 10; i++) {
      assertThat((float) found.get(i).score()).isCloseTo(best.get(i), within(1e-4f));
    }
  }

  @ParameterizedTest
  @EnumSource
  void words_findWhatTheApplicationsOwnSearchDoes(Shape shape) throws IOException {
    Shop shop = SHOPS.get(shape);
    try (SearcherManager manager = new SearcherManager(shop.catalogue.writer(), null);
        HybridSearcher searcher = shop.open(HybridSearcher.over(manager))) {
      SearchResult result = searcher.search(query().filter(CHEAP).depth(500));
      Query words = new QueryBuilder(Catalogue.ANALYZER).createBooleanQuery(Catalogue.WORDS, TEXT);
      Query filtered = new BooleanQuery.Builder().add(words, Occur.MUST).add(CHEAP, Occur.FILTER).build();
      Map<String, Float> expected = searcher.withSearcher(own -> scores(own, own.search(filtered, 500)));
      List<ScoredId> found = result.leg(Leg.BM25);
      assertThat(found).hasSameSizeAs(expected.entrySet()).isNotEmpty();
      for (ScoredId article : found) {
        assertThat((float) article.score()).isCloseTo(expected.get(article.id()), within(1e-4f));
      }
    }
  }

  private static Map<String, Float> scores(IndexSearcher searcher, TopDocs found) throws IOException {
    Map<String, Float> scores = new TreeMap<>();
    for (ScoreDoc hit : found.scoreDocs) {
      scores.put(searcher.storedFields().document(hit.doc).get(Catalogue.ID), hit.score);
    }
    return scores;
  }

  @ParameterizedTest
  @EnumSource
  void results_areSortedCountedAndCollectedByTheApplication(Shape shape) throws IOException {
    Shop shop = SHOPS.get(shape);
    try (SearcherManager manager = new SearcherManager(shop.catalogue.writer(), null);
        HybridSearcher searcher = shop.open(HybridSearcher.over(manager))) {
      SearchResult result = searcher.search(query().filter(CHEAP));
      List<Article> found =
          result.fused().stream().map(hit -> shop.articles.get(hit.id())).toList();
      assertThat(found).isNotEmpty().allMatch(OwnWriterTest::cheap);
      for (Hit hit : result.hits()) {
        assertThat(hit.text()).isEqualTo(shop.articles.get(hit.id()).text());
      }
      Query again = searcher.withSearcher(result, own -> new RankedDocsQuery(own.getIndexReader(), result.docs()));
      Map<String, Integer> genres = searcher.withSearcher(result, own -> Catalogue.genres(own, again));
      assertThat(genres)
          .isEqualTo(found.stream().collect(Collectors.toMap(Article::genre, a -> 1, Integer::sum, TreeMap::new)));
      List<Long> prices = searcher.withSearcher(result, own -> Prices.sorted(own, again));
      assertThat(prices).isEqualTo(found.stream().map(Article::price).sorted().toList());
      assertThat(searcher.<Integer>withSearcher(result, own -> own.count(again))).isEqualTo(found.size());
    }
  }

  /** A reader of a commit shows what is deleted softly, unless it is wrapped as the last one is. */
  @ParameterizedTest
  @EnumSource
  void softlyDeletedArticles_areFoundThroughNothing(Shape shape) throws IOException {
    Shop shop = SHOPS.get(shape);
    try (SearcherManager nearRealTime = new SearcherManager(shop.catalogue.writer(), null);
        SearcherManager ofCommits = new SearcherManager(shop.directory, null);
        DirectoryReader reader = DirectoryReader.open(shop.directory);
        DirectoryReader wrapped =
            new SoftDeletesDirectoryReaderWrapper(DirectoryReader.open(shop.directory), Catalogue.WITHDRAWN)) {
      assertThat(reader.numDocs()).as("shown by Lucene").isGreaterThan(wrapped.numDocs() + 100);
      for (HybridSearcher opened :
          List.of(
              shop.open(HybridSearcher.over(nearRealTime)),
              shop.open(HybridSearcher.over(ofCommits)),
              shop.open(HybridSearcher.over(shop.directory)),
              shop.open(HybridSearcher.over(reader)),
              shop.open(HybridSearcher.over(new IndexSearcher(reader))),
              shop.open(HybridSearcher.over(wrapped)))) {
        try (HybridSearcher searcher = opened) {
          assertThat(searcher.documents()).isEqualTo(shop.articles.size());
          SearchResult all = searcher.search(query().depth(1_000));
          assertThat(all.leg(Leg.BM25)).isNotEmpty();
          assertThat(all.leg(Leg.DENSE)).hasSize(shop.articles.size());
          assertThat(all.fused())
              .extracting(ScoredId::id)
              .doesNotHaveDuplicates()
              .allMatch(shop.articles::containsKey);
          for (Hit hit : all.hits()) {
            assertThat(hit.text()).isEqualTo(shop.articles.get(hit.id()).text());
          }
        }
      }
    }
  }
}
