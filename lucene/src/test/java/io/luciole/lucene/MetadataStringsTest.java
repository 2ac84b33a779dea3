package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.apache.lucene.search.Query;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Parts and ranges of strings, asked of an index and of the strings themselves. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetadataStringsTest {
  private static final List<String> ALPHABET = List.of("a", "b", "Z", "é", "中", "\uE000", "😀");

  private final long seed = new Random().nextLong();
  private final List<String> strings = new ArrayList<>();
  private EmbeddingEngine engine;
  private HybridIndexer indexer;
  private HybridSearcher searcher;
  private MetadataFilters filters;

  @BeforeAll
  void write(@TempDir Path folder) {
    Random random = new Random(seed);
    for (int length : new int[] {0, 1, 3, 20, 113, 114, 128, 129, 300}) {
      strings.add("a".repeat(length));
      strings.add(random(random, length));
    }
    strings.add("a".repeat(113) + "b");
    strings.add("a".repeat(150) + "needle" + "a".repeat(150));
    strings.add("a".repeat(150) + "needles");
    engine = new FakeModel(Output.DENSE, Output.SPARSE).open();
    HybridSchema schema =
        HybridSchema.builder(engine)
            .metadata("typed", MetadataType.KEYWORD)
            .metadata("year", MetadataType.LONG)
            .build();
    indexer = HybridIndexer.open(folder, engine, WriteOptions.defaults().schema(schema));
    for (int i = 0; i < strings.size(); i++) {
      Map<String, Object> metadata =
          Map.of("free", strings.get(i), "typed", strings.get(i), "year", 2000 + i);
      indexer.put(new SourceDocument("s" + i, "", "firefly", metadata)).join();
    }
    Map<String, Object> others = Map.of("free", List.of(7, true), "other", "a");
    indexer.put(new SourceDocument("others", "", "firefly", others)).join();
    searcher = HybridSearcher.open(indexer, engine);
    filters = MetadataFilters.of(searcher.schema());
  }

  private static String random(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(ALPHABET.get(random.nextInt(ALPHABET.size())));
    }
    return text.toString();
  }

  @AfterAll
  void close() {
    searcher.close();
    indexer.close();
    engine.close();
  }

  private void assertMatches(Query filter, Predicate<String> expected) {
    Set<String> ids = new TreeSet<>();
    for (int i = 0; i < strings.size(); i++) {
      if (expected.test(strings.get(i))) {
        ids.add("s" + i);
      }
    }
    Set<String> found = new TreeSet<>();
    searcher
        .search(HybridQuery.of("firefly").legs(Leg.BM25).filter(filter).top(1000))
        .hits()
        .forEach(hit -> found.add(hit.id()));
    assertThat(found).as("%s, seed %d", filter, seed).isEqualTo(ids);
    assertThat(searcher.count(filter)).isEqualTo(ids.size());
  }

  @Test
  void part_isFoundWhereverItStands() {
    Random random = new Random(seed + 1);
    List<String> parts =
        new ArrayList<>(List.of("", "a", "needle", "needles", "none", "a".repeat(128)));
    parts.addAll(List.of("a".repeat(129), "a".repeat(300), "a".repeat(301)));
    for (int i = 0; i < 20; i++) {
      String whole = strings.get(random.nextInt(strings.size()));
      int[] points = whole.codePoints().toArray();
      int from = random.nextInt(points.length + 1);
      int to = from + random.nextInt(Math.min(200, points.length - from) + 1);
      parts.add(new String(points, from, to - from));
    }
    for (String part : parts) {
      assertMatches(filters.contains("free", part), text -> text.contains(part));
      assertMatches(filters.contains("typed", part), text -> text.contains(part));
    }
  }

  @Test
  void range_hasTheOrderOfCodePoints() {
    for (String bound : strings) {
      assertRange(MetadataBounds.above(bound), text -> compare(text, bound) > 0);
      assertRange(MetadataBounds.atLeast(bound), text -> compare(text, bound) >= 0);
      assertRange(MetadataBounds.below(bound), text -> compare(text, bound) < 0);
      assertRange(
          MetadataBounds.atLeast("Z").andAtMost(bound),
          text -> compare(text, "Z") >= 0 && compare(text, bound) <= 0);
    }
  }

  private void assertRange(MetadataBounds bounds, Predicate<String> expected) {
    assertMatches(filters.stringRange("free", bounds), expected);
    assertMatches(filters.stringRange("typed", bounds), expected);
  }

  private static int compare(String a, String b) {
    return Arrays.compareUnsigned(
        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void filter_thatTheFieldHasNot_isRefused() {
    assertThatThrownBy(() -> filters.contains("year", "20"))
        .hasMessageContaining("expected a keyword or a field without a type")
        .hasMessageContaining("\"year\", a long");
    assertThatThrownBy(() -> filters.stringRange("free", MetadataBounds.above(7)))
        .hasMessageContaining("expected strings as bounds of the strings of \"free\", got 7");
    assertThatThrownBy(() -> filters.contains("free", "a".repeat(1025)))
        .hasMessageContaining("at most 1024 bytes in UTF-8, got 1025");
  }
}
