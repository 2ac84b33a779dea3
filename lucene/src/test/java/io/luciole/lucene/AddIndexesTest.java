package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Shards that are joined to one index. */
@Tag("lucene-10.4")
class AddIndexesTest {
  @TempDir private Path folder;
  private final EmbeddingEngine engine = FakeModel.withAll().open();

  @AfterEach
  void close() {
    engine.close();
  }

  private WriteOptions options(boolean chunked, boolean soft) {
    return new SmallIndexes(folder, engine).options(chunked, soft);
  }

  private Path make(String name, List<SourceDocument> documents, WriteOptions options) {
    return new SmallIndexes(folder, engine).make(name, documents, options);
  }

  /** The scores of all documents that a query finds in a leg, by id. */
  private Map<String, Double> scores(Path index, Leg leg, String text) {
    Map<String, Double> scores = new TreeMap<>();
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      for (ScoredId score : searcher.search(HybridQuery.of(text).top(500)).leg(leg)) {
        scores.put(score.id(), score.score());
      }
    }
    return scores;
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, true"})
  void shards_areSearchedAsOneIndexBuiltAtOnce(boolean chunked, boolean soft) {
    WriteOptions options = options(chunked, soft);
    List<SourceDocument> documents = new Texts(5).documents(60);
    Path whole = make("whole", documents, options);
    List<Path> shards = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      shards.add(make("shard" + i, documents.subList(i * 20, i * 20 + 20), options));
    }
    Path joined = folder.resolve("joined");
    try (HybridIndexer indexer = HybridIndexer.open(joined, engine, options)) {
      assertThat(indexer.addIndexes(shards)).isEqualTo(new AddedIndexes(60, 0, List.of()));
      assertThat(indexer.hasUncommittedChanges()).isTrue();
    }
    IndexDescription description = IndexDescription.read(joined);
    assertThat(description.documents()).isEqualTo(60);
    assertThat(description.passages()).isEqualTo(IndexDescription.read(whole).passages());
    assertThat(description.schema()).isEqualTo(IndexDescription.read(whole).schema());
    for (int q = 0; q < 5; q++) {
      String text = documents.get(q * 11).text();
      for (Leg leg : Leg.values()) {
        assertThat(scores(joined, leg, text))
            .as("%s, query %d", leg, q)
            .isNotEmpty()
            .isEqualTo(scores(whole, leg, text));
      }
    }
    // Each document is updated and deleted as one that was put.
    try (HybridIndexer indexer = HybridIndexer.open(joined, engine, options)) {
      assertThat(indexer.put(documents.get(40)).join()).isTrue();
      assertThat(indexer.delete(documents.get(41).id())).isTrue();
    }
    assertThat(IndexDescription.read(joined).documents()).isEqualTo(59);
  }

  private static List<SourceDocument> versions(String version, String... ids) {
    List<SourceDocument> documents = new ArrayList<>();
    for (String id : ids) {
      documents.add(SourceDocument.of(id, version, "word ".repeat(30)));
    }
    return documents;
  }

  private Map<String, String> versionsIn(Path index) {
    Map<String, String> versions = new TreeMap<>();
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      for (Hit hit : searcher.search(HybridQuery.of("word").legs(Leg.BM25).top(100)).hits()) {
        assertThat(versions.put(hit.id(), hit.title()))
            .as("documents of the id %s", hit.id())
            .isNull();
      }
      assertThat(searcher.documents()).isEqualTo(versions.size());
      assertThat(searcher.search(HybridQuery.of("word").legs(Leg.DENSE).top(100)).hits())
          .hasSize(versions.size());
    }
    return versions;
  }

  @ParameterizedTest
  @CsvSource({"true, false", "false, true"})
  void duplicateIds_areRefusedOrOneWins(boolean chunked, boolean soft) {
    WriteOptions options = options(chunked, soft);
    Path one = make("one", versions("one", "a", "b", "c"), options);
    Path two = make("two", versions("two", "c", "d"), options);
    for (DuplicateIds policy : DuplicateIds.values()) {
      Path to = make("to" + policy, versions("to", "a", "e", "gone"), options);
      try (HybridIndexer indexer = HybridIndexer.open(to, engine, options)) {
        assertThat(indexer.delete("gone")).isTrue();
        if (policy == DuplicateIds.REFUSE) {
          assertThatThrownBy(() -> indexer.addIndexes(List.of(one, two)))
              .isInstanceOf(IndexException.class)
              .hasMessageContaining("found 2: \"a\" (" + to + " and " + one + "), \"c\"");
          assertThat(indexer.put(versions("to", "f").get(0)).join()).isFalse();
        } else {
          assertThat(indexer.addIndexes(List.of(one, two), policy).duplicateIds())
              .containsExactly("a", "c");
          assertThat(indexer.put(versions("to", "d").get(0)).join()).isTrue();
          assertThat(indexer.delete("gone")).isFalse();
        }
      }
      assertThat(versionsIn(to))
          .as("%s", policy)
          .isEqualTo(
              switch (policy) {
                case REFUSE -> Map.of("a", "to", "e", "to", "f", "to");
                case FIRST_WINS -> Map.of("a", "to", "b", "one", "c", "one", "d", "to", "e", "to");
                case LATEST_WINS ->
                    Map.of("a", "one", "b", "one", "c", "two", "d", "to", "e", "to");
              });
    }
  }

  /** A bulk load merges nothing by itself, but what is added without some documents. */
  @Test
  void bulkLoad_endsInOneSegmentWithWhatWasAdded() {
    WriteOptions options = options(false, false);
    Path one = make("one", versions("one", "a", "b", "c"), options);
    Path to = folder.resolve("to");
    try (HybridIndexer indexer = HybridIndexer.open(to, engine, options.bulk(true))) {
      indexer.put(versions("to", "a").get(0)).join();
      assertThat(indexer.addIndexes(List.of(one), DuplicateIds.FIRST_WINS))
          .isEqualTo(new AddedIndexes(2, 1, List.of("a")));
      indexer.commitMerged();
    }
    assertThat(versionsIn(to)).isEqualTo(Map.of("a", "to", "b", "one", "c", "one"));
    assertThat(IndexDescription.read(to).segments()).isEqualTo(1);
    assertThat(versionsIn(one)).hasSize(3);
  }

  @Test
  void otherSchemasModelsAndOpenIndexes_areRefusedWithBothNamed() throws Exception {
    WriteOptions options = options(false, false);
    Path to = make("to", versions("to", "a"), options);
    Path other =
        make(
            "other",
            versions("other", "b"),
            options.schema(HybridSchema.builder(engine).analyzer("en").build()));
    ModelFingerprint model = engine.fingerprint();
    ModelFingerprint stranger =
        new ModelFingerprint(
            "stranger", model.dimension(), model.tokenizerDigest(), "0".repeat(64), "fp32");
    try (HybridIndexer indexer = HybridIndexer.open(to, engine);
        Directory foreign = new ByteBuffersDirectory()) {
      assertThatThrownBy(() -> indexer.addIndexes(List.of(other)))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(other + " has the schema of the index " + to + " except for ")
          .hasMessageContaining("except for words.analyzer: \"en\" instead of \"")
          .hasMessageNotContaining("{");
      try (HybridIndexer strange = HybridIndexer.open(foreign, stranger, options)) {
        strange.commit();
        assertThatThrownBy(() -> indexer.addIndexes(DuplicateIds.REFUSE, foreign))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining(stranger.brief())
            .hasMessageContaining(model.brief());
      }
      Path open = folder.resolve("open");
      try (HybridIndexer writing = HybridIndexer.open(open, engine, options)) {
        writing.commit();
        assertThatThrownBy(() -> indexer.addIndexes(List.of(open)))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("is being written");
      }
      assertThatThrownBy(() -> indexer.addIndexes(List.of(folder.resolve("none"))))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("found nothing");
      // A refusal changes nothing, and the indexer goes on.
      assertThat(indexer.hasUncommittedChanges()).isFalse();
      assertThat(indexer.addIndexes(List.of(open)).documents()).isZero();
    }
    assertThat(IndexDescription.read(to).documents()).isEqualTo(1);
  }

  /** A segment that is copied as it is would take its damage along, unseen until it is searched. */
  @Test
  void damagedShard_isNamed_andNothingIsAdded() throws IOException {
    List<SourceDocument> documents = new Texts(5).documents(20);
    Path sound = make("sound", documents.subList(0, 10), options(false, false));
    Path joined = folder.resolve("joined");
    try (HybridIndexer indexer = HybridIndexer.open(joined, engine, options(false, false))) {
      for (int part = 1; part < 8; part++) {
        Path damaged = make("damaged" + part, documents.subList(10, 20), options(false, false));
        damageLargestFile(damaged, part / 8.0);
        assertNotAdded(indexer, sound, damaged);
      }
      assertThat(indexer.addIndexes(List.of(sound)).documents()).isEqualTo(10);
    }
  }

  private static void assertNotAdded(HybridIndexer indexer, Path sound, Path damaged) {
    assertThatThrownBy(() -> indexer.addIndexes(List.of(sound, damaged)))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining(damaged.toString())
        .hasMessageContaining("damaged");
    assertThat(indexer.failure()).isEmpty();
    assertThat(indexer.hasUncommittedChanges()).isFalse();
  }

  private static void damageLargestFile(Path index, double where) throws IOException {
    try (Stream<Path> files = Files.list(index)) {
      Path largest = files.max(Comparator.comparingLong(file -> file.toFile().length())).get();
      byte[] bytes = Files.readAllBytes(largest);
      bytes[(int) (bytes.length * where)] ^= 1;
      Files.write(largest, bytes);
    }
  }

  @Test
  void addedPrecisions_areTold() {
    WriteOptions options = options(false, false);
    Path fp32 = make("fp32", versions("one", "a"), options);
    try (EmbeddingEngine int8 = FakeModel.withAll().precision("int8").open();
        HybridIndexer indexer = HybridIndexer.open(folder.resolve("to"), int8, options)) {
      indexer.put(versions("to", "b").get(0)).join();
      assertThat(indexer.addIndexes(List.of(fp32)).documents()).isEqualTo(1);
    }
    assertThat(IndexDescription.read(folder.resolve("to")).fingerprint().precision())
        .isEqualTo("int8 and fp32");
  }
}
