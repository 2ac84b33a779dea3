package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.ExitableDirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.MultiReader;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.SoftDeletesDirectoryReaderWrapper;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.BulkScorer;
import org.apache.lucene.search.CachingCollector;
import org.apache.lucene.search.CollectorManager;
import org.apache.lucene.search.ConstantScoreQuery;
import org.apache.lucene.search.DisjunctionMaxQuery;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.MultiCollectorManager;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryRescorer;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopFieldCollectorManager;
import org.apache.lucene.search.TopScoreDocCollector;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.search.TotalHitCountCollectorManager;
import org.apache.lucene.search.Weight;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The best documents by sparse weights, in indexes, searchers, collectors and queries of many
 * kinds, against a plain computation over all.
 */
@Tag("lucene-10.4")
class BlockMaxShapesTest {
  private final long seed = new Random().nextLong();
  private Random random = new Random(seed);
  private final Map<Long, SparseVector> vectors = new HashMap<>();
  private boolean passages;
  private int count;
  private String what = "";

  private static VectorFields fields(SparseForm form) {
    return VectorFields.builder(4, true).dense(false).sparseForm(form).exactSparse(false).build();
  }

  private VectorQueries queries() {
    VectorFields fields = fields(SparseForm.BLOCKS);
    return passages
        ? new VectorQueries(fields, new TermQuery(new Term("whole", "yes")))
        : fields.queries();
  }

  private int tokens = 300;
  private int steps = 64;

  private SparseVector vector(int length) {
    TreeMap<Integer, Float> tokens = new TreeMap<>();
    for (int i = 0; i < length; i++) {
      int id = (int) Math.exp(random.nextDouble() * Math.log(this.tokens));
      float weight = (1 + random.nextInt(12)) / (float) steps;
      if (random.nextInt(200) == 0) {
        weight *= 1 << random.nextInt(12);
      }
      tokens.put(id, weight);
    }
    int[] ids = tokens.keySet().stream().mapToInt(i -> i).toArray();
    float[] weights = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      weights[i] = requireNonNull(tokens.get(ids[i]));
    }
    return SparseVector.of(ids, weights);
  }

  private Document document(long number, @Nullable SparseVector vector) {
    Document document = new Document();
    document.add(new NumericDocValuesField("number", number));
    int order = random.nextInt(50);
    document.add(NumericDocValuesField.indexedField("order", order));
    document.add(new LongPoint("point", order));
    document.add(new StringField("id", "d" + number / 10, Field.Store.NO));
    document.add(new StringField("even", Integer.toString(random.nextInt(7)), Field.Store.NO));
    if (random.nextInt(5) == 0) {
      document.add(new NumericDocValuesField("some", 1));
    }
    if (vector != null) {
      new ImpactPostings(256).add(document, "sparse", vector);
      vectors.put(number, vector);
    } else {
      vectors.remove(number);
    }
    return document;
  }

  private List<Document> block(int d) {
    List<Document> block = new ArrayList<>();
    if (passages) {
      for (int p = random.nextInt(5); p > 0; p--) {
        block.add(document(d * 10L + p, vector(1 + random.nextInt(20))));
      }
      Document whole = document(d * 10L, null);
      whole.add(new StringField("whole", "yes", Field.Store.NO));
      block.add(whole);
    } else {
      block.add(document(d * 10L, random.nextInt(40) == 0 ? null : vector(random.nextInt(25))));
    }
    return block;
  }

  private Directory index(boolean sorted, boolean soft) throws IOException {
    Directory directory = new ByteBuffersDirectory();
    IndexWriterConfig config =
        BlockPostingsTest.config(true).setUseCompoundFile(random.nextBoolean());
    if (random.nextBoolean()) {
      config.setMergePolicy(NoMergePolicy.INSTANCE);
    }
    if (sorted) {
      config.setIndexSort(new Sort(new SortField("order", SortField.Type.LONG)));
      if (passages) {
        config.setParentField("parent");
      }
    }
    if (soft) {
      config.setSoftDeletesField("soft");
    }
    int commits = 1 + random.nextInt(12);
    try (IndexWriter writer = new IndexWriter(directory, config)) {
      for (int d = 0; d < count; d++) {
        writer.addDocuments(block(d));
        if (random.nextInt(Math.max(1, count / commits)) == 0) {
          writer.commit();
        }
      }
      for (int d = 0; d < count / 10; d++) {
        int changed = random.nextInt(count);
        Term id = new Term("id", "d" + changed);
        switch (random.nextInt(soft ? 3 : 2)) {
          case 0 -> writer.deleteDocuments(id);
          case 1 -> writer.updateDocuments(id, block(changed));
          default ->
              writer.softUpdateDocuments(id, block(changed), new NumericDocValuesField("soft", 1));
        }
        if (random.nextInt(30) == 0) {
          writer.commit();
        }
      }
      if (random.nextInt(3) == 0) {
        writer.forceMerge(1 + random.nextInt(2));
      }
    }
    return directory;
  }

  private static DirectoryReader open(Directory directory, boolean soft) throws IOException {
    DirectoryReader reader = DirectoryReader.open(directory);
    return soft ? new SoftDeletesDirectoryReaderWrapper(reader, "soft") : reader;
  }

  private @Nullable Query filter() {
    int from = random.nextInt(50);
    return switch (random.nextInt(14)) {
      case 0 -> new TermQuery(new Term("even", "3"));
      case 1 -> LongPoint.newRangeQuery("point", from, from + 5);
      case 2 -> NumericDocValuesField.newSlowRangeQuery("order", from, from + 10);
      case 3 -> DocumentReader.all();
      case 4 -> new MatchNoDocsQuery("none");
      case 5 ->
          new TermInSetQuery("id", List.of(new BytesRef("d1"), new BytesRef("d" + count / 2)));
      case 6 -> new FieldExistsQuery("some");
      case 7 ->
          new BooleanQuery.Builder()
              .add(DocumentReader.all(), Occur.FILTER)
              .add(new TermQuery(new Term("even", "2")), Occur.MUST_NOT)
              .build();
      case 8 ->
          new BooleanQuery.Builder()
              .add(new TermQuery(new Term("even", "2")), Occur.SHOULD)
              .add(LongPoint.newRangeQuery("point", from, from + 2), Occur.SHOULD)
              .build();
      case 9 -> new TermQuery(new Term("none", "such"));
      case 10 ->
          new ConstantScoreQuery(
              new BooleanQuery.Builder()
                  .add(NumericDocValuesField.newSlowRangeQuery("order", 3, 40), Occur.MUST)
                  .add(new FieldExistsQuery("some"), Occur.MUST)
                  .build());
      case 11 -> new ConstantScoreQuery(queries().sparse(vector(2), 2, null));
      default -> null;
    };
  }

  private IndexSearcher searcher(IndexReader reader, ExecutorService threads) {
    return switch (random.nextInt(4)) {
      case 0 -> new IndexSearcher(reader);
      case 1 -> new IndexSearcher(reader, threads);
      case 2 ->
          new IndexSearcher(reader, threads) {
            @Override
            protected LeafSlice[] slices(List<LeafReaderContext> leaves) {
              return slices(leaves, 1, 1, false);
            }
          };
      default ->
          new IndexSearcher(reader, threads) {
            @Override
            protected LeafSlice[] slices(List<LeafReaderContext> leaves) {
              return slices(leaves, 40, 3, true);
            }
          };
    };
  }

  private static List<String> hits(List<ScoreDoc> hits) {
    return hits.stream().map(hit -> hit.doc + " " + hit.score).toList();
  }

  private static List<String> hits(TopDocs found) {
    return hits(List.of(found.scoreDocs));
  }

  private static TopDocs top(IndexSearcher searcher, Query query, int n) throws IOException {
    return searcher.search(query, new TopScoreDocCollectorManager(n, null, n));
  }

  private void check(String how, List<String> found, List<String> expected) {
    assertThat(found).as("%s, %s", what, how).isEqualTo(expected);
  }

  private void query(IndexReader reader, IndexSearcher searcher, SparseBruteForce plain)
      throws IOException {
    SparseVector vector = vector(1 + random.nextInt(12));
    int n = List.of(1, 2, 5, 10, 37, 200, 5000).get(random.nextInt(7));
    int k = n + (random.nextBoolean() ? 0 : random.nextInt(20));
    Query filter = filter();
    what = what + ", best " + k + ", first " + n + ", " + filter + ", " + vector;
    VectorQueries queries = queries();
    Query best = queries.sparse(vector, k, filter);
    Query all = queries.sparse(vector, filter);
    List<ScoreDoc> brute = plain.best(vector, n, filter);
    List<String> expected = hits(brute);
    check("top", hits(top(searcher, best, n)), expected);
    check("all", hits(top(searcher, all, n)), expected);
    check("default", hits(searcher.search(best, n)), expected);
    check("alone", hits(top(searcher, queries.best(vector, k, filter, true), n)), expected);
    check("topSparse", hits(queries.topSparse(searcher, vector, n, filter)), expected);
    for (int threshold : new int[] {0, 1, n, 3 * n, Integer.MAX_VALUE}) {
      check(
          "threshold " + threshold,
          hits(searcher.search(best, new TopScoreDocCollectorManager(n, null, threshold))),
          expected);
    }
    int matching = searcher.count(all);
    assertThat(searcher.count(best)).as(what).isEqualTo(matching);
    assertThat(
            searcher
                .search(best, new TopScoreDocCollectorManager(n, null, Integer.MAX_VALUE))
                .totalHits
                .value())
        .as(what)
        .isEqualTo(matching);
    pages(searcher, best, n, expected);
    collectors(searcher, best, all, n, expected, matching);
    clauses(searcher, best, all, n);
    oneWeight(searcher, best, all, n);
    IndexSearcher timed = searcher(reader, THREADS);
    timed.setTimeout(() -> false);
    check("timed", hits(top(timed, best, n)), expected);
    check("timed alone", hits(top(timed, queries.best(vector, k, filter, true), n)), expected);
    check("timed topSparse", hits(queries.topSparse(timed, vector, n, filter)), expected);
    for (ScoreDoc hit : brute.subList(0, Math.min(2, brute.size()))) {
      assertThat(searcher.explain(best, hit.doc).getValue().floatValue())
          .as(what)
          .isEqualTo(hit.score);
    }
  }

  private void pages(IndexSearcher searcher, Query best, int n, List<String> expected)
      throws IOException {
    int size = Math.max(1, n / 3);
    List<String> paged = new ArrayList<>();
    ScoreDoc after = null;
    while (paged.size() < n) {
      TopDocs page = searcher.searchAfter(after, best, Math.min(size, n - paged.size()));
      if (page.scoreDocs.length == 0) {
        break;
      }
      paged.addAll(hits(page));
      after = page.scoreDocs[page.scoreDocs.length - 1];
    }
    check("pages", paged, expected);
  }

  private void collectors(
      IndexSearcher searcher, Query best, Query all, int n, List<String> expected, int matching)
      throws IOException {
    Object[] both =
        searcher.search(
            best,
            new MultiCollectorManager(
                new TopScoreDocCollectorManager(n, null, n),
                new TotalHitCountCollectorManager(searcher.getSlices())));
    check("multi", hits((TopDocs) both[0]), expected);
    assertThat(both[1]).as(what).isEqualTo(matching);
    Object[] two =
        searcher.search(
            best,
            new MultiCollectorManager(
                new TopScoreDocCollectorManager(n, null, n),
                new TopScoreDocCollectorManager(2 * n + 100, null, n)));
    check("two, first", hits((TopDocs) two[0]), expected);
    check("two, second", hits((TopDocs) two[1]), hits(top(searcher, all, 2 * n + 100)));
    Sort byScoreAndField =
        new Sort(SortField.FIELD_SCORE, new SortField("order", SortField.Type.LONG, true));
    Sort byField = new Sort(new SortField("order", SortField.Type.LONG));
    for (Sort sort : List.of(Sort.RELEVANCE, Sort.INDEXORDER, byScoreAndField, byField)) {
      for (int threshold : new int[] {1, Integer.MAX_VALUE}) {
        check(
            "sort " + sort,
            docs(searcher.search(best, new TopFieldCollectorManager(sort, n, null, threshold))),
            docs(searcher.search(all, new TopFieldCollectorManager(sort, n, null, threshold))));
      }
    }
    cached(new IndexSearcher(searcher.getIndexReader()), best, n, expected);
  }

  private void cached(IndexSearcher searcher, Query best, int n, List<String> expected)
      throws IOException {
    TopScoreDocCollector first = new TopScoreDocCollectorManager(n, null, n).newCollector();
    CachingCollector cache = CachingCollector.create(first, true, 64.0);
    CachingCollector filled =
        searcher.search(
            best,
            new CollectorManager<CachingCollector, CachingCollector>() {
              @Override
              public CachingCollector newCollector() {
                return cache;
              }

              @Override
              public CachingCollector reduce(Collection<CachingCollector> collectors) {
                return collectors.iterator().next();
              }
            });
    check("cached, first", hits(first.topDocs()), expected);
    TopScoreDocCollector second = new TopScoreDocCollectorManager(n, null, n).newCollector();
    filled.replay(second);
    check("cached, second", hits(second.topDocs()), expected);
  }

  /** One weight serves several collectors, as where a program goes over the segments itself. */
  private void oneWeight(IndexSearcher searcher, Query best, Query all, int n) throws IOException {
    Weight weight = searcher.createWeight(searcher.rewrite(best), ScoreMode.TOP_SCORES, 1);
    for (int m : new int[] {1, n, Math.max(1, n / 2), n}) {
      TopScoreDocCollector collector = new TopScoreDocCollectorManager(m, null, 1).newCollector();
      for (LeafReaderContext leaf : searcher.getIndexReader().leaves()) {
        BulkScorer scorer = weight.bulkScorer(leaf);
        if (scorer != null) {
          long unused =
              scorer.score(
                  collector.getLeafCollector(leaf),
                  leaf.reader().getLiveDocs(),
                  0,
                  DocIdSetIterator.NO_MORE_DOCS);
        }
      }
      check("one weight, " + m, hits(collector.topDocs()), hits(top(searcher, all, m)));
    }
  }

  private static List<String> docs(TopDocs found) {
    return Arrays.stream(found.scoreDocs).map(hit -> Integer.toString(hit.doc)).toList();
  }

  /** Queries that have two others as clauses. */
  private static List<Query> with(Query it, Query that, Query other) {
    List<Query> queries = new ArrayList<>();
    for (Occur occur : Occur.values()) {
      queries.add(bool(it, Occur.MUST, other, occur));
      queries.add(bool(it, Occur.SHOULD, other, occur));
      Query boosted = new BoostQuery(bool(it, Occur.MUST, other, occur), 2);
      queries.add(bool(boosted, Occur.SHOULD, null, occur));
    }
    queries.add(bool(it, Occur.MUST, that, Occur.SHOULD));
    queries.add(bool(it, Occur.SHOULD, that, Occur.SHOULD));
    queries.add(bool(it, Occur.FILTER, that, Occur.MUST));
    queries.add(bool(other, Occur.MUST, it, Occur.MUST_NOT));
    queries.add(bool(it, Occur.SHOULD, new MatchNoDocsQuery("none"), Occur.MUST_NOT));
    queries.add(new DisjunctionMaxQuery(List.of(it, that), 0));
    queries.add(new DisjunctionMaxQuery(List.of(it, that), 0.3f));
    queries.add(new BoostQuery(it, 2.5f));
    queries.add(new ConstantScoreQuery(it));
    queries.add(new BoostQuery(new ConstantScoreQuery(it), 3));
    queries.add(
        new BooleanQuery.Builder()
            .add(it, Occur.SHOULD)
            .add(that, Occur.SHOULD)
            .add(other, Occur.SHOULD)
            .setMinimumNumberShouldMatch(2)
            .build());
    return queries;
  }

  private void clauses(IndexSearcher searcher, Query best, Query all, int n) throws IOException {
    Query other = new TermQuery(new Term("even", Integer.toString(random.nextInt(7))));
    SparseVector second = vector(3);
    List<Query> ours = with(best, queries().sparse(second, n, null), other);
    List<Query> theirs = with(all, queries().sparse(second, null), other);
    for (int i = 0; i < ours.size(); i++) {
      check(
          "clause " + ours.get(i),
          hits(top(searcher, ours.get(i), n)),
          hits(top(searcher, theirs.get(i), n)));
      check(
          "default clause " + ours.get(i),
          hits(searcher.search(ours.get(i), n)),
          hits(searcher.search(theirs.get(i), n)));
    }
    // A rescorer overwrites the scores that it is given.
    check(
        "rescored",
        hits(QueryRescorer.rescore(searcher, top(searcher, best, n), ours.get(0), 2, n)),
        hits(QueryRescorer.rescore(searcher, top(searcher, all, n), theirs.get(0), 2, n)));
    check(
        "rescored by it",
        hits(QueryRescorer.rescore(searcher, top(searcher, all, n), best, 2, n)),
        hits(QueryRescorer.rescore(searcher, top(searcher, all, n), all, 2, n)));
  }

  private static Query bool(Query a, Occur how, @Nullable Query b, Occur other) {
    BooleanQuery.Builder builder = new BooleanQuery.Builder().add(a, how);
    if (b != null) {
      builder.add(b, other);
    }
    return builder.build();
  }

  private static final ExecutorService THREADS =
      Executors.newFixedThreadPool(
          3,
          r -> {
            Thread thread = new Thread(r);
            thread.setDaemon(true);
            return thread;
          });

  @Test
  void anyShape_findsWhatBruteForceFinds() throws IOException {
    rounds(6);
  }

  @Tag("long")
  @Test
  void anyShape_findsWhatBruteForceFinds_inManyIndexes() throws IOException {
    rounds(300);
  }

  private void rounds(int rounds) throws IOException {
    for (int round = 0; round < rounds; round++) {
      long roundSeed = seed + round;
      random = new Random(roundSeed);
      vectors.clear();
      passages = random.nextInt(3) == 0;
      tokens = List.of(3, 40, 300, 3000).get(random.nextInt(4));
      steps = List.of(4, 64, 256).get(random.nextInt(3));
      count = List.of(1, 2, 31, 33, 300, 1023, 1025, 3000).get(random.nextInt(8));
      boolean sorted = random.nextInt(3) == 0;
      boolean soft = random.nextInt(3) == 0;
      String shape =
          "seed "
              + roundSeed
              + ", "
              + count
              + (passages ? " of passages" : "")
              + (sorted ? ", sorted" : "")
              + (soft ? ", soft deletes" : "");
      what = shape;
      try (Directory directory = index(sorted, soft);
          DirectoryReader reader = open(directory, soft)) {
        SparseBruteForce plain = new SparseBruteForce(new IndexSearcher(reader), vectors, passages);
        IndexReader seen =
            switch (random.nextInt(4)) {
              case 0 -> new MultiReader(new IndexReader[] {reader}, false);
              case 1 -> new ExitableDirectoryReader(reader, () -> false);
              default -> reader;
            };
        for (int q = 0; q < 6; q++) {
          what = shape + ", query " + q;
          query(seen, searcher(seen, THREADS), plain);
        }
      }
    }
  }
}
