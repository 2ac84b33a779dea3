package outside;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SearcherBuilder;
import io.luciole.lucene.VectorFields;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.lucene.index.Term;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;

/**
 * A shop whose catalogue is there before it gets vectors. Some of its articles are then withdrawn and others changed,
 * in several commits, so that its segments hold documents that are deleted softly. It remembers what it has, so that
 * what a search finds can be compared with what there is.
 */
final class Shop implements Closeable {
  private static final int ARTICLES = 160;

  final Directory directory = new ByteBuffersDirectory();
  final Catalogue catalogue;
  final Shape shape;
  final EmbeddingEngine engine;
  final VectorFields vectors;

  /** What is for sale, by number. */
  final Map<String, Article> articles = new TreeMap<>();

  private final Map<String, List<Embedding>> embeddings = new TreeMap<>();

  Shop(Shape shape, EmbeddingEngine engine, long seed) throws IOException {
    this.shape = shape;
    this.engine = engine;
    this.vectors = VectorFields.builder(engine).build();
    this.catalogue = new Catalogue(directory);
    Random random = new Random(seed);
    for (Article article : Article.shelf(ARTICLES, random)) {
      catalogue.writer().addDocument(Catalogue.document(article));
      articles.put(article.sku(), article);
    }
    catalogue.writer().commit();
    for (Article article : List.copyOf(articles.values())) {
      put(article);
    }
    catalogue.writer().commit();
    for (Article article : List.copyOf(articles.values())) {
      switch (random.nextInt(5)) {
        case 0 -> withdraw(article);
        case 1 -> put(article.changed(random));
        default -> {}
      }
    }
    catalogue.writer().commit();
  }

  /** Writes an article with its vectors; an earlier one of its number is deleted softly. */
  void put(Article article) throws IOException {
    List<Embedding> made = engine.embedAll(shape.texts(article), EmbedOptions.passage());
    catalogue
        .writer()
        .softUpdateDocuments(
            new Term(Catalogue.ID, article.sku()), shape.block(article, made, vectors), Catalogue.withdrawn());
    articles.put(article.sku(), article);
    embeddings.put(article.sku(), made);
  }

  void withdraw(Article article) throws IOException {
    catalogue.withdraw(article);
    articles.remove(article.sku());
    embeddings.remove(article.sku());
  }

  /** A hybrid searcher of what the shop gives, but for its place. */
  HybridSearcher open(SearcherBuilder builder) {
    return shape
        .describe(builder)
        .vectors(vectors)
        .words(Catalogue.WORDS, Catalogue.ANALYZER)
        .idField(Catalogue.ID)
        .text(Catalogue.WORDS)
        .engine(engine)
        .open();
  }

  Embedding query(String text) {
    return engine.embed(text, EmbedOptions.query()).join();
  }

  /** The dot product of each article with a query, that of its best paragraph where it has several. */
  Map<String, Float> dotProducts(String text, Predicate<Article> accepted) {
    float[] query = query(text).dense();
    return articles.values().stream()
        .filter(accepted)
        .collect(Collectors.toMap(Article::sku, article -> best(query, embeddings.get(article.sku()))));
  }

  private static float best(float[] query, List<Embedding> embeddings) {
    double best = Double.NEGATIVE_INFINITY;
    for (Embedding embedding : embeddings) {
      float[] vector = embedding.dense();
      double sum = 0;
      for (int d = 0; d < query.length; d++) {
        sum += (double) query[d] * vector[d];
      }
      best = Math.max(best, sum);
    }
    return (float) best;
  }

  @Override
  public void close() throws IOException {
    catalogue.close();
    directory.close();
  }
}
