package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Shards that are searched together, and merged to one index or to several. */
@Tag("lucene-10.4")
class ShardsTest {
  private static final int SHARDS = 4;
  private static final int DOCUMENTS = 80;

  @TempDir private Path folder;
  private final EmbeddingEngine engine = FakeModel.withAll().open();
  private final List<SourceDocument> documents = new Texts(7).documents(DOCUMENTS);

  @AfterEach
  void close() {
    engine.close();
  }

  private WriteOptions options(boolean chunked, boolean soft) {
    return new SmallIndexes(folder, engine).options(chunked, soft);
  }

  private Path make(String name, List<SourceDocument> some, WriteOptions options) {
    return new SmallIndexes(folder, engine).make(name, some, options);
  }

  private List<Path> shards(WriteOptions options) {
    List<Path> shards = new ArrayList<>();
    int each = DOCUMENTS / SHARDS;
    for (int i = 0; i < SHARDS; i++) {
      shards.add(make("shard" + i, documents.subList(i * each, (i + 1) * each), options));
    }
    return shards;
  }

  /** The scores of all documents that a query finds in a leg, by id. */
  private static Map<String, Double> scores(HybridSearcher searcher, Leg leg, String text) {
    Map<String, Double> scores = new TreeMap<>();
    for (ScoredId score : searcher.search(HybridQuery.of(text).top(500)).leg(leg)) {
      assertThat(scores.put(score.id(), score.score())).as("twice: %s", score.id()).isNull();
    }
    return scores;
  }

  /** Sums of dense scores may be rounded by the order in which a scorer adds; others may not. */
  private void assertSame(HybridSearcher one, HybridSearcher other) {
    for (int q = 0; q < 5; q++) {
      String text = documents.get(q * 11).text();
      for (Leg leg : Leg.values()) {
        Map<String, Double> actual = scores(one, leg, text);
        Map<String, Double> expected = scores(other, leg, text);
        double rounding = leg == Leg.DENSE ? 1e-6 : 0;
        assertThat(actual.keySet()).as("%s, query %d", leg, q).isEqualTo(expected.keySet());
        assertThat(actual).isNotEmpty();
        actual.forEach((id, score) ->
            assertThat(score)
                .as("%s, query, %s", leg, id)
                .isCloseTo(expected.get(id), within(rounding)));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, true"})
  void searchOverShards_hasTheScoresOfOneIndex(boolean chunked, boolean soft) {
    WriteOptions options = options(chunked, soft);
    List<Path> shards = shards(options);
    Path whole = make("whole", documents, options);
    try (HybridSearcher one = HybridSearcher.open(whole, engine);
        HybridSearcher several = HybridSearcher.open(shards, engine)) {
      assertThat(several.documents()).isEqualTo(DOCUMENTS);
      assertThat(several.contains(documents.get(DOCUMENTS - 1).id())).isTrue();
      assertThat(several.refresh()).isFalse();
      assertSame(several, one);
    }
  }

  @Test
  void searchOverShards_seesEachShardsNextCommitAndKeepsTheViewOfAPage() {
    WriteOptions options = options(false, true);
    List<Path> shards = shards(options);
    HybridQuery query = HybridQuery.of(documents.get(3).text()).legs(Leg.BM25).top(10);
    try (HybridSearcher several = HybridSearcher.open(shards, engine)) {
      SearchResult before = several.search(query);
      String gone = before.hits().get(0).id();
      try (HybridIndexer indexer =
          HybridIndexer.open(shards.get(shardOf(gone)), engine, WriteOptions.defaults())) {
        assertThat(indexer.delete(gone)).isTrue();
      }
      assertThat(several.refresh()).isTrue();
      assertThat(several.documents()).isEqualTo(DOCUMENTS - 1);
      assertThat(several.search(query).hits()).extracting(Hit::id).doesNotContain(gone);
      assertThat(several.search(query.view(before.view())).hits()).isEqualTo(before.hits());
    }
  }

  private int shardOf(String id) {
    List<String> ids = documents.stream().map(SourceDocument::id).toList();
    return ids.indexOf(id) / (DOCUMENTS / SHARDS);
  }

  @Test
  void shardOfAnotherModelOrSchema_isRefused() throws IOException {
    Path one = make("one", documents.subList(0, 5), options(false, false));
    Path chunked = make("chunked", documents.subList(5, 9), options(true, false));
    Path other = folder.resolve("other");
    HybridSchema schema = HybridSchema.builder(engine).build();
    try (HybridIndexer indexer =
        HybridIndexer.open(
            other, otherModel(engine.fingerprint()), WriteOptions.defaults().schema(schema))) {
      assertThat(indexer.put(documents.get(20), engine.embed("word").join()).join()).isFalse();
    }
    for (Path wrong : List.of(chunked, other)) {
      String what = wrong.equals(other) ? "holds vectors of the model" : "has the schema";
      assertThatThrownBy(() -> HybridSearcher.open(List.of(one, wrong), engine))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(wrong + " " + what)
          .hasMessageContaining(one.toString());
      Path target = folder.resolve("target");
      assertThatThrownBy(() -> IndexMerge.of(List.of(one, wrong)).into(List.of(target)))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining(wrong + " " + what);
      assertThat(target).doesNotExist();
    }
  }

  @Test
  void damagedShard_isToldWhereItsSegmentsAreMerged() throws IOException {
    List<Path> shards = shards(options(false, false));
    Path largest;
    try (Stream<Path> files = Files.list(shards.get(1))) {
      largest = files.max(Comparator.comparingLong(file -> file.toFile().length())).orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(largest);
    bytes[bytes.length / 2] ^= 1;
    Files.write(largest, bytes);
    Path target = folder.resolve("target");
    assertThatThrownBy(() -> IndexMerge.of(shards).oneSegment(true).into(List.of(target)))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("damaged")
        .hasMessageContaining("CorruptIndexException")
        .hasMessageContaining("estore");
    assertThat(target).doesNotExist();
  }

  private static ModelFingerprint otherModel(ModelFingerprint model) {
    return new ModelFingerprint(
        "other", model.dimension(), model.tokenizerDigest(), "0".repeat(64), model.precision());
  }

  @ParameterizedTest
  @CsvSource({"1, false", "1, true", "3, false", "4, true"})
  void merge_givesIndexesOfTheSameDocumentsAndScores(int targets, boolean oneSegment) {
    WriteOptions options = options(false, false);
    List<Path> merged = targets(targets);
    MergeReport report = IndexMerge.of(shards(options)).oneSegment(oneSegment).into(merged);
    assertThat(report.shards()).isEqualTo(SHARDS);
    assertThat(report.documents()).hasSize(targets).allMatch(each -> each >= 20);
    assertThat(report.documents().stream().mapToLong(Long::longValue).sum()).isEqualTo(DOCUMENTS);
    assertThat(report.duplicates()).isZero();
    if (oneSegment) {
      assertThat(merged).allMatch(index -> IndexDescription.read(index).segments() == 1);
    }
    try (HybridSearcher one = HybridSearcher.open(make("whole", documents, options), engine);
        HybridSearcher several = HybridSearcher.open(merged, engine)) {
      assertSame(several, one);
    }
  }

  private List<Path> targets(int count) {
    List<Path> targets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      targets.add(folder.resolve("merged" + i));
    }
    return targets;
  }

  @ParameterizedTest
  @CsvSource({"1", "2"})
  void idsOfSeveralShards_areToldAndOneDocumentStays(int count) {
    WriteOptions options = options(false, false);
    List<Path> shards =
        List.of(
            make("a", versions("a", "1", "2"), options),
            make("b", versions("b", "2", "3"), options),
            make("c", versions("c", "1", "3", "4"), options));
    List<Path> targets = targets(count);
    assertThatThrownBy(() -> IndexMerge.of(shards).into(targets))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("found 3: \"1\" (" + shards.get(0) + " and " + shards.get(2) + ")");
    assertThat(targets).noneMatch(Files::exists);
    Map<DuplicateIds, Map<String, String>> expected =
        Map.of(
            DuplicateIds.FIRST_WINS, Map.of("1", "a", "2", "a", "3", "b", "4", "c"),
            DuplicateIds.LATEST_WINS, Map.of("1", "c", "2", "b", "3", "c", "4", "c"));
    expected.forEach((policy, versions) -> {
      List<Path> to =
          targets.stream().map(each -> each.resolveSibling(each + "-" + policy)).toList();
      MergeReport report = IndexMerge.of(shards).duplicates(policy).into(to);
      assertThat(report.duplicateIds()).containsExactly("1", "2", "3");
      assertThat(report.documents().stream().mapToLong(Long::longValue).sum()).isEqualTo(4);
      try (HybridSearcher searcher = HybridSearcher.open(to, engine)) {
        Map<String, String> found = new TreeMap<>();
        for (Hit hit : searcher.search(HybridQuery.of("word").legs(Leg.BM25).top(9)).hits()) {
          assertThat(found.put(hit.id(), hit.title())).isNull();
        }
        assertThat(found).as("%s", policy).isEqualTo(versions);
      }
    });
  }

  private static List<SourceDocument> versions(String version, String... ids) {
    List<SourceDocument> some = new ArrayList<>();
    for (String id : ids) {
      some.add(SourceDocument.of(id, version, "word ".repeat(30)));
    }
    return some;
  }

  @Test
  void folderWithAManifest_standsForTheShardsThatItNames() throws IOException {
    WriteOptions options = options(false, false);
    List<Path> shards = shards(options);
    HybridSchema schema = HybridSchema.builder(engine).build();
    ShardManifest manifest =
        new ShardManifest(
            schema,
            engine.fingerprint(),
            List.of(new ShardManifest.Shard("shard0", 20), new ShardManifest.Shard("shard2", 20)));
    assertThat(ShardManifest.parse(manifest.format())).isEqualTo(manifest);
    Files.writeString(folder.resolve(ShardManifest.FILE), manifest.format());
    try (HybridSearcher searcher = HybridSearcher.open(folder, engine)) {
      assertThat(searcher.documents()).isEqualTo(40);
    }
    MergeReport report =
        IndexMerge.of(List.of(folder, shards.get(1))).into(List.of(folder.resolve("merged")));
    assertThat(report.documents()).containsExactly(60L);
    Files.writeString(folder.resolve(ShardManifest.FILE), manifest.format().substring(0, 90));
    assertThatThrownBy(() -> HybridSearcher.open(folder, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("Cannot read the manifest " + folder);
  }

  @Test
  void targetThatExists_isLeftAlone() throws IOException {
    Path shard = make("one", documents.subList(0, 5), options(false, false));
    Path target = Files.createDirectory(folder.resolve("target"));
    assertThatThrownBy(() -> IndexMerge.of(List.of(shard)).into(List.of(target)))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("Expected nothing at " + target);
    assertThatThrownBy(() -> IndexMerge.of(List.of(shard)).into(targets(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from 1 to 1 indexes");
  }
}
