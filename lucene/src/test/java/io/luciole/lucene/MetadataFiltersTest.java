package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Filters by metadata, over an index with fields that the schema declares and others. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetadataFiltersTest {
  private static final String LONG_A = "long ".repeat(100) + "a";
  private static final String LONG_B = "long ".repeat(100) + "b";

  private static final Map<String, String> DOCUMENTS = new LinkedHashMap<>();

  static {
    DOCUMENTS.put(
        "m1",
        """
        {"tags":["a","b"],"lang":"en","price":10.0,"year":1990,"day":"2026-11-22","flag":true,
         "kind":"x","n":10.0,"on":true,"nested":{"k":"v"},"text1":"%s","mixed":["5",6,false]}
        """
            .formatted(LONG_A));
    DOCUMENTS.put(
        "m2",
        """
        {"tags":["b","c"],"lang":"de","price":1e3,"year":2000.0,"day":"2026-11-22T00:00:00Z",
         "flag":"false","kind":"xy","n":1e1,"on":false,"nested.k":"w","text1":"%s",
         "authors":[{"name":"Ada"},{"name":"Bob","born":1990}]}
        """
            .formatted(LONG_B));
    DOCUMENTS.put(
        "m3",
        """
        {"tags":[],"lang":"en","price":"-0.0","year":"2010","day":"2026-11-22 01:00:00+01:00",
         "kind":["y","z"],"n":"10","many":[1,10],"years":[1990,2010],
         "year2":9223372036854775807}
        """);
    DOCUMENTS.put(
        "m4",
        """
        {"lang":null,"price":null,"year":"","day":"  ","flag":null,"kind":"","n":-3,"year2":
         -9223372036854775808}
        """);
    DOCUMENTS.put("m5", "{\"n\":9007199254740993,\"day\":1795305600000}");
    DOCUMENTS.put("m6", "{}");
  }

  @TempDir static Path folder;
  private EmbeddingEngine engine;
  private HybridSearcher searcher;
  private MetadataFilters filters;

  @BeforeAll
  void write() {
    engine = new FakeModel(Output.DENSE, Output.SPARSE).open();
    HybridSchema schema =
        HybridSchema.builder(engine)
            .metadata("price", MetadataType.DOUBLE)
            .metadata("year", MetadataType.LONG)
            .metadata("years", MetadataType.LONG)
            .metadata("year2", MetadataType.LONG)
            .metadata("day", MetadataType.DATE)
            .metadata("flag", MetadataType.BOOLEAN)
            .metadata("kind", MetadataType.KEYWORD)
            .metadata("authors.born", MetadataType.LONG)
            .build();
    try (HybridIndexer indexer =
        HybridIndexer.open(folder, engine, WriteOptions.defaults().schema(schema))) {
      DOCUMENTS.forEach((id, json) ->
          indexer.put(new SourceDocument(id, "", "firefly", Metadata.parse(json))).join());
      indexer.commit();
    }
    searcher = HybridSearcher.open(folder, engine);
    filters = MetadataFilters.of(searcher.schema());
  }

  @AfterAll
  void close() {
    searcher.close();
    engine.close();
  }

  private Set<String> found(Query filter) {
    Set<String> ids = new TreeSet<>();
    for (Leg leg : List.of(Leg.BM25, Leg.DENSE)) {
      TreeSet<String> ofLeg = new TreeSet<>();
      searcher
          .search(HybridQuery.of("firefly").legs(leg).filter(filter).top(100))
          .hits()
          .forEach(hit -> ofLeg.add(hit.id()));
      if (leg == Leg.DENSE) {
        assertThat(ofLeg).isEqualTo(ids);
      }
      ids.addAll(ofLeg);
    }
    return ids;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"tags":"b"}                               | m1 m2
          {"tags":["a","c"]}                         | m1 m2
          {"tags":{"terms":["c","x"]}}               | m2
          {"tags":"[\\"a\\",\\"b\\"]"}               |
          {"lang":"en"}                              | m1 m3
          {"lang":{"prefix":"e"}}                    | m1 m3
          {"lang":{"$prefix":"d"}}                   | m2
          {"lang":{"exists":true}}                   | m1 m2 m3
          {"lang":{"exists":false}}                  | m4 m5 m6
          {"price":10}                               | m1
          {"price":"10"}                             | m1
          {"price":10.000}                           | m1
          {"price":1000}                             | m2
          {"price":[10,1E+3]}                        | m1 m2
          {"price":0}                                | m3
          {"price":-0.0}                             | m3
          {"price":{"gte":0,"lte":0}}                | m3
          {"price":{"gt":0}}                         | m1 m2
          {"price":{"lt":0}}                         |
          {"price":{"gt":10}}                        | m2
          {"price":{"gte":1e308}}                    |
          {"price":{"exists":true}}                  | m1 m2 m3
          {"year":1990.0}                            | m1
          {"year":"1990"}                            | m1
          {"year":2000}                              | m2
          {"year":{"exists":false}}                  | m4 m5 m6
          {"year":{"gt":1989.5,"lt":2000}}           | m1
          {"year":{"gt":"1990"}}                     | m2 m3
          {"year":{"gt":1990,"gte":5}}               | m2 m3
          {"year":{"gte":5,"gt":1990}}               | m2 m3
          {"year":{"gt":9223372036854775807}}        |
          {"year2":{"gt":9223372036854775806}}       | m3
          {"year2":{"gte":9223372036854775807}}      | m3
          {"year2":{"gt":9223372036854775807}}       |
          {"year2":{"lt":-9223372036854775808}}      |
          {"year2":{"lte":-9223372036854775808}}     | m4
          {"year2":{"lt":1e30}}                      | m3 m4
          {"year2":{"gt":1e30}}                      |
          {"years":{"gt":1995,"lt":2005}}            |
          {"years":2010}                             | m3
          {"day":"2026-11-22"}                       | m1 m2 m3 m5
          {"day":"2026-11-22T01:00:00+01:00"}        | m1 m2 m3 m5
          {"day":1795305600000}                      | m1 m2 m3 m5
          {"day":{"gt":"2026-11-21"}}                | m1 m2 m3 m5
          {"day":{"gt":"2026-11-22 00:00:00"}}       |
          {"flag":true}                              | m1
          {"flag":"false"}                           | m2
          {"flag":{"exists":true}}                   | m1 m2
          {"kind":"z"}                               | m3
          {"kind":""}                                | m4
          {"kind":{"prefix":"x"}}                    | m1 m2
          {"n":10}                                   | m1 m2 m3
          {"n":10.00}                                | m1 m2 m3
          {"n":"1e1"}                                | m1 m2
          {"n":"10"}                                 | m1 m2 m3
          {"n":{"gte":10,"lt":11}}                   | m1 m2
          {"n":{"lt":0}}                             | m4
          {"n":{"gt":10}}                            | m5
          {"n":{"gt":9007199254740993}}              |
          {"n":9007199254740993}                     | m5
          {"n":9007199254740992}                     |
          {"many":{"gt":2,"lt":9}}                   |
          {"on":true}                                | m1
          {"on":"false"}                             | m2
          {"nested":{"k":"v"}}                       | m1
          {"nested.k":["v","w"]}                     | m1 m2
          {"nested":{"exists":true}}                 | m1 m2
          {"nested":{"k":{"prefix":"w"}}}            | m2
          {"authors.name":"Bob"}                     | m2
          {"authors":{"name":["Ada"],"born":1990}}   | m2
          {"authors":{"exists":true}}                | m2
          {"authors.born":{"gte":1990}}              | m2
          {"mixed":5}                                | m1
          {"mixed":6}                                | m1
          {"mixed":false}                            | m1
          {"mixed":{"gt":5}}                         | m1
          {"text1":{"prefix":"long long "}}          | m1 m2
          {"$id":["m1","m4"]}                        | m1 m4
          {"$not":{"lang":"en"}}                     | m2 m4 m5 m6
          {"$any":[{"lang":"de"},{"year":2010}]}     | m2 m3
          {"$all":[{"lang":"en"},{"year":2010}]}     | m3
          {"title":"one"}                            |
          """)
  void filter_matchesByValue(String filter, String ids) {
    Set<String> expected = ids == null ? Set.of() : new TreeSet<>(List.of(ids.split(" ")));
    assertThat(found(filters.parse(filter))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"$exists":"lang"}         | filter.$exists: Unknown operator "$exists". Known: $id, $all, $any, $not
          {"lang":{"$in":["en"]}}    | filter.lang: Unknown operator "$in". Known: gt, gte, lt, lte, exists, terms, prefix
          {"lang":{"in":["en"]}}     | filter.lang: Unknown operator "in"
          {"lang":{"Prefix":"e"}}    | filter.lang: Unknown operator "Prefix"
          {"lang":{"gt":1,"x":2}}    | filter.lang: Unknown operator "x"
          {"year":{"gtt":1}}         | filter.year: Unknown operator "gtt"
          {}                         | Expected an object such as
          {"lang":[]}                | filter.lang: Expected a string, number or boolean
          {"lang":null}              | found null
          {"lang":{}}                | filter.lang: Expected operators
          {"lang":{"exists":1}}      | filter.lang.exists: Expected true or false
          {"lang":{"gt":"a"}}        | filter.lang: Expected a number as a bound of metadata "lang", got "a"
          {"year":"soon"}            | filter.year: Expected a whole number as metadata "year", got "soon"
          {"year":1990.5}            | filter.year: Expected a whole number
          {"year":{"prefix":"1"}}    | filter.year.prefix: Expected a keyword
          {"kind":{"gt":"a"}}        | filter.kind: Expected a number or date for a range, got "kind", a keyword
          {"day":{"gte":"soon"}}     | filter.day: Expected a date
          {"flag":"yes"}             | filter.flag: Expected true or false as metadata "flag", got "yes"
          {"$all":[]}                | filter.$all: Expected an array of filters
          {"$any":[{"$x":1}]}        | filter.$any[0].$x: Unknown operator "$x"
          [1]                        | expected a JSON object
          {"a":1e999999}             | filter.a: Expected a number that a double can hold
          {"a":{"gt":1e999999}}      | filter.a.gt: Expected a number that a double can hold
          {"$id":1e999999}           | filter.$id: Expected a number that a double can hold
          """)
  void filter_thatIsWrong_isRefusedInWords(String filter, String message) {
    assertThatThrownBy(() -> filters.parse(filter))
        .isInstanceOf(MetadataFilterException.class)
        .hasMessageContaining(message);
  }

  @Test
  void longValues_areFoundWhole() {
    assertThat(found(filters.equal("text1", LONG_A))).containsExactly("m1");
    assertThat(found(HybridQuery.metadata("text1", LONG_B))).containsExactly("m2");
    assertThat(found(filters.equal("text1", LONG_A + "x"))).isEmpty();
    assertThat(found(filters.prefix("text1", LONG_A.substring(0, 113)))).hasSize(2);
    assertThatThrownBy(() -> filters.prefix("text1", LONG_A.substring(0, 114)))
        .hasMessageContaining("at most 113 bytes in UTF-8, got 114");
  }

  @Test
  void queryWithoutSchema_comparesAsUndeclaredFields() {
    assertThat(found(HybridQuery.metadata("tags", "b"))).containsExactly("m1", "m2");
    assertThat(found(HybridQuery.metadata("year", "2000"))).containsExactly("m2");
    assertThat(found(HybridQuery.metadata("nested.k", "v"))).containsExactly("m1");
  }

  @Test
  void metadata_comesBackAsItWasGiven() {
    for (Hit hit : searcher.search(HybridQuery.of("firefly").top(10)).hits()) {
      assertThat(hit.metadata()).isEqualTo(Metadata.parse(DOCUMENTS.getOrDefault(hit.id(), "{}")));
    }
  }

  @Test
  void tooManyConditions_areRefused() {
    Collection<Integer> many = new TreeSet<>();
    new Random(1).ints(1500, 0, 1 << 30).forEach(many::add);
    assertThatThrownBy(() -> filters.parse(Map.of("n", many), "filter"))
        .hasMessageContaining("1024 conditions");
    assertThat(found(filters.anyOf("n", many))).isEmpty();
  }

  /** Random numbers, and every question about them asked of the index and of the numbers. */
  @Test
  void numbers_areComparedAsNumbers() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Object[] numbers = {
      0,
      -0.0,
      1,
      1.0,
      -1,
      2.5,
      1e-300,
      -1e300,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      1L << 53,
      (1L << 53) + 1,
      random.nextLong(),
      random.nextDouble(),
      random.nextInt(),
      0.1f
    };
    Path index = folder.resolve("numbers");
    HybridSchema schema =
        HybridSchema.builder(engine).metadata("typed", MetadataType.DOUBLE).build();
    try (HybridIndexer indexer =
        HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema))) {
      for (int i = 0; i < numbers.length; i++) {
        Map<String, Object> both = Map.of("typed", numbers[i], "free", numbers[i]);
        indexer.put(new SourceDocument("d" + i, "", "firefly", both)).join();
      }
      indexer.commit();
    }
    try (HybridSearcher of = HybridSearcher.open(index, engine)) {
      MetadataFilters by = MetadataFilters.of(of.schema());
      for (Object bound : numbers) {
        double b = ((Number) bound).doubleValue();
        Map<MetadataBounds, Predicate<Double>> questions =
            Map.of(
                MetadataBounds.above(bound), x -> x > b,
                MetadataBounds.atLeast(bound), x -> x >= b,
                MetadataBounds.below(bound), x -> x < b,
                MetadataBounds.atMost(bound).and(MetadataBounds.Kind.GT, -1),
                    x -> x <= b && x > -1);
        questions.forEach((bounds, matches) -> {
          Set<String> expected = new TreeSet<>();
          for (int i = 0; i < numbers.length; i++) {
            if (matches.test(((Number) numbers[i]).doubleValue())) {
              expected.add("d" + i);
            }
          }
          for (String name : List.of("typed", "free")) {
            Set<String> ids = new TreeSet<>();
            of.search(HybridQuery.of("firefly").filter(by.range(name, bounds)).top(100))
                .hits()
                .forEach(hit -> ids.add(hit.id()));
            assertThat(ids).as("%s %s, seed %d", name, bounds, seed).isEqualTo(expected);
          }
        });
      }
    }
  }
}
