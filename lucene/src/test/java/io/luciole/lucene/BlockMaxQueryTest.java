package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.search.join.QueryBitSetProducer;
import org.apache.lucene.search.join.ScoreMode;
import org.apache.lucene.search.join.ToParentBlockJoinQuery;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The best documents by sparse weights, by blocks, against a plain computation over all. */
@Tag("lucene-10.4")
class BlockMaxQueryTest {
  private static final int[] SHARES = {1, 10, 30, 100, 500};

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);

  /** The weights of documents, by the number that they have in the index. */
  private final Map<Long, SparseVector> vectors = new HashMap<>();

  /** Weights of real texts, which are then used in their order; none for random ones. */
  private List<SparseVector> realDocuments = List.of();

  private List<SparseVector> realQueries = List.of();

  /** How an index came about. */
  private enum Shape {
    ONE_SEGMENT,
    SEGMENTS,
    SORTED,
    PASSAGES
  }

  private SparseVector vector(int topic, int length) {
    TreeMap<Integer, Float> tokens = new TreeMap<>();
    for (int i = 0; i < length; i++) {
      int rank = (int) Math.exp(random.nextDouble() * Math.log(3000));
      int id = random.nextInt(3) == 0 ? 3000 + (topic * 31 + rank % 40) % 2000 : rank;
      // Steps of 1/64 make many documents tie.
      tokens.put(id, (1 + random.nextInt(3 + Math.min(17, rank))) / 64f);
    }
    return vector(tokens);
  }

  private static SparseVector vector(SortedMap<Integer, Float> tokens) {
    int[] ids = tokens.keySet().stream().mapToInt(i -> i).toArray();
    float[] weights = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      weights[i] = requireNonNull(tokens.get(ids[i]));
    }
    return SparseVector.of(ids, weights);
  }

  private static VectorFields fields() {
    return VectorFields.builder(4, true)
        .dense(false)
        .sparseForm(SparseForm.BLOCKS)
        .exactSparse(false)
        .build();
  }

  private static Query whole() {
    return new TermQuery(new Term("whole", "yes"));
  }

  private static VectorQueries queries(Shape shape) {
    return shape == Shape.PASSAGES ? new VectorQueries(fields(), whole()) : fields().queries();
  }

  private Document document(long number, @Nullable SparseVector vector, int share) {
    Document document = new Document();
    document.add(new NumericDocValuesField("number", number));
    document.add(new NumericDocValuesField("order", random.nextInt(1000)));
    document.add(new StringField("id", "d" + number / 10, Field.Store.NO));
    if (vector != null) {
      new ImpactPostings(256).add(document, "sparse", vector);
      vectors.put(number, vector);
    }
    for (int s : SHARES) {
      if (share < s) {
        document.add(new StringField("share", Integer.toString(s), Field.Store.NO));
      }
    }
    return document;
  }

  private Directory index(Shape shape, int count) throws IOException {
    Directory directory = new ByteBuffersDirectory();
    IndexWriterConfig config = BlockPostingsTest.config(true);
    if (shape != Shape.ONE_SEGMENT) {
      config.setMergePolicy(NoMergePolicy.INSTANCE);
    }
    if (shape == Shape.SORTED) {
      config.setIndexSort(new Sort(new SortField("order", SortField.Type.LONG)));
    }
    try (IndexWriter writer = new IndexWriter(directory, config)) {
      for (int d = 0; d < count; d++) {
        add(writer, shape, d);
        if (random.nextInt(Math.max(1, count / 4)) == 0) {
          writer.commit();
        }
      }
      for (int d = 0; d < count / 20; d++) {
        int changed = random.nextInt(count);
        writer.deleteDocuments(new Term("id", "d" + changed));
        if (random.nextBoolean()) {
          add(writer, shape, changed);
        }
      }
      if (shape == Shape.ONE_SEGMENT) {
        writer.forceMerge(1);
        writer.deleteDocuments(new Term("id", "d" + random.nextInt(count)));
      }
    }
    BlockPostingsTest.check(directory);
    return directory;
  }

  private SparseVector passage(int d, int p, int longest) {
    return realDocuments.isEmpty()
        ? vector(d / 50, 5 + random.nextInt(longest))
        : realDocuments.get((d + 1000 * p) % realDocuments.size());
  }

  private SparseVector query(int q, int documents) {
    return realQueries.isEmpty()
        ? vector(random.nextInt(documents / 50 + 1), 1 + random.nextInt(25))
        : realQueries.get(q % realQueries.size());
  }

  private void add(IndexWriter writer, Shape shape, int d) throws IOException {
    int share = random.nextInt(1000);
    if (shape != Shape.PASSAGES) {
      writer.addDocument(document(d * 10L, passage(d, 0, 60), share));
      return;
    }
    List<Document> block = new ArrayList<>();
    for (int p = random.nextInt(6); p > 0; p--) {
      block.add(document(d * 10L + p, passage(d, p, 30), 1000));
    }
    Document whole = document(d * 10L, null, share);
    whole.add(new StringField("whole", "yes", Field.Store.NO));
    block.add(whole);
    writer.addDocuments(block);
  }

  private static List<String> hits(List<ScoreDoc> hits) {
    return hits.stream().map(hit -> hit.doc + " " + hit.score).toList();
  }

  private static List<String> hits(TopDocs found) {
    return hits(List.of(found.scoreDocs));
  }

  private static TopDocs search(IndexSearcher searcher, Query query, int k) throws IOException {
    return searcher.search(query, new TopScoreDocCollectorManager(k, null, k));
  }

  private void equalsBruteForce(Shape shape, int documents, int count) throws IOException {
    vectors.clear();
    try (ExecutorService threads = Executors.newFixedThreadPool(3);
        Directory directory = index(shape, documents);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      SparseBruteForce plain =
          new SparseBruteForce(new IndexSearcher(reader), vectors, shape == Shape.PASSAGES);
      VectorQueries queries = queries(shape);
      for (int q = 0; q < count; q++) {
        IndexSearcher searcher =
            q % 2 == 0
                ? new IndexSearcher(reader)
                : new IndexSearcher(reader, threads) {
                  @Override
                  protected LeafSlice[] slices(List<LeafReaderContext> leaves) {
                    return slices(leaves, 1, 1, false);
                  }
                };
        SparseVector query = query(q, documents);
        int k = List.of(1, 10, 100, 1000).get(random.nextInt(4));
        int share = SHARES[random.nextInt(SHARES.length)];
        Query filter =
            q % 3 == 0 ? null : new TermQuery(new Term("share", Integer.toString(share)));
        TopDocs found = search(searcher, queries.sparse(query, k, filter), k);
        String what =
            "seed " + seed + ", " + shape + ", query " + q + ", best " + k + ", " + filter;
        List<ScoreDoc> expected = plain.best(query, k, filter);
        assertThat(hits(found)).as(what).isEqualTo(hits(expected));
        TopDocs theirs = search(searcher, queries.sparse(query, filter), k);
        assertThat(hits(theirs)).as(what).isEqualTo(hits(expected));
      }
    }
  }

  @Test
  void best_equalBruteForce() throws IOException {
    for (Shape shape : Shape.values()) {
      equalsBruteForce(shape, 5000, 60);
    }
    // Enough superblocks for another order of them.
    equalsBruteForce(Shape.ONE_SEGMENT, 20_000, 60);
  }

  @Tag("long")
  @Test
  void best_ofMoreDocuments_equalBruteForceInAThousandQueries() throws IOException {
    for (Shape shape : Shape.values()) {
      equalsBruteForce(shape, 60_000, 250);
    }
  }

  /** With what {@code bench/corpus} makes, where {@code luciole.test.passages} has its folder. */
  @Tag("long")
  @Test
  void best_ofRealTexts_equalBruteForceInAThousandQueries() throws IOException {
    String folder = System.getProperty("luciole.test.passages");
    assumeThat(folder).as("luciole.test.passages").isNotNull();
    realDocuments = read(Path.of(folder, "passages.bin"), 60_000);
    realQueries = read(Path.of(folder, "queries.bin"), 250);
    for (Shape shape : Shape.values()) {
      equalsBruteForce(shape, realDocuments.size(), realQueries.size());
    }
  }

  private static List<SparseVector> read(Path file, int most) throws IOException {
    List<SparseVector> vectors = new ArrayList<>();
    try (FileChannel channel = FileChannel.open(file)) {
      long size = Math.min(Integer.MAX_VALUE, channel.size());
      ByteBuffer in = channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
      in.order(ByteOrder.LITTLE_ENDIAN);
      while (in.hasRemaining() && vectors.size() < most) {
        int length = in.getInt();
        int[] ids = new int[length];
        float[] weights = new float[length];
        in.asIntBuffer().get(ids);
        in.position(in.position() + Integer.BYTES * length);
        in.asFloatBuffer().get(weights);
        in.position(in.position() + Float.BYTES * length);
        vectors.add(SparseVector.of(ids, weights));
      }
    }
    return vectors;
  }

  @Test
  void otherUses_findAndCountEverything() throws IOException {
    try (Directory directory = index(Shape.SEGMENTS, 3000);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      SparseVector vector = vector(3, 20);
      Query best = fields().queries().sparse(vector, 3, null);
      Query all = fields().queries().sparse(vector, null);
      assertThat(searcher.count(best)).isEqualTo(searcher.count(all)).isGreaterThan(100);
      Sort sort = new Sort(new SortField("order", SortField.Type.LONG));
      assertThat(docs(searcher.search(best, 500, sort)))
          .isEqualTo(docs(searcher.search(all, 500, sort)));
      BooleanQuery.Builder both = new BooleanQuery.Builder().add(all, Occur.MUST);
      BooleanQuery.Builder ours = new BooleanQuery.Builder().add(best, Occur.MUST);
      for (BooleanQuery.Builder builder : List.of(both, ours)) {
        builder.add(new TermQuery(new Term("share", "100")), Occur.MUST_NOT);
      }
      // No more than its k: where nothing of a segment is excluded, it may be searched by itself.
      assertThat(docs(search(searcher, ours.build(), 3)))
          .isEqualTo(docs(search(searcher, both.build(), 3)));
      int first = search(searcher, best, 1).scoreDocs[0].doc;
      assertThat(searcher.explain(best, first).getValue())
          .isEqualTo(searcher.explain(all, first).getValue());
      IndexSearcher timed = new IndexSearcher(reader);
      timed.setTimeout(() -> false);
      assertThat(docs(search(timed, best, 3))).isEqualTo(docs(search(searcher, all, 3)));
    }
  }

  @Test
  void segmentOfFewerDocumentsThanAreWanted_leavesOutNothingOfOthers() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      IndexWriterConfig config = BlockPostingsTest.config(true);
      try (IndexWriter writer =
          new IndexWriter(directory, config.setMergePolicy(NoMergePolicy.INSTANCE))) {
        for (int d = 0; d < 33; d++) {
          float weight = (d < 3 ? 100 : d) / 256f;
          writer.addDocument(
              document(d, SparseVector.of(new int[] {7}, new float[] {weight}), 1000));
          if (d == 2) {
            writer.commit();
          }
        }
      }
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        assertThat(reader.leaves()).hasSize(2);
        SparseVector query = SparseVector.of(new int[] {7}, new float[] {1});
        Query best = fields().queries().sparse(query, 10, null);
        assertThat(docs(search(new IndexSearcher(reader), best, 10)))
            .containsExactly(0, 1, 2, 32, 31, 30, 29, 28, 27, 26);
      }
    }
  }

  /** The best 3 passages are those of one document, or are excluded. */
  @Test
  void joinsAndExclusions_findAsManyAsThereAre() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      try (IndexWriter writer = new IndexWriter(directory, BlockPostingsTest.config(true))) {
        for (int d = 0; d < 100; d++) {
          List<Document> block = new ArrayList<>();
          for (int p = 1; p < 6; p++) {
            SparseVector vector = SparseVector.of(new int[] {7}, new float[] {(d + 1) / 256f});
            block.add(document(d * 10L + p, vector, d < 95 ? 1000 : 0));
          }
          Document whole = document(d * 10L, null, 1000);
          whole.add(new StringField("whole", "yes", Field.Store.NO));
          block.add(whole);
          writer.addDocuments(block);
        }
        writer.forceMerge(1);
      }
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        IndexSearcher timed = new IndexSearcher(reader);
        timed.setTimeout(() -> false);
        VectorQueries queries = fields().queries();
        SparseVector vector = SparseVector.of(new int[] {7}, new float[] {1});
        List<Query> clauses =
            List.of(queries.sparse(vector, null), queries.sparse(vector, 3, null));
        List<List<Integer>> found = new ArrayList<>();
        for (Query clause : clauses) {
          for (IndexSearcher each : List.of(searcher, timed)) {
            found.add(docs(search(each, joined(clause), 3)));
            found.add(docs(search(each, without(clause, "1"), 3)));
          }
        }
        assertThat(found.subList(0, 2))
            .isEqualTo(List.of(List.of(599, 593, 587), List.of(564, 565, 566)));
        for (int i = 2; i < found.size(); i++) {
          assertThat(found.get(i)).as("%d", i).isEqualTo(found.get(i % 2));
        }
        // Only the search by blocks counts no more than it returns.
        assertThat(search(searcher, clauses.get(1), 3).totalHits.value()).isEqualTo(3);
        assertThat(search(timed, clauses.get(1), 3).totalHits.value()).isGreaterThan(3);
        assertThat(queries.topSparse(timed, vector, 3, null).totalHits.value()).isEqualTo(3);
      }
    }
  }

  private static Query joined(Query passages) {
    return new ToParentBlockJoinQuery(passages, new QueryBitSetProducer(whole()), ScoreMode.Max);
  }

  private static Query without(Query query, String share) {
    return new BooleanQuery.Builder()
        .add(query, Occur.MUST)
        .add(new TermQuery(new Term("share", share)), Occur.MUST_NOT)
        .build();
  }

  @Test
  void equalScores_areSortedByAField() throws IOException {
    SparseVector same = SparseVector.of(new int[] {7}, new float[] {0.5f});
    try (Directory directory = new ByteBuffersDirectory()) {
      try (IndexWriter writer = new IndexWriter(directory, BlockPostingsTest.config(true))) {
        for (int d = 0; d < 50; d++) {
          writer.addDocument(document(d, same, 1000));
        }
      }
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        Sort sort =
            new Sort(SortField.FIELD_SCORE, new SortField("number", SortField.Type.LONG, true));
        Query best = fields().queries().sparse(same, 3, null);
        assertThat(docs(new IndexSearcher(reader).search(best, 3, sort)))
            .containsExactly(49, 48, 47);
      }
    }
  }

  /** The collector of the first slice leaves only more than the score that all documents have. */
  @Test
  void equalScores_ofSlicesThatAreSearchedOutOfOrder_leaveTheFirstDocuments() throws IOException {
    SparseVector same = SparseVector.of(new int[] {7}, new float[] {0.5f});
    try (Directory directory = new ByteBuffersDirectory()) {
      try (IndexWriter writer =
          new IndexWriter(
              directory, BlockPostingsTest.config(true).setMergePolicy(NoMergePolicy.INSTANCE))) {
        for (int d = 0; d < 120; d++) {
          writer.addDocument(document(d, same, 1000));
          if (d % 30 == 29) {
            writer.commit();
          }
        }
      }
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        IndexSearcher searcher =
            new IndexSearcher(reader, Runnable::run) {
              @Override
              protected LeafSlice[] slices(List<LeafReaderContext> leaves) {
                return new LeafSlice[] {
                  slice(leaves.get(1), leaves.get(2), leaves.get(3)), slice(leaves.get(0))
                };
              }
            };
        assertThat(docs(search(searcher, fields().queries().sparse(same, 3, null), 3)))
            .containsExactly(0, 1, 2);
      }
    }
  }

  private static IndexSearcher.LeafSlice slice(LeafReaderContext... leaves) {
    return new IndexSearcher.LeafSlice(
        Arrays.stream(leaves)
            .map(IndexSearcher.LeafReaderContextPartition::createForEntireSegment)
            .toList());
  }

  @Test
  void weightsOfAllSizes_areSummedAsByLucene() throws IOException {
    try (Directory directory = index(Shape.ONE_SEGMENT, 3000);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      for (float small : new float[] {1e-3f, 1e-9f, 1e-20f, 1e-38f}) {
        TreeMap<Integer, Float> tokens = new TreeMap<>();
        for (int t = 1; t < 20; t++) {
          tokens.put(t, t % 3 == 0 ? small : random.nextFloat());
        }
        Query best = fields().queries().sparse(vector(tokens), 50, null);
        Query all = fields().queries().sparse(vector(tokens), null);
        assertThat(Arrays.toString(search(searcher, best, 50).scoreDocs))
            .as("seed %d", seed)
            .isEqualTo(Arrays.toString(search(searcher, all, 50).scoreDocs));
      }
    }
  }

  private static List<Integer> docs(TopDocs found) {
    return Arrays.stream(found.scoreDocs).map(hit -> hit.doc).toList();
  }

  /** Every byte of the postings is damaged once: what reads it fails, nothing finds other hits. */
  @Test
  void damagedPostings_failAndFindNothingElse() throws IOException {
    try (Directory directory = index(Shape.ONE_SEGMENT, 3000)) {
      List<SparseVector> wanted = new ArrayList<>();
      for (int q = 0; q < 6; q++) {
        wanted.add(vector(q, 12));
      }
      List<String> expected = new ArrayList<>();
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        for (SparseVector query : wanted) {
          expected.add(found(reader, query));
        }
      }
      String file =
          Arrays.stream(directory.listAll())
              .filter(name -> name.endsWith(".lbp"))
              .findFirst()
              .orElseThrow();
      byte[] bytes = new byte[(int) directory.fileLength(file)];
      try (IndexInput in = directory.openInput(file, IOContext.READONCE)) {
        in.readBytes(bytes, 0, bytes.length);
      }
      int told = 0;
      for (int at = random.nextInt(97); at < bytes.length - 16; at += 97) {
        byte[] damaged = bytes.clone();
        damaged[at] ^= (byte) (1 + random.nextInt(255));
        directory.deleteFile(file);
        try (IndexOutput out = directory.createOutput(file, IOContext.DEFAULT)) {
          out.writeBytes(damaged, damaged.length);
        }
        try (DirectoryReader reader = DirectoryReader.open(directory)) {
          for (int q = 0; q < wanted.size(); q++) {
            assertThat(found(reader, wanted.get(q))).isEqualTo(expected.get(q));
          }
          assertThatThrownBy(() ->
                  ((org.apache.lucene.index.CodecReader) reader.leaves().get(0).reader())
                      .checkIntegrity())
              .isInstanceOf(CorruptIndexException.class);
        } catch (CorruptIndexException
            | IndexFormatTooNewException
            | IndexFormatTooOldException e) {
          told++;
        }
      }
      assertThat(told).as("seed %d", seed).isPositive();
    }
  }

  private static String found(DirectoryReader reader, SparseVector query) throws IOException {
    IndexSearcher searcher = new IndexSearcher(reader);
    return Arrays.toString(
            search(searcher, fields().queries().sparse(query, 20, null), 20).scoreDocs)
        + Arrays.toString(search(searcher, fields().queries().sparse(query, null), 20).scoreDocs);
  }
}
