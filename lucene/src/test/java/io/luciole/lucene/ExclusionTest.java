package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.ExclusionIndexes.Built;
import io.luciole.lucene.ExclusionIndexes.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.lucene.document.LongField;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.ConstantScoreQuery;
import org.apache.lucene.search.DisjunctionMaxQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.LRUQueryCache;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryCachingPolicy;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Filters, above all those that exclude, against a look at every document; and the legs' queries
 * beside the exclusions of an application.
 */
class ExclusionTest {
  /** Deep enough for all documents, so that no search is approximate. */
  private static final int ALL = 100_000;

  private static final long SEED = new Random().nextLong();

  @TempDir static Path folder;
  private static EmbeddingEngine engine;
  private static ExclusionIndexes indexes;

  @BeforeAll
  static void open() {
    engine = FakeModel.withAll().open();
    indexes = new ExclusionIndexes(folder, engine, SEED);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  static List<Shape> shapes() {
    return ExclusionIndexes.SHAPES;
  }

  static Stream<Shape> ownShapes() {
    return shapes().stream().filter(s -> s.segments() != ExclusionIndexes.Segments.SORTED);
  }

  /** A filter, and which documents it allows. */
  private record Filter(Query query, Predicate<SourceDocument> allows) {
    Filter negated() {
      return new Filter(not(query), allows.negate());
    }
  }

  private static Query not(Query query) {
    return with(MatchAllDocsQuery.INSTANCE, Occur.FILTER, query, Occur.MUST_NOT);
  }

  private static Query with(Query a, Occur how, Query b, Occur too) {
    return new BooleanQuery.Builder().add(a, how).add(b, too).build();
  }

  private static Filter is(String name, String value) {
    return new Filter(
        HybridQuery.metadata(name, value), d -> d.metadata().all(name).contains(value));
  }

  private static Filter ids(String... ids) {
    BooleanQuery.Builder any = new BooleanQuery.Builder();
    for (String id : ids) {
      any.add(new TermQuery(new Term(SchemaFields.ID, id)), Occur.SHOULD);
    }
    return new Filter(any.build(), d -> List.of(ids).contains(d.id()));
  }

  private static Filter years(long from, long to) {
    return new Filter(
        LongField.newRangeQuery(SchemaFields.METADATA_PREFIX + "year", from, to),
        d -> year(d) >= from && year(d) <= to);
  }

  private static long year(SourceDocument document) {
    return Long.parseLong(document.metadata().text("year").orElse("0"));
  }

  private static List<Filter> filters() {
    Filter en = is("lang", "en");
    Filter de = is("lang", "de");
    Filter old = years(1990, 2004);
    // Ids are terms of passages, too.
    Filter some = ids("d1", "d5", "d6", "d11", "d40", "d41", "d42");
    Query onlyExclusion = new BooleanQuery.Builder().add(en.query, Occur.MUST_NOT).build();
    return List.of(
        en,
        old,
        some,
        en.negated(),
        en.negated().negated(),
        old.negated(),
        some.negated(),
        is("lang", "none").negated(),
        is("lang", "none"),
        new Filter(
            with(old.query, Occur.FILTER, en.query, Occur.MUST_NOT),
            d -> old.allows.test(d) && !en.allows.test(d)),
        new Filter(
            with(old.query, Occur.MUST, not(en.query), Occur.FILTER),
            d -> old.allows.test(d) && !en.allows.test(d)),
        new Filter(
            with(not(old.query), Occur.FILTER, not(en.query), Occur.FILTER),
            d -> !old.allows.test(d) && !en.allows.test(d)),
        new Filter(
            with(not(old.query), Occur.SHOULD, en.query, Occur.SHOULD),
            d -> !old.allows.test(d) || en.allows.test(d)),
        new Filter(
            not(with(old.query, Occur.FILTER, en.query, Occur.MUST_NOT)),
            d -> !old.allows.test(d) || en.allows.test(d)),
        new Filter(
            with(not(en.query), Occur.FILTER, not(de.query), Occur.FILTER),
            is("lang", "fr").allows),
        // What holds nothing but exclusions matches nothing in Lucene.
        new Filter(onlyExclusion, d -> false));
  }

  @ParameterizedTest
  @MethodSource("ownShapes")
  void everyLeg_findsWhatTheFilterAllowsAndNothingElse(Shape shape) throws IOException {
    Built index = indexes.of(shape);
    try (HybridSearcher searcher = HybridSearcher.open(index.folder(), engine)) {
      for (int words : List.of(1, 6)) {
        HybridQuery query = HybridQuery.of(indexes.text(words)).top(0);
        SearchResult all = searcher.search(query.depth(ALL));
        assertThat(all.leg(Leg.DENSE)).hasSameSizeAs(index.documents().keySet());
        for (Filter filter : filters()) {
          String what = "seed %d, %s, %s".formatted(SEED, query.text(), filter.query);
          Set<String> allowed = allowed(index, filter.allows);
          SearchResult deep = searcher.search(query.depth(ALL).filter(filter.query));
          SearchResult ten = searcher.search(query.depth(10).filter(filter.query));
          assertThat(ids(deep.fused())).as(what).hasSameElementsAs(allowed);
          for (Leg leg : Leg.values()) {
            List<ScoredId> expected =
                all.leg(leg).stream().filter(hit -> allowed.contains(hit.id())).toList();
            ScoredLists.assertAlike(what + ", " + leg, deep.leg(leg), expected);
            assertThat(ids(ten.leg(leg)))
                .as(what + ", " + leg)
                .hasSize(Math.min(10, expected.size()))
                .isSubsetOf(allowed);
            if (leg != Leg.DENSE) {
              assertThat(ten.leg(leg))
                  .as(what + ", " + leg)
                  .extracting(ScoredId::score)
                  .isEqualTo(deep.leg(leg).stream().limit(10).map(ScoredId::score).toList());
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void queriesOfTheLegs_areSafeBesideExclusionsOfAnApplication(Shape shape) throws IOException {
    Built index = indexes.of(shape);
    try (FSDirectory directory = FSDirectory.open(index.folder());
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher plain = new IndexSearcher(reader);
      plain.setQueryCache(null);
      IndexSearcher caching = new IndexSearcher(reader);
      caching.setQueryCache(new LRUQueryCache(1000, 100_000_000, leaf -> true, 1));
      caching.setQueryCachingPolicy(always());
      Query whole = new LegQueries(index.schema()).all();
      String text = indexes.text(5);
      for (Map.Entry<Leg, Query> leg : indexes.legs(index.schema(), text).entrySet()) {
        Query query = leg.getValue();
        List<ScoredId> all = hits(plain, query, ALL);
        for (Filter filter : filters()) {
          String what = "seed %d, %s, %s, -%s".formatted(SEED, leg.getKey(), text, filter.query);
          Set<String> excluded = allowed(index, filter.allows);
          List<ScoredId> expected =
              all.stream().filter(hit -> !excluded.contains(hit.id())).toList();
          assertThat(index.documents().keySet()).as(what).containsAll(ids(all));
          Query scored = with(query, Occur.MUST, filter.query, Occur.MUST_NOT);
          List<ScoredId> found = hits(plain, scored, ALL);
          ScoredLists.assertAlike(what, found, expected);
          assertThat(hits(plain, scored, 10)).as(what).isEqualTo(first(10, found));
          assertThat(plain.count(scored)).as(what).isEqualTo(expected.size());
          List<Query> nested = nested(query, filter.query);
          for (Query each : nested) {
            assertThat(ids(hits(plain, each, ALL)))
                .as("%s as %s", what, each)
                .containsExactlyInAnyOrderElementsOf(ids(expected));
          }
          for (Query cached : List.of(nested.get(1), nested.get(2), nested.get(2))) {
            assertThat(ids(hits(caching, cached, ALL)))
                .as("%s as %s, cached", what, cached)
                .containsExactlyInAnyOrderElementsOf(ids(expected));
          }
          // The leg as what is excluded.
          Query reverse = with(filter.query, Occur.MUST, query, Occur.MUST_NOT);
          Set<String> rest = new HashSet<>(excluded);
          rest.removeAll(ids(all));
          assertThat(ids(hits(plain, with(reverse, Occur.MUST, whole, Occur.FILTER), ALL)))
              .as(what)
              .containsExactlyInAnyOrderElementsOf(rest);
        }
      }
    }
  }

  /** Queries of an application that all mean the leg's documents without the excluded ones. */
  private static List<Query> nested(Query leg, Query excluded) {
    Query without = with(leg, Occur.MUST, excluded, Occur.MUST_NOT);
    Query none = new MatchNoDocsQuery("nothing");
    return List.of(
        with(leg, Occur.SHOULD, excluded, Occur.MUST_NOT),
        with(leg, Occur.FILTER, excluded, Occur.MUST_NOT),
        new ConstantScoreQuery(without),
        with(without, Occur.SHOULD, none, Occur.SHOULD),
        with(without, Occur.MUST, MatchAllDocsQuery.INSTANCE, Occur.FILTER),
        with(with(leg, Occur.SHOULD, none, Occur.SHOULD), Occur.MUST, excluded, Occur.MUST_NOT),
        with(new BoostQuery(leg, 2), Occur.MUST, excluded, Occur.MUST_NOT),
        with(new DisjunctionMaxQuery(List.of(leg, none), 0), Occur.MUST, excluded, Occur.MUST_NOT));
  }

  private static Set<String> allowed(Built index, Predicate<SourceDocument> allows) {
    Set<String> ids = new HashSet<>();
    index.documents().values().stream().filter(allows).forEach(d -> ids.add(d.id()));
    return ids;
  }

  private static List<String> ids(List<ScoredId> hits) {
    return hits.stream().map(ScoredId::id).toList();
  }

  private static <T> List<T> first(int count, List<T> list) {
    return list.subList(0, Math.min(count, list.size()));
  }

  private static QueryCachingPolicy always() {
    return new QueryCachingPolicy() {
      @Override
      public void onUse(Query query) {}

      @Override
      public boolean shouldCache(Query query) {
        return true;
      }
    };
  }

  private static List<ScoredId> hits(IndexSearcher searcher, Query query, int count)
      throws IOException {
    List<ScoredId> hits = new ArrayList<>();
    ScoreDoc[] found = searcher.search(query, count).scoreDocs;
    for (ScoreDoc hit : found) {
      hits.add(new ScoredId(id(searcher.getIndexReader(), hit.doc), hit.score));
    }
    return hits;
  }

  private static String id(IndexReader reader, int doc) throws IOException {
    LeafReaderContext leaf = reader.leaves().get(ReaderUtil.subIndex(doc, reader.leaves()));
    BinaryDocValues ids = leaf.reader().getBinaryDocValues(SchemaFields.ID);
    assertThat(ids.advanceExact(doc - leaf.docBase)).isTrue();
    return ids.binaryValue().utf8ToString();
  }
}
