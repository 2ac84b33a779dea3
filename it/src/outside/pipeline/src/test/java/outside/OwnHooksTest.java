package outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.RankedDocsQuery;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.LongField;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An index that Luciole writes, with the application's sort, soft deletes, analyzer, fields and facets. */
class OwnHooksTest {
  private static final Random RANDOM = new Random(20_261_130);
  private static final long MOST = 2_500;

  private final Map<String, Article> articles = new HashMap<>();

  private void addFields(SourceDocument source, Document document) {
    Article article = articles.get(source.id());
    try {
      Catalogue.addPriceAndGenre(document, article.genre(), article.price());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void put(HybridIndexer indexer, Article article) {
    articles.put(article.sku(), article);
    indexer.put(SourceDocument.of(article.sku(), "", article.text())).join();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void hybridIndexer_keepsWhatTheApplicationHas(boolean passages) throws IOException {
    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open();
        Directory directory = new ByteBuffersDirectory()) {
      SchemaBuilder fields = HybridSchema.builder(engine).analyzer("own:shop");
      HybridSchema schema =
          (passages ? fields.chunks(16, 0) : fields).build().withAnalyzer(Catalogue.ANALYZER);
      WriteOptions options =
          WriteOptions.defaults()
              .schema(schema)
              .writerConfig(Catalogue::settings)
              .fields(this::addFields);
      List<Article> shelf = Article.shelf(80, RANDOM);
      try (HybridIndexer indexer = HybridIndexer.open(directory, engine, options)) {
        shelf.forEach(article -> put(indexer, article));
        indexer.commit();
        try (HybridSearcher early =
            HybridSearcher.over(directory).schema(schema).engine(engine).open()) {
          changeSome(indexer, shelf);
          indexer.commit();
          assertThat(early.refresh()).isTrue();
          assertFound(early, engine, passages);
        }
      }
      try (HybridSearcher searcher =
          HybridSearcher.over(directory).schema(schema).engine(engine).open()) {
        assertFound(searcher, engine, passages);
      }
    }
  }

  /** Changes some articles and deletes others: softly, as the configuration says. */
  private void changeSome(HybridIndexer indexer, List<Article> shelf) {
    for (int i = 0; i < shelf.size(); i += 3) {
      put(indexer, shelf.get(i).changed(RANDOM));
    }
    for (int i = 1; i < shelf.size(); i += 7) {
      indexer.delete(shelf.get(i).sku());
      articles.remove(shelf.get(i).sku());
    }
    long dear = 4_200;
    indexer.delete(LongField.newRangeQuery(Catalogue.PRICE, dear, Long.MAX_VALUE));
    articles.values().removeIf(article -> article.price() >= dear);
  }

  private void assertFound(HybridSearcher searcher, EmbeddingEngine engine, boolean passages) {
    String text = "insects that give light";
    assertThat(searcher.documents()).isEqualTo(articles.size());
    SearchResult result =
        searcher.search(
            HybridQuery.of(text)
                .filter(LongField.newRangeQuery(Catalogue.PRICE, 0, MOST))
                .depth(500));
    List<Article> cheap =
        articles.values().stream().filter(article -> article.price() <= MOST).toList();
    assertThat(result.leg(Leg.DENSE))
        .extracting(ScoredId::id)
        .containsExactlyInAnyOrderElementsOf(cheap.stream().map(Article::sku).toList());
    if (!passages) {
      float[] query = engine.embed(text, EmbedOptions.query()).join().dense();
      for (ScoredId hit : result.leg(Leg.DENSE)) {
        float[] vector =
            engine.embed(articles.get(hit.id()).text(), EmbedOptions.passage()).join().dense();
        double expected = 0;
        for (int d = 0; d < query.length; d++) {
          expected += (double) query[d] * vector[d];
        }
        assertThat((double) hit.score()).isCloseTo(expected, within(1e-4));
      }
    }
    assertThat(searcher.<Map<String, Integer>>withSearcher(result, own -> Catalogue.genres(own, found(own, result))))
        .isEqualTo(cheap.stream().collect(Collectors.toMap(Article::genre, a -> 1, Integer::sum, TreeMap::new)));
    List<Long> prices = searcher.withSearcher(result, own -> Prices.sorted(own, found(own, result)));
    assertThat(prices).isEqualTo(cheap.stream().map(Article::price).sorted().toList());
  }

  private static Query found(IndexSearcher searcher, SearchResult result) {
    return new RankedDocsQuery(searcher.getIndexReader(), result.docs());
  }
}
