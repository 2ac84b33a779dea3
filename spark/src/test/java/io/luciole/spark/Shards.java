package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexMerge;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaFields;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.ShardManifest;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.store.FSDirectory;

/** Compares what a job wrote with an index that one process makes of the same documents. */
final class Shards {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private Shards() {}

  /** The names of the files and folders of a target; those of shards are from its manifest. */
  static void assertOnlyShards(Path target) throws IOException {
    ShardManifest manifest = ShardManifest.find(target).orElseThrow();
    List<String> expected = new ArrayList<>(List.of(ShardManifest.FILE));
    manifest.shards().forEach(shard -> expected.add(shard.name()));
    assertThat(names(target)).containsExactlyInAnyOrderElementsOf(expected);
    for (ShardManifest.Shard shard : manifest.shards()) {
      assertThat(names(target.resolve(shard.name())))
          .as("Lucene's files alone in %s", shard.name())
          .allMatch(name -> name.startsWith("_") || name.startsWith("segments"));
    }
  }

  static List<String> names(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(path -> path.getFileName().toString()).toList();
    }
  }

  /**
   * Asserts that the folders of shards go away, those in which they were built or those to which
   * they were copied. A job that failed does not wait for its other tasks, whose folders are there
   * until they have noticed.
   */
  static void assertNothingLeftBehind(Path folder) throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!leftBehind(folder).isEmpty() && System.nanoTime() < end) {
      Thread.sleep(50);
    }
    assertThat(leftBehind(folder)).isEmpty();
  }

  private static List<String> leftBehind(Path local) throws IOException {
    if (!Files.exists(local)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(local)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith("part-"))
          .toList();
    } catch (NoSuchFileException | UncheckedIOException e) {
      return List.of("one that went away meanwhile");
    }
  }

  /**
   * Merges the shards of a target and compares the result, and the shards together, with an index
   * of the corpus that {@link HybridIndexer} makes.
   */
  static void assertSameAsOneIndex(Path target, int documents, Path work) throws IOException {
    Path merged = work.resolve("merged");
    assertThat(IndexMerge.of(List.of(target)).into(List.of(merged)).documents())
        .containsExactly((long) documents);
    Path whole = work.resolve("whole");
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(MiniM3.source()).open()) {
      HybridSchema schema = ShardManifest.find(target).orElseThrow().schema();
      try (HybridIndexer indexer =
          HybridIndexer.open(whole, engine, WriteOptions.defaults().schema(schema))) {
        indexer.indexAll(
            Stream.iterate(0, i -> i < documents, i -> i + 1)
                .map(i ->
                    new SourceDocument(
                        Corpus.id(i), "", Corpus.text(i), Map.of("year", 1900 + i % 100)))
                .iterator(),
            progress -> {});
      }
      assertThat(vectors(merged)).isEqualTo(vectors(whole));
      try (HybridSearcher one = HybridSearcher.open(whole, engine);
          HybridSearcher joined = HybridSearcher.open(merged, engine);
          HybridSearcher several = HybridSearcher.open(target, engine)) {
        assertSame(joined, one);
        assertSame(several, one);
      }
    }
  }

  private static void assertSame(HybridSearcher actual, HybridSearcher expected) {
    assertThat(actual.documents()).isEqualTo(expected.documents());
    int same = 0;
    int all = 0;
    for (String query : Corpus.queries(20)) {
      for (Leg leg : List.of(Leg.SPARSE, Leg.BM25)) {
        assertThat(scores(actual, leg, query)).isNotEmpty().isEqualTo(scores(expected, leg, query));
      }
      Map<String, Double> found = scores(actual, Leg.DENSE, query);
      Map<String, Double> wanted = scores(expected, Leg.DENSE, query);
      all += wanted.size();
      found.keySet().retainAll(wanted.keySet());
      same += found.size();
    }
    assertThat((double) same / all).as("the top ten of dense vectors").isGreaterThanOrEqualTo(0.99);
  }

  /**
   * The scores of the best ten, and of all that score as the tenth: which of equals comes first is
   * the order of an index.
   */
  private static Map<String, Double> scores(HybridSearcher searcher, Leg leg, String query) {
    int depth = leg == Leg.DENSE ? 10 : 200;
    List<ScoredId> list = searcher.search(HybridQuery.of(query).legs(leg).top(depth)).leg(leg);
    double tenth = list.get(Math.min(9, list.size() - 1)).score();
    Map<String, Double> scores = new TreeMap<>();
    for (ScoredId each : list) {
      if (each.score() >= tenth) {
        scores.put(each.id(), each.score());
      }
    }
    return scores;
  }

  /** The dense vector of each document, by its id. */
  private static Map<String, List<Float>> vectors(Path index) throws IOException {
    Map<String, List<Float>> vectors = new TreeMap<>();
    try (DirectoryReader reader = DirectoryReader.open(FSDirectory.open(index))) {
      for (LeafReaderContext leaf : reader.leaves()) {
        FloatVectorValues values = leaf.reader().getFloatVectorValues(SchemaFields.DENSE);
        BinaryDocValues ids = DocValues.getBinary(leaf.reader(), SchemaFields.ID);
        var docs = values.iterator();
        for (int d = docs.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = docs.nextDoc()) {
          List<Float> vector = new ArrayList<>();
          for (float value : values.vectorValue(docs.index())) {
            vector.add(value);
          }
          assertThat(ids.advanceExact(d)).isTrue();
          String id = ids.binaryValue().utf8ToString();
          assertThat(vectors.put(id, vector)).as("twice: %s", id).isNull();
        }
      }
    }
    return vectors;
  }
}
