package outside;

import java.io.Closeable;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.custom.CustomAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field.Store;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.facet.FacetResult;
import org.apache.lucene.facet.FacetsCollector;
import org.apache.lucene.facet.FacetsCollectorManager;
import org.apache.lucene.facet.FacetsConfig;
import org.apache.lucene.facet.LabelAndValue;
import org.apache.lucene.facet.sortedset.DefaultSortedSetDocValuesReaderState;
import org.apache.lucene.facet.sortedset.SortedSetDocValuesFacetCounts;
import org.apache.lucene.facet.sortedset.SortedSetDocValuesFacetField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.SoftDeletesRetentionMergePolicy;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.store.Directory;

/**
 * The index of a shop, as it was before it had vectors: Lucene alone, with an analyzer, ids, an index sort, soft
 * deletes, blocks and facets of its own.
 */
final class Catalogue implements Closeable {
  static final String ID = "sku";
  static final String WORDS = "description";
  static final String PRICE = "price";
  static final String GENRE = "genre";
  static final String WITHDRAWN = "withdrawn";

  /** Lucene sets this field in the last document of each block, which is the article. */
  static final String BLOCK = "block";

  static final Query ARTICLES = new FieldExistsQuery(BLOCK);
  static final Sort BY_PRICE = new Sort(new SortedNumericSortField(PRICE, SortField.Type.LONG));
  static final Analyzer ANALYZER = analyzer();
  static final FacetsConfig FACETS = new FacetsConfig();

  private final IndexWriter writer;

  Catalogue(Directory directory) throws IOException {
    writer = new IndexWriter(directory, settings(new IndexWriterConfig(ANALYZER)));
  }

  /** What the shop asks of any writer of its index. What was withdrawn is kept for its books. */
  static IndexWriterConfig settings(IndexWriterConfig config) {
    return config
        .setIndexSort(BY_PRICE)
        .setParentField(BLOCK)
        .setSoftDeletesField(WITHDRAWN)
        .setMergePolicy(
            new SoftDeletesRetentionMergePolicy(WITHDRAWN, () -> MatchAllDocsQuery.INSTANCE, new TieredMergePolicy()));
  }

  private static Analyzer analyzer() {
    try {
      return CustomAnalyzer.builder()
          .withTokenizer("standard")
          .addTokenFilter("lowercase")
          .addTokenFilter("asciiFolding")
          .addTokenFilter("porterStem")
          .build();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  IndexWriter writer() {
    return writer;
  }

  /** The shop's fields of an article, facets included. */
  static Document document(Article article) throws IOException {
    Document document = new Document();
    document.add(new KeywordField(ID, article.sku(), Store.YES));
    document.add(new TextField(WORDS, article.text(), Store.YES));
    addPriceAndGenre(document, article.genre(), article.price());
    return document;
  }

  /** What articles are sorted and counted by. */
  static void addPriceAndGenre(Document document, String genre, long price) throws IOException {
    document.add(new LongField(PRICE, price, Store.YES));
    Document facets = new Document();
    facets.add(new SortedSetDocValuesFacetField(GENRE, genre));
    FACETS.build(facets).forEach(document::add);
  }

  static NumericDocValuesField withdrawn() {
    return new NumericDocValuesField(WITHDRAWN, 1);
  }

  void withdraw(Article article) throws IOException {
    writer.updateDocValues(new Term(ID, article.sku()), withdrawn());
  }

  /** How many of the found articles each genre has. */
  static Map<String, Integer> genres(IndexSearcher searcher, Query found) throws IOException {
    FacetsCollector collected = searcher.search(found, new FacetsCollectorManager());
    var state = new DefaultSortedSetDocValuesReaderState(searcher.getIndexReader(), FACETS);
    FacetResult counts = new SortedSetDocValuesFacetCounts(state, collected).getAllChildren(GENRE);
    Map<String, Integer> genres = new TreeMap<>();
    for (LabelAndValue genre : counts.labelValues) {
      genres.merge(genre.label, genre.value.intValue(), Integer::sum);
    }
    return genres;
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
