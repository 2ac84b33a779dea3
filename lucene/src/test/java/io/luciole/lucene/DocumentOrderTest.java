package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Documents of two topics that come mixed stand by topic after a merge that reorders. */
@Tag("lucene-10.4")
class DocumentOrderTest {
  private static final int DOCUMENTS = 400;

  @TempDir private Path folder;
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  /** By chance, since halves of equal shares would be a point of rest of the bisection. */
  private static int topic(int number) {
    return new SplittableRandom(number).nextInt(2);
  }

  /** Tokens of the document's topic, and one of its own. */
  private static Embedding embedding(int number) {
    int topic = 1000 * (1 + topic(number));
    int[] ids =
        IntStream.concat(
                IntStream.range(0, 30).map(i -> topic + (i + number / 2) % 40),
                IntStream.of(5000 + number))
            .sorted()
            .toArray();
    float[] weights = new float[ids.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = 0.05f + 0.01f * (ids[i] * 7 % 20);
    }
    float[] dense = new float[FakeModel.DIMENSION];
    dense[number % dense.length] = 1;
    return Embedding.ofTokens(ids.length)
        .withDense(dense)
        .withSparse(SparseVector.of(ids, weights));
  }

  private void write(Path index, WriteOptions options, int from, int to) {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      for (int i = from; i < to; i++) {
        indexer.put(SourceDocument.of("d" + i, "", "words " + topic(i)), embedding(i)).join();
      }
      indexer.commitMerged();
    }
  }

  private static WriteOptions options() {
    return WriteOptions.defaults().bulk(true).writerThreads(1);
  }

  /** How often the topic changes from one document to the next. */
  private static int changes(Path index) throws IOException {
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(reader.leaves()).hasSize(1);
      StoredFields stored = reader.storedFields();
      int changes = 0;
      String last = "";
      for (int d = 0; d < reader.maxDoc(); d++) {
        String text = stored.document(d).get(SchemaFields.TEXT);
        changes += text.equals(last) ? 0 : 1;
        last = text;
      }
      return changes;
    }
  }

  private List<ScoredId> found(Path index, int query) {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      return searcher
          .search(HybridQuery.of("").embedding(embedding(query)).legs(Leg.SPARSE).depth(50).top(50))
          .leg(Leg.SPARSE);
    }
  }

  @Test
  void reordered_putsDocumentsOfOneTopicTogether_andFindsTheSame() throws IOException {
    Path plain = folder.resolve("plain");
    Path reordered = folder.resolve("reordered");
    write(plain, options(), 0, DOCUMENTS);
    write(reordered, options().reorder(true), 0, DOCUMENTS);
    assertThat(changes(plain)).isGreaterThan(DOCUMENTS / 3);
    assertThat(changes(reordered)).isLessThan(DOCUMENTS / 10);
    for (int query = 0; query < 20; query++) {
      List<ScoredId> expected = found(plain, query);
      List<ScoredId> got = found(reordered, query);
      assertThat(got.get(0)).isEqualTo(expected.get(0));
      // Ties are in the index's order, so only the scores are the same further down.
      assertThat(got.stream().map(ScoredId::score))
          .containsExactlyElementsOf(expected.stream().map(ScoredId::score).toList());
    }
  }

  private SchemaBuilder passages() {
    return HybridSchema.builder(engine).chunks(64, 8);
  }

  private void writeTexts(Path index, WriteOptions options, int from, int to) {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      for (int i = from; i < to; i++) {
        String text = (i % 2 == 0 ? "fireflies glow " : "engines hum ").repeat(40) + i;
        indexer.put(SourceDocument.of("d" + i, "", text)).join();
      }
      indexer.commitMerged();
    }
  }

  /** The ids of the Lucene documents in their order, a row for each block. */
  private static List<String> blocks(Path index) throws IOException {
    List<String> blocks = new ArrayList<>();
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      LeafReader leaf = reader.leaves().get(0).reader();
      Set<String> ids = new TreeSet<>();
      var values = leaf.getBinaryDocValues(SchemaFields.ID);
      var passages = leaf.getNumericDocValues(SchemaFields.PASSAGE);
      int size = 0;
      for (int d = 0; d < leaf.maxDoc(); d++) {
        assertThat(values.advanceExact(d)).isTrue();
        ids.add(values.binaryValue().utf8ToString());
        size++;
        if (!passages.advanceExact(d)) {
          assertThat(ids).hasSize(1);
          assertThat(size).isGreaterThan(1);
          blocks.add(ids.iterator().next());
          ids.clear();
          size = 0;
        }
      }
      assertThat(size).isZero();
    }
    return blocks;
  }

  @Test
  void reordered_keepsThePassagesOfADocumentTogether() throws IOException {
    Path index = folder.resolve("index");
    WriteOptions options = options().schema(passages().build()).reorder(true);
    writeTexts(index, options, 0, 100);
    List<String> blocks = blocks(index);
    assertThat(blocks).hasSize(100).doesNotHaveDuplicates();
    assertThat(blocks).isNotEqualTo(IntStream.range(0, 100).mapToObj(i -> "d" + i).toList());
    // Later writers know the parent field, whether they reorder or not.
    writeTexts(index, options(), 90, 110);
    assertThat(blocks(index)).hasSize(110).doesNotHaveDuplicates();
    writeTexts(index, options().reorder(true), 105, 120);
    assertThat(blocks(index)).hasSize(120).doesNotHaveDuplicates();
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.search(HybridQuery.of("fireflies 118").legs(Leg.BM25)).hits())
          .first()
          .extracting(Hit::id)
          .isEqualTo("d118");
    }
  }

  @Test
  void indexOfPassagesThatWasNotMadeForIt_isRefused() {
    Path index = folder.resolve("index");
    WriteOptions options = options().schema(passages().build());
    writeTexts(index, options, 0, 3);
    assertThatThrownBy(() -> HybridIndexer.open(index, engine, options.reorder(true)))
        .isInstanceOf(IndexMismatchException.class)
        .hasMessageContaining("parent field")
        .hasMessageContaining("index anew");
    writeTexts(index, options, 3, 5);
  }

  @Test
  void shardsThatWereReordered_areMerged() throws IOException {
    List<Path> shards = List.of(folder.resolve("a"), folder.resolve("b"));
    WriteOptions options = options().schema(passages().build()).reorder(true);
    writeTexts(shards.get(0), options, 0, 30);
    writeTexts(shards.get(1), options, 30, 60);
    Path merged = folder.resolve("merged");
    IndexMerge.of(shards).oneSegment(true).into(List.of(merged));
    assertThat(blocks(merged)).hasSize(60).doesNotHaveDuplicates();
  }

  /** All indexers ask the class for the parent field, so it must do without lucene-misc. */
  @Test
  void withoutLuceneMisc_onlyReorderingIsRefused() throws Exception {
    List<URL> others = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (!entry.contains("lucene-misc")) {
        others.add(Path.of(entry).toUri().toURL());
      }
    }
    try (URLClassLoader loader =
        new URLClassLoader(others.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Class<?> order = Class.forName(DocumentOrder.class.getName(), true, loader);
      Method bisection = order.getDeclaredMethod("requireBisection");
      bisection.setAccessible(true);
      assertThatThrownBy(() -> bisection.invoke(null))
          .isInstanceOf(InvocationTargetException.class)
          .cause()
          .hasMessageContaining("org.apache.lucene:lucene-misc")
          .hasMessageContaining("without reordering");
    }
  }
}
