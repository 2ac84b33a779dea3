package io.luciole.examples;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.RankedDocsQuery;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.VectorFields;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field.Store;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.facet.FacetsCollectorManager;
import org.apache.lucene.facet.StringDocValuesReaderState;
import org.apache.lucene.facet.StringValueFacetCounts;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;

/** Adds vectors to an index that plain Lucene code has written, and searches it by them, too. */
public final class YourOwnIndex {
  private static final Analyzer ANALYZER = new StandardAnalyzer();
  private static final Sort BY_PRICE =
      new Sort(new SortedNumericSortField("price", SortField.Type.LONG));

  private YourOwnIndex() {}

  /** A book of the shop. */
  private record Book(String isbn, String text, String genre, long price) {
    /** The shop's own document: its fields, its names. */
    Document toDocument() {
      Document document = new Document();
      document.add(new KeywordField("isbn", isbn, Store.YES));
      document.add(new TextField("blurb", text, Store.YES));
      document.add(new KeywordField("genre", genre, Store.NO));
      document.add(new LongField("price", price, Store.YES));
      return document;
    }
  }

  /**
   * Writes the shop's index, adds vectors to it, and searches it.
   *
   * @param args the folder of the index, the number of books; both optional
   * @throws IOException if the index cannot be written or read
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args.length > 0 ? args[0] : "target/example-shop");
    List<Book> books = books(args.length > 1 ? Integer.parseInt(args[1]) : 10_000);
    // What the shop has: its index, sorted by price, whose writer and searchers are its own.
    IndexWriterConfig config = new IndexWriterConfig(ANALYZER).setIndexSort(BY_PRICE);
    config.setOpenMode(IndexWriterConfig.OpenMode.CREATE);
    try (Directory directory = FSDirectory.open(folder);
        IndexWriter writer = new IndexWriter(directory, config)) {
      for (Book book : books) {
        writer.addDocument(book.toDocument());
      }
      writer.commit();
      try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open();
          SearcherManager manager = new SearcherManager(writer, null)) {
        long start = System.nanoTime();
        addVectors(writer, books, engine);
        System.out.printf(
            "%d books have vectors, after %.1f s%n",
            books.size(), (System.nanoTime() - start) / 1e9);
        search(manager, engine, "a story of insects that give light");
      }
    }
  }

  /** Prints the cheapest book of a query, whatever the query is, and how many of each genre. */
  private static int print(IndexSearcher searcher, Query query) throws IOException {
    var sorted =
        FacetsCollectorManager.search(searcher, query, 1, BY_PRICE, new FacetsCollectorManager());
    int cheapest = sorted.topDocs().scoreDocs[0].doc;
    System.out.println("cheapest: " + searcher.storedFields().document(cheapest).get("isbn"));
    var state = new StringDocValuesReaderState(searcher.getIndexReader(), "genre");
    var genres = new StringValueFacetCounts(state, sorted.facetsCollector());
    System.out.print(genres.getTopChildren(3, "genre"));
    return searcher.count(query);
  }

  // What it adds for hybrid search: from here on.

  private static void addVectors(IndexWriter writer, List<Book> books, EmbeddingEngine engine)
      throws IOException {
    VectorFields vectors = VectorFields.builder(engine).build();
    Iterator<Embedding> embeddings =
        engine.embedAll(books.stream().map(Book::text).iterator(), EmbedOptions.passage());
    for (Book book : books) {
      Document document = book.toDocument();
      vectors.addTo(document, embeddings.next());
      writer.updateDocument(new Term("isbn", book.isbn()), document);
    }
    writer.commit();
  }

  private static void search(SearcherManager manager, EmbeddingEngine engine, String text)
      throws IOException {
    manager.maybeRefreshBlocking();
    try (HybridSearcher hybrid =
        HybridSearcher.over(manager)
            .vectors(VectorFields.builder(engine).build())
            .words("blurb", ANALYZER)
            .idField("isbn")
            .text("blurb")
            .engine(engine)
            .open()) {
      Query cheap = LongField.newRangeQuery("price", 0, 2_000);
      SearchResult result = hybrid.search(HybridQuery.of(text).top(3).filter(cheap));
      for (Hit hit : result.hits()) {
        System.out.printf("%d. %s  %.4f  %s%n", hit.rank(), hit.id(), hit.score(), hit.text());
      }
      int found =
          hybrid.withSearcher(
              result,
              searcher ->
                  print(searcher, new RankedDocsQuery(searcher.getIndexReader(), result.docs())));
      System.out.println(found + " of all were found");
    }
  }

  // The shop's books, made up.

  private static List<Book> books(int count) {
    Random random = new Random(20_261_129);
    return IntStream.range(0, count).mapToObj(number -> book(number, random)).toList();
  }

  private static Book book(int number, Random random) {
    String[] who = {"A detective", "A botanist", "Two sisters", "A ship's cook", "An old king"};
    String[] does = {"looks for", "writes about", "dreams of", "is afraid of", "collects"};
    String[] what = {
      "glowing beetles",
      "a lost library",
      "the deep sea",
      "train timetables",
      "bread",
      "a silver mine",
      "wild horses",
      "the northern lights"
    };
    String[] where = {"in Lisbon", "on an island", "during a long winter", "in the year 1912"};
    String[] genres = {"crime", "science", "adventure"};
    String text =
        String.join(
            " ", pick(who, random), pick(does, random), pick(what, random), pick(where, random));
    long price = random.nextLong(500, 4_500);
    return new Book("978-" + number, text + ".", pick(genres, random), price);
  }

  private static String pick(String[] of, Random random) {
    return of[random.nextInt(of.length)];
  }
}
