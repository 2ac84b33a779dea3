package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Filters by metadata on every leg, whole texts and passages, against a look at each document. */
class FiltersOfEveryLegTest {
  private static final int DOCUMENTS = 80;
  private static final List<String> LANGUAGES = List.of("en", "de", "fr", "english");

  @TempDir Path folder;
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Map<String, Metadata> documents = new LinkedHashMap<>();

  /** A filter in JSON, and what it says. */
  private record Filter(String json, Predicate<Metadata> allows) {
    Filter negated() {
      return new Filter("{\"$not\":" + json + "}", allows.negate());
    }

    Filter joined(String how, Filter other) {
      return new Filter(
          "{\"" + how + "\":[" + json + "," + other.json + "]}",
          how.equals("$all") ? allows.and(other.allows) : allows.or(other.allows));
    }
  }

  private Metadata metadata() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("lang", LANGUAGES.get(random.nextInt(LANGUAGES.size())));
    if (random.nextInt(4) > 0) {
      values.put("year", 1990 + random.nextInt(10));
      values.put("n", random.nextInt(10) / 2.0);
    }
    if (random.nextBoolean()) {
      values.put("tags", List.of("t" + random.nextInt(4), "t" + random.nextInt(4)));
      values.put("author", Map.of("name", "a" + random.nextInt(3), "known", random.nextBoolean()));
    }
    if (random.nextInt(3) == 0) {
      values.put("note", "x".repeat(100 + random.nextInt(2) * 200) + random.nextInt(2));
    }
    return Metadata.of(values);
  }

  private static boolean any(Metadata metadata, String name, Predicate<Object> matches) {
    return metadata.all(name).stream().anyMatch(matches);
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  private List<Filter> filters() {
    String note = "x".repeat(300) + "1";
    List<Filter> simple =
        List.of(
            new Filter("{\"lang\":\"en\"}", m -> any(m, "lang", "en"::equals)),
            new Filter(
                "{\"lang\":{\"prefix\":\"en\"}}",
                m -> any(m, "lang", v -> ((String) v).startsWith("en"))),
            new Filter("{\"tags\":\"t1\"}", m -> any(m, "tags", "t1"::equals)),
            new Filter(
                "{\"tags\":{\"terms\":[\"t1\",\"t2\",\"none\"]}}",
                m -> any(m, "tags", v -> v.equals("t1") || v.equals("t2"))),
            new Filter(
                "{\"year\":{\"gt\":1992,\"lte\":1996}}",
                m -> any(m, "year", v -> number(v) > 1992 && number(v) <= 1996)),
            new Filter(
                "{\"n\":{\"gte\":1.5,\"lt\":3}}",
                m -> any(m, "n", v -> number(v) >= 1.5 && number(v) < 3)),
            new Filter("{\"n\":2}", m -> any(m, "n", v -> number(v) == 2)),
            new Filter("{\"author\":{\"exists\":true}}", m -> m.get("author").isPresent()),
            new Filter("{\"year\":{\"exists\":false}}", m -> m.get("year").isEmpty()),
            new Filter(
                "{\"author\":{\"name\":\"a1\",\"known\":true}}",
                m ->
                    any(m, "author.name", "a1"::equals)
                        && any(m, "author.known", v -> v.equals(true))),
            new Filter("{\"note\":\"" + note + "\"}", m -> any(m, "note", note::equals)));
    List<Filter> all = new ArrayList<>(simple);
    for (Filter filter : simple) {
      all.add(filter.negated());
      Filter other = simple.get(random.nextInt(simple.size()));
      all.add(filter.joined("$all", other.negated()));
      all.add(filter.negated().joined("$any", other));
    }
    return all;
  }

  private void write(Path index, EmbeddingEngine engine, boolean chunked) {
    SchemaBuilder schema = HybridSchema.builder(engine).metadata("year", MetadataType.LONG);
    if (chunked) {
      schema.chunks(24, 6);
    }
    Texts texts = new Texts(seed);
    try (HybridIndexer indexer =
        HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema.build()))) {
      for (int i = 0; i < DOCUMENTS; i++) {
        StringBuilder text = new StringBuilder("Firefly. ");
        for (int sentence = random.nextInt(12); sentence > 0; sentence--) {
          text.append(texts.text(6)).append(". ");
        }
        SourceDocument document = new SourceDocument("d" + i, "", text.toString(), metadata());
        documents.put(document.id(), document.metadata());
        indexer.put(document).join();
        if (i % 25 == 24) {
          indexer.commit();
        }
      }
      for (int i = 0; i < DOCUMENTS; i += 7) {
        indexer.delete("d" + i);
        documents.remove("d" + i);
      }
      indexer.commit();
    }
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void filter_allowsWhatItSays_onEveryLeg(boolean chunked) {
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open()) {
      write(index, engine, chunked);
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        MetadataFilters filters = MetadataFilters.of(searcher.schema());
        for (Filter filter : filters()) {
          Set<String> expected = new TreeSet<>();
          documents.forEach((id, metadata) -> {
            if (filter.allows.test(metadata)) {
              expected.add(id);
            }
          });
          for (Leg leg : Leg.values()) {
            HybridQuery query =
                HybridQuery.of("firefly").legs(leg).filter(filters.parse(filter.json));
            Set<String> found = new TreeSet<>();
            searcher
                .search(query.depth(10_000).top(10_000))
                .hits()
                .forEach(hit -> found.add(hit.id()));
            assertThat(found).as("%s %s, seed %d", leg, filter.json, seed).isEqualTo(expected);
          }
        }
      }
    }
  }
}
