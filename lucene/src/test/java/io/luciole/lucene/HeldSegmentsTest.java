package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An indexer reads no segment for long that was merged away: until it lets go, the files take room
 * on the disk that nobody sees. Which documents there are it knows all the same.
 */
@Tag("lucene-10.4")
class HeldSegmentsTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  private final Directory index = new ByteBuffersDirectory();

  @BeforeEach
  void fill() {
    for (int part = 0; part < 3; part++) {
      try (HybridIndexer indexer = open(false)) {
        for (int i = 0; i < 10; i++) {
          assertThat(put(indexer, "d" + part + i)).isFalse();
        }
      }
    }
  }

  @AfterEach
  void close() throws IOException {
    index.close();
  }

  private HybridIndexer open(boolean soft) {
    WriteOptions options =
        WriteOptions.defaults().schema(HybridSchema.builder(4, true).build()).writerThreads(2);
    return HybridIndexer.open(
        index,
        MODEL,
        soft ? options.writerConfig(config -> config.setSoftDeletesField("gone")) : options);
  }

  private static boolean put(HybridIndexer indexer, String id) {
    return indexer.put(SourceDocument.of(id, "", "text"), EMBEDDING).join();
  }

  private Set<String> committed() throws IOException {
    return SegmentInfos.readLatestCommit(index).asList().stream()
        .map(segment -> segment.info.name)
        .collect(Collectors.toSet());
  }

  private static Set<String> held(HybridIndexer indexer) throws IOException {
    return indexer.folder().ids().segments();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void commit_letsGoOfSegmentsThatWereMergedAway(boolean soft) throws IOException {
    try (HybridIndexer indexer = open(soft)) {
      assertThat(indexer.delete("d29")).isTrue();
    }
    try (HybridIndexer indexer = open(soft)) {
      Set<String> before = held(indexer);
      assertThat(before).isEqualTo(committed()).isNotEmpty();
      for (int round = 0; round < 3; round++) {
        assertThat(put(indexer, "d00")).isTrue();
        assertThat(put(indexer, "new" + round)).isFalse();
        assertThat(indexer.delete("d1" + round)).isTrue();

        indexer.commitMerged();

        assertThat(held(indexer)).isEqualTo(committed()).doesNotContainAnyElementsOf(before);
        assertThat(indexer.delete("d1" + round)).isFalse();
        assertThat(put(indexer, "new" + round)).isTrue();
        assertThat(put(indexer, "d20")).isTrue();
      }
      assertThat(put(indexer, "d10")).isFalse();
    }
    try (HybridSearcher searcher = HybridSearcher.over(index).open()) {
      assertThat(searcher.documents()).isEqualTo(30 - 1 + 3 - 3 + 1);
    }
  }

  @Test
  void backgroundCommit_letsGoToo() throws IOException {
    try (HybridIndexer indexer = open(false)) {
      assertThat(put(indexer, "new")).isFalse();
      indexer.folder().writer().forceMerge(1);

      indexer.commitWritten().join();

      await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(() -> assertThat(held(indexer)).isEqualTo(committed()));
      assertThat(put(indexer, "new")).isTrue();
    }
  }

  @Test
  void commit_withoutAMerge_keepsTheSnapshot() throws IOException {
    try (HybridIndexer indexer = open(false)) {
      Set<String> before = held(indexer);
      assertThat(put(indexer, "new")).isFalse();
      indexer.commit();
      assertThat(committed()).containsAll(before).hasSizeGreaterThan(before.size());
      assertThat(held(indexer)).isEqualTo(before);
    }
  }

  /** Each thread knows its own documents, and every answer has to agree with that. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void documentsThatArePutAndDeletedMeanwhile_areKnown(boolean soft) throws Exception {
    long seed = new Random().nextLong();
    int threads = 3;
    Set<String> expected = new HashSet<>();
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService pool = Executors.newFixedThreadPool(threads + 1);
        HybridIndexer indexer = open(soft)) {
      Future<?> merging =
          pool.submit(() -> {
            while (!done.get()) {
              indexer.folder().writer().forceMerge(1);
              indexer.commitWritten().join();
            }
            return null;
          });
      List<Future<Set<String>>> changing = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int thread = t;
        changing.add(pool.submit(() -> change(indexer, thread, new Random(seed + thread))));
      }
      for (Future<Set<String>> each : changing) {
        expected.addAll(each.get());
      }
      done.set(true);
      merging.get();
    }
    try (HybridSearcher searcher = HybridSearcher.over(index).open()) {
      assertThat(searcher.documents()).as("seed %d", seed).isEqualTo(expected.size());
      for (String id : expected) {
        assertThat(searcher.contains(id)).as("seed %d, %s", seed, id).isTrue();
      }
    }
  }

  private static Set<String> change(HybridIndexer indexer, int thread, Random random) {
    Set<String> own = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      own.add("d" + thread + i);
    }
    for (int step = 0; step < 400; step++) {
      String id = "d" + thread + random.nextInt(20);
      if (random.nextBoolean()) {
        assertThat(put(indexer, id)).as("put %s at step %d", id, step).isEqualTo(!own.add(id));
      } else {
        assertThat(indexer.delete(id))
            .as("delete %s at step %d", id, step)
            .isEqualTo(own.remove(id));
      }
    }
    return own;
  }
}
