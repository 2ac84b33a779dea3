package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
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
import org.apache.lucene.search.ConstantScoreQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.LRUQueryCache;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryCachingPolicy;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Filters, above all those that exclude, against a look at every document; and the legs' queries
 * beside the exclusions of an application.
 */
class ExclusionTest {
  private static final List<String> LANGUAGES = List.of("en", "de", "fr");

  /** Deep enough for all documents, so that no search is approximate. */
  private static final int ALL = 100_000;

  @TempDir Path folder;
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Texts texts = new Texts(seed);
  private final Map<String, SourceDocument> documents = new LinkedHashMap<>();

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
    return new Filter(HybridQuery.metadata(name, value), d -> value.equals(d.metadata().get(name)));
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
    return Long.parseLong(document.metadata().getOrDefault("year", "0"));
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

  static Stream<Arguments> shapes() {
    List<Arguments> shapes = new ArrayList<>();
    for (boolean chunked : new boolean[] {false, true}) {
      for (boolean merged : new boolean[] {false, true}) {
        shapes.add(Arguments.of(chunked, merged, SparseForm.IMPACTS, DenseQuantization.NONE));
        shapes.add(Arguments.of(chunked, merged, SparseForm.FEATURES, DenseQuantization.BITS_8));
      }
    }
    return shapes.stream();
  }

  /** Writes documents of up to 14 sentences in four commits; a seventh of them is deleted later. */
  private void write(
      Path index,
      EmbeddingEngine engine,
      boolean chunked,
      boolean merged,
      SparseForm form,
      DenseQuantization quantization) {
    HybridSchema.Builder schema =
        HybridSchema.builder(engine)
            .sparseForm(form)
            .quantization(quantization)
            .metadata("year", MetadataType.LONG);
    if (chunked) {
      schema.chunks(24, 6);
    }
    WriteOptions how = WriteOptions.defaults().schema(schema.build());
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, how)) {
      List<CompletableFuture<Boolean>> written = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        StringBuilder text = new StringBuilder();
        for (int sentence = random.nextInt(15); sentence > 0; sentence--) {
          text.append(texts.text(5 + random.nextInt(6))).append(". ");
        }
        Map<String, String> metadata =
            Map.of(
                "lang",
                LANGUAGES.get(random.nextInt(3)),
                "year",
                Integer.toString(1980 + random.nextInt(40)));
        SourceDocument document = new SourceDocument("d" + i, "", text.toString(), metadata);
        documents.put(document.id(), document);
        written.add(indexer.put(document));
        if (i % 100 == 99) {
          written.forEach(CompletableFuture::join);
          indexer.commit();
        }
      }
      if (merged) {
        indexer.commitMerged();
      }
      for (int i = 0; i < 400; i += 7) {
        documents.remove("d" + i);
        indexer.delete("d" + i);
      }
      indexer.commit();
    }
  }

  @ParameterizedTest(name = "chunked {0}, merged {1}, {2}, {3}")
  @MethodSource("shapes")
  void everyLeg_findsWhatTheFilterAllowsAndNothingElse(
      boolean chunked, boolean merged, SparseForm form, DenseQuantization quantization) {
    try (EmbeddingEngine engine = FakeModel.withAll().open()) {
      Path index = folder.resolve("index");
      write(index, engine, chunked, merged, form, quantization);
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        for (int q = 0; q < 4; q++) {
          HybridQuery query = HybridQuery.of(texts.text(1 + 3 * q)).top(ALL);
          SearchResult all = searcher.search(query.depth(ALL));
          assertThat(all.leg(Leg.DENSE)).hasSameSizeAs(documents.keySet());
          for (Filter filter : filters()) {
            String what = "seed %d, %s, %s".formatted(seed, query.text(), filter.query);
            List<String> allowed =
                documents.values().stream().filter(filter.allows).map(SourceDocument::id).toList();
            SearchResult deep = searcher.search(query.depth(ALL).filter(filter.query));
            SearchResult ten = searcher.search(query.depth(10).filter(filter.query));
            assertThat(deep.hits()).as(what).extracting(Hit::id).hasSameElementsAs(allowed);
            for (Leg leg : Leg.values()) {
              List<ScoredId> expected =
                  all.leg(leg).stream().filter(hit -> allowed.contains(hit.id())).toList();
              ScoredLists.assertAlike(what + ", " + leg, deep.leg(leg), expected);
              assertThat(ten.leg(leg))
                  .as(what + ", " + leg)
                  .hasSize(Math.min(10, expected.size()))
                  .extracting(ScoredId::id)
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
  }

  @ParameterizedTest(name = "chunked {0}, merged {1}, {2}, {3}")
  @MethodSource("shapes")
  void queriesOfTheLegs_areSafeBesideExclusionsOfAnApplication(
      boolean chunked, boolean merged, SparseForm form, DenseQuantization quantization)
      throws Exception {
    try (EmbeddingEngine engine = FakeModel.withAll().open()) {
      Path index = folder.resolve("index");
      write(index, engine, chunked, merged, form, quantization);
      try (FSDirectory directory = FSDirectory.open(index);
          DirectoryReader reader = DirectoryReader.open(directory)) {
        IndexSearcher plain = new IndexSearcher(reader);
        plain.setQueryCache(null);
        IndexSearcher caching = new IndexSearcher(reader);
        caching.setQueryCache(new LRUQueryCache(1000, 100_000_000, leaf -> true, 1));
        caching.setQueryCachingPolicy(always());
        String text = texts.text(5);
        Embedding query =
            engine.embed(text, EmbedOptions.query().outputs(engine.backend().outputs())).join();
        LegQueries queries = new LegQueries(IndexDescription.read(index).schema());
        Map<Leg, Query> legs = new EnumMap<>(Leg.class);
        legs.put(Leg.DENSE, queries.vectors().dense(query.dense(), 400, null));
        legs.put(Leg.SPARSE, queries.vectors().sparse(query.sparse(), null));
        legs.put(Leg.BM25, queries.bm25(text, null));
        for (Map.Entry<Leg, Query> leg : legs.entrySet()) {
          List<ScoredId> all = hits(plain, leg.getValue(), ALL);
          for (Filter filter : filters()) {
            String what = "seed %d, %s, %s, -%s".formatted(seed, leg.getKey(), text, filter.query);
            List<ScoredId> expected = all.stream().filter(h -> !allows(filter, h)).toList();
            Query scored = with(leg.getValue(), Occur.MUST, filter.query, Occur.MUST_NOT);
            ScoredLists.assertAlike(what, hits(plain, scored, ALL), expected);
            assertThat(hits(plain, scored, 10))
                .as(what)
                .isEqualTo(hits(plain, scored, ALL).stream().limit(10).toList());
            assertThat(plain.count(scored)).as(what).isEqualTo(expected.size());
            List<Query> unscored =
                List.of(
                    with(leg.getValue(), Occur.SHOULD, filter.query, Occur.MUST_NOT),
                    with(leg.getValue(), Occur.FILTER, filter.query, Occur.MUST_NOT),
                    new ConstantScoreQuery(scored));
            for (Query each : unscored) {
              for (IndexSearcher searcher : List.of(plain, caching, caching)) {
                assertThat(hits(searcher, each, ALL))
                    .as(what)
                    .extracting(ScoredId::id)
                    .containsExactlyInAnyOrderElementsOf(
                        expected.stream().map(ScoredId::id).toList());
              }
            }
            // The leg as what is excluded.
            Query reverse = with(filter.query, Occur.MUST, leg.getValue(), Occur.MUST_NOT);
            List<String> found = all.stream().map(ScoredId::id).toList();
            assertThat(hits(plain, with(reverse, Occur.MUST, queries.all(), Occur.FILTER), ALL))
                .as(what)
                .extracting(ScoredId::id)
                .containsExactlyInAnyOrderElementsOf(
                    documents.values().stream()
                        .filter(filter.allows)
                        .map(SourceDocument::id)
                        .filter(id -> !found.contains(id))
                        .toList());
          }
        }
      }
    }
  }

  private boolean allows(Filter filter, ScoredId hit) {
    SourceDocument document = documents.get(hit.id());
    assertThat(document).as("seed %d, deleted document %s", seed, hit.id()).isNotNull();
    return document != null && filter.allows.test(document);
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
      throws Exception {
    List<ScoredId> hits = new ArrayList<>();
    ScoreDoc[] found = searcher.search(query, count).scoreDocs;
    for (ScoreDoc hit : found) {
      hits.add(new ScoredId(id(searcher.getIndexReader(), hit.doc), hit.score));
    }
    return hits;
  }

  private static String id(IndexReader reader, int doc) throws Exception {
    LeafReaderContext leaf = reader.leaves().get(ReaderUtil.subIndex(doc, reader.leaves()));
    BinaryDocValues ids = leaf.reader().getBinaryDocValues(SchemaFields.ID);
    assertThat(ids.advanceExact(doc - leaf.docBase)).isTrue();
    return ids.binaryValue().utf8ToString();
  }
}
