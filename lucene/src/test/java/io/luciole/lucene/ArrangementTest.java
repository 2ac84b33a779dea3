package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TotalHits;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sorting, collapsing and counting by metadata, against a look at each document. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArrangementTest {
  private static final int DOCUMENTS = 400;

  @TempDir static Path folder;
  private final Map<String, Metadata> documents = new LinkedHashMap<>();
  private EmbeddingEngine engine;
  private HybridSearcher searcher;

  /** Passages, several segments, deleted documents, and values that are missing or several. */
  @BeforeAll
  void write() {
    engine = new FakeModel(Output.DENSE, Output.SPARSE).open();
    HybridSchema schema =
        HybridSchema.builder(engine)
            .chunks(16, 4)
            .metadata("year", MetadataType.LONG)
            .metadata("price", MetadataType.DOUBLE)
            .metadata("day", MetadataType.DATE)
            .metadata("new", MetadataType.BOOLEAN)
            .metadata("kind", MetadataType.KEYWORD)
            .metadata("absent", MetadataType.LONG)
            .build();
    Random random = new Random(17);
    Texts texts = new Texts(17);
    try (HybridIndexer indexer =
        HybridIndexer.open(folder, engine, WriteOptions.defaults().schema(schema))) {
      int i = 0;
      for (SourceDocument document : texts.documents(DOCUMENTS)) {
        Metadata metadata = metadata(random);
        indexer
            .put(new SourceDocument(document.id(), "", "firefly " + document.text(), metadata))
            .join();
        documents.put(document.id(), metadata);
        if (++i % 90 == 0) {
          indexer.commit();
        }
      }
      for (String id : List.copyOf(documents.keySet())) {
        if (random.nextInt(10) == 0) {
          indexer.delete(id);
          documents.remove(id);
        }
      }
    }
    searcher = HybridSearcher.open(folder, engine);
  }

  private static Metadata metadata(Random random) {
    Map<String, Object> values = new HashMap<>();
    if (random.nextInt(5) > 0) {
      values.put("year", 1990 + random.nextInt(8));
      values.put("kind", List.of("k" + random.nextInt(4), "k" + random.nextInt(30)));
      values.put("new", random.nextBoolean());
    }
    values.put("price", random.nextInt(3) == 0 ? List.of() : List.of(random.nextInt(50) / 4.0 - 3));
    values.put("day", Instant.ofEpochSecond(86_400L * random.nextInt(5)));
    values.put("lang", random.nextInt(3) == 0 ? "en" : "de");
    return Metadata.of(values);
  }

  @AfterAll
  void close() {
    searcher.close();
    engine.close();
  }

  private Metadata metadata(String id) {
    return requireNonNull(documents.get(id), id);
  }

  private Query filter(String json) {
    return MetadataFilters.of(searcher.schema()).parse(json);
  }

  private static List<String> ids(SearchResult result) {
    return result.hits().stream().map(Hit::id).toList();
  }

  /** The least or greatest value of a document as a number that orders as the values do. */
  private Optional<Double> extreme(String id, MetadataSort by) {
    Comparator<Double> order = Comparator.naturalOrder();
    return metadata(id).all(by.field()).stream()
        .map(ArrangementTest::number)
        .max(by.descending() ? order : order.reversed());
  }

  private static double number(Object value) {
    return switch (value) {
      case Number number -> number.doubleValue();
      case Boolean flag -> flag ? 1 : 0;
      case String text when text.startsWith("k") ->
          text.chars().asDoubleStream().reduce(0, (a, c) -> a * 128 + c)
              / Math.pow(128, text.length());
      default -> Instant.parse(value.toString()).toEpochMilli();
    };
  }

  private List<String> sorted(List<String> ids, MetadataSort... order) {
    List<String> sorted = new ArrayList<>(ids);
    Comparator<String> by = Comparator.comparingInt(id -> 0);
    for (MetadataSort sort : order) {
      double last = sort.descending() ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
      Comparator<String> next = Comparator.comparing(id -> extreme(id, sort).orElse(last));
      by = by.thenComparing(sort.descending() ? next.reversed() : next);
    }
    sorted.sort(by); // Stable, as ties keep the order that was.
    return sorted;
  }

  @ParameterizedTest
  @CsvSource({"year", "price", "day", "new", "kind", "absent"})
  void list_ofAFilter_isSortedWithTiesByIds_page_byPage(String field) {
    List<String> english =
        documents.keySet().stream()
            .filter(id -> metadata(id).text("lang").orElse("").equals("en"))
            .sorted()
            .toList();
    for (boolean descending : new boolean[] {false, true}) {
      MetadataSort by = new MetadataSort(field, descending);
      HybridQuery query =
          HybridQuery.of(" ")
              .filter(filter("{\"lang\":\"en\"}"))
              .arrange(Arrangement.NONE.sort(by))
              .top(25);
      List<String> listed = new ArrayList<>();
      for (int offset = 0; offset < english.size() + 25; offset += 25) {
        SearchResult page = searcher.search(query.offset(offset));
        assertThat(page.matches())
            .isEqualTo(new TotalHits(english.size(), TotalHits.Relation.EQUAL_TO));
        listed.addAll(ids(page));
      }
      assertThat(listed).isEqualTo(sorted(english, by));
    }
  }

  @Test
  void words_sortWhatTheLegsFound_keepingTheOrderOfTheSearchAmongEquals() {
    HybridQuery query = HybridQuery.of("firefly light sea").top(400);
    List<String> found = searcher.search(query.top(10)).fused().stream().map(ScoredId::id).toList();
    MetadataSort year = MetadataSort.descending("year");
    MetadataSort fresh = MetadataSort.ascending("new");
    SearchResult result = searcher.search(query.arrange(Arrangement.NONE.sort(year).sort(fresh)));
    assertThat(ids(result)).isEqualTo(sorted(found, year, fresh));
    assertThat(result.hits()).allSatisfy(hit -> assertThat(hit.legs()).isNotEmpty());
    List<String> paged = new ArrayList<>();
    for (int offset = 0; offset < 400; offset += 7) {
      paged.addAll(
          ids(
              searcher.search(
                  query.top(7).offset(offset).arrange(Arrangement.NONE.sort(year).sort(fresh)))));
    }
    assertThat(paged).isEqualTo(ids(result));
  }

  @Test
  void collapse_keepsTheBestOfEachValue_onPagesThatFitTogether() {
    HybridQuery query = HybridQuery.of("firefly light sea");
    List<String> all =
        searcher.search(query.top(0).offset(1000)).fused().stream().map(ScoredId::id).toList();
    assertThat(all).hasSameSizeAs(documents.keySet());
    for (String field : List.of("year", "kind")) {
      Set<Double> seen = new HashSet<>();
      List<String> best =
          all.stream()
              .filter(id -> extreme(id, MetadataSort.ascending(field)).map(seen::add).orElse(true))
              .toList();
      List<String> paged = new ArrayList<>();
      for (int offset = 0; offset < best.size() + 10; offset += 10) {
        paged.addAll(
            ids(searcher.search(query.offset(offset).arrange(Arrangement.NONE.collapse(field)))));
      }
      assertThat(paged).containsExactlyElementsOf(best);
    }
  }

  @Test
  void collapse_looksDeeper_untilAPageIsFull() {
    HybridQuery query =
        HybridQuery.of("firefly").filter(filter("{\"year\":{\"exists\":true}}")).top(8);
    SearchResult result = searcher.search(query.arrange(Arrangement.NONE.collapse("year")));
    assertThat(result.hits()).hasSize(8);
    SearchResult shallow =
        searcher.search(query.depth(2).arrange(Arrangement.NONE.collapse("year")));
    assertThat(shallow.hits()).hasSizeLessThan(7);
  }

  @Test
  void collapse_ofAList_keepsTheFirstInItsOrder() {
    MetadataSort price = MetadataSort.descending("price");
    SearchResult result =
        searcher.search(
            HybridQuery.of("").top(400).arrange(Arrangement.NONE.sort(price).collapse("day")));
    Set<Object> seen = new HashSet<>();
    List<String> expected =
        sorted(documents.keySet().stream().sorted().toList(), price).stream()
            .filter(id -> seen.add(metadata(id).get("day").orElseThrow()))
            .toList();
    assertThat(ids(result)).isEqualTo(expected).hasSize(5);
  }

  @ParameterizedTest
  @CsvSource({"year", "price", "day", "new", "kind"})
  void facets_countEachValueOnceADocument_overWhatTheFilterPasses(String field) {
    Predicate<Metadata> passes = metadata -> metadata.text("lang").orElse("").equals("de");
    Map<Object, Long> expected = new HashMap<>();
    Function<Object, Object> shown =
        value ->
            switch (field) {
              case "price" -> ((Number) value).doubleValue();
              case "day" -> Instant.parse(value.toString()).toString();
              default -> value;
            };
    long with = 0;
    for (Metadata metadata : documents.values()) {
      Set<Object> values = new HashSet<>(metadata.all(field));
      if (passes.test(metadata)) {
        values.forEach(value -> expected.merge(shown.apply(value), 1L, Long::sum));
        with += values.isEmpty() ? 0 : 1;
      }
    }
    SearchResult result =
        searcher.search(
            HybridQuery.of("firefly")
                .filter(filter("{\"lang\":\"de\"}"))
                .arrange(
                    Arrangement.NONE
                        .facet(Facet.of(field, 1000))
                        .facet(Facet.of(field, 2))
                        .facet(Facet.of("absent"))));
    FacetCounts counts = result.facets().get(0);
    Map<Object, Long> found = new HashMap<>();
    counts.values().forEach(value -> found.put(value.value(), value.count()));
    assertThat(found).isEqualTo(expected);
    assertThat(counts.documents()).isEqualTo(with);
    assertThat(counts.distinct()).isEqualTo(expected.size());
    assertThat(counts.values())
        .isSortedAccordingTo(Comparator.comparingLong(FacetCounts.Value::count).reversed());
    assertThat(result.facets().get(1).values()).isEqualTo(counts.values().subList(0, 2));
    assertThat(result.facets().get(1).distinct()).isEqualTo(expected.size());
    assertThat(result.facets().get(2)).isEqualTo(new FacetCounts("absent", List.of(), 0, 0));
  }

  @Test
  void facets_ofRanges_countDocumentsWithinEach() {
    MetadataBounds old = MetadataBounds.below(1993);
    MetadataBounds some = MetadataBounds.atLeast(1992).andAtMost(1995);
    FacetCounts counts =
        searcher
            .search(
                HybridQuery.of("sea")
                    .arrange(Arrangement.NONE.facet(Facet.ranges("year", List.of(old, some)))))
            .facets()
            .get(0);
    assertThat(counts.values())
        .containsExactly(
            new FacetCounts.Value(old, years(year -> year < 1993)),
            new FacetCounts.Value(some, years(year -> year >= 1992 && year <= 1995)));
    assertThat(counts.documents()).isEqualTo(years(year -> true));
  }

  private long years(Predicate<Double> wanted) {
    return documents.keySet().stream()
        .filter(id -> extreme(id, MetadataSort.ascending("year")).filter(wanted).isPresent())
        .count();
  }

  @Test
  void fieldsWithoutAType_areRefusedWithThoseThatHaveOne() {
    for (Arrangement wrong :
        List.of(
            Arrangement.NONE.sort(MetadataSort.ascending("lang")),
            Arrangement.NONE.collapse("lang"),
            Arrangement.NONE.facet(Facet.of("lang")))) {
      assertThatThrownBy(() -> searcher.search(HybridQuery.of("sea").arrange(wrong)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got \"lang\"")
          .hasMessageContaining("year=LONG")
          .hasMessageContaining("lang=keyword among its metadata types");
    }
    assertThatThrownBy(() -> MetadataSort.parse("year:down")).hasMessageContaining("asc or desc");
    assertThat(MetadataSort.parse("a.b:DESC")).isEqualTo(MetadataSort.descending("a.b"));
    assertThat(MetadataSort.parse("year")).isEqualTo(MetadataSort.ascending("year"));
  }

  @Test
  void matches_ofASearch_areNoFewerThanWasFound_andExactOnlyWhereTheyAreKnown() {
    SearchResult hybrid = searcher.search("firefly");
    assertThat(hybrid.matches().value()).isEqualTo(documents.size());
    assertThat(hybrid.matches().relation()).isEqualTo(TotalHits.Relation.GREATER_THAN_OR_EQUAL_TO);
    SearchResult near = searcher.search(HybridQuery.of("firefly").legs(Leg.DENSE).depth(20));
    assertThat(near.matches().value()).isBetween(20L, (long) documents.size());
    assertThat(near.matches().relation()).isEqualTo(TotalHits.Relation.GREATER_THAN_OR_EQUAL_TO);
  }
}
