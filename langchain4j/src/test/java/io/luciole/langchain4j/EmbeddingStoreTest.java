package io.luciole.langchain4j;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.CosineSimilarity;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.RelevanceScore;
import dev.langchain4j.store.embedding.filter.Filter;
import dev.langchain4j.store.embedding.filter.comparison.ContainsString;
import dev.langchain4j.store.embedding.filter.comparison.IsEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsGreaterThan;
import dev.langchain4j.store.embedding.filter.comparison.IsGreaterThanOrEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsIn;
import dev.langchain4j.store.embedding.filter.comparison.IsLessThan;
import dev.langchain4j.store.embedding.filter.comparison.IsLessThanOrEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsNotEqualTo;
import dev.langchain4j.store.embedding.filter.comparison.IsNotIn;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the published kits do not ask of a store. */
class EmbeddingStoreTest {
  private static final List<String> TEXTS =
      List.of(
          "Fireflies glow in summer nights.",
          "The harbour was full of ships.",
          "Bread is baked before dawn.",
          "A glow worm is a beetle.",
          "Winter came early to the hills.");

  private static Stores stores;
  @TempDir Path folder;

  @BeforeAll
  static void open() {
    stores = new Stores();
  }

  @AfterEach
  void closeStore() {
    stores.closeStore();
  }

  @AfterAll
  static void close() {
    stores.close();
  }

  private LucioleEmbeddingStore store() {
    return stores.in(folder);
  }

  private static List<TextSegment> segments() {
    return TEXTS.stream().map(TextSegment::from).toList();
  }

  private static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }

  private static List<Embedding> embeddings(LucioleEmbeddingModel model) {
    return model.embedAll(segments()).content();
  }

  private static EmbeddingSearchRequest.EmbeddingSearchRequestBuilder ask(String query) {
    return EmbeddingSearchRequest.builder()
        .query(query)
        .queryEmbedding(stores.model.embed(query).content());
  }

  private static List<String> ids(List<EmbeddingMatch<TextSegment>> matches) {
    return matches.stream().map(EmbeddingMatch::embeddingId).toList();
  }

  /** How many texts the engine was given since this was last called. */
  private static final class Computed {
    private long before = stores.engine.stats().submitted();

    long more() {
      long now = stores.engine.stats().submitted();
      long more = now - before;
      before = now;
      return more;
    }
  }

  @Test
  void vectorsOfTheModel_areNotComputedAgain() {
    List<Embedding> embeddings = embeddings(stores.model);
    EmbeddingSearchRequest request = ask("Which insects glow?").build();
    Computed computed = new Computed();
    store().addAll(numbers(TEXTS.size()), embeddings, segments());
    assertThat(ids(store().search(request).matches())).hasSize(3);
    assertThat(computed.more()).isZero();
  }

  @Test
  void indexOfTheStore_isThatOfTheIndexer() {
    store().addAll(numbers(TEXTS.size()), embeddings(stores.model), segments());
    stores.closeStore();
    try (HybridSearcher ours = HybridSearcher.open(folder, stores.engine);
        HybridIndexer indexer = HybridIndexer.open(folder.resolve("reference"), stores.engine)) {
      for (int i = 0; i < TEXTS.size(); i++) {
        indexer.put(SourceDocument.of(Integer.toString(i), "", TEXTS.get(i))).join();
      }
      try (HybridSearcher reference = HybridSearcher.open(indexer, stores.engine)) {
        HybridQuery query = HybridQuery.of("glow in the night");
        List<Hit> expected = reference.search(query).hits();
        List<Hit> found = ours.search(query).hits();
        assertThat(found).extracting(Hit::id).isEqualTo(expected.stream().map(Hit::id).toList());
        for (int i = 0; i < found.size(); i++) {
          assertThat(found.get(i).score()).isCloseTo(expected.get(i).score(), within(1e-5));
          assertThat(found.get(i).legs().keySet()).isEqualTo(expected.get(i).legs().keySet());
        }
      }
    }
  }

  @Test
  void vectorsMadeElsewhere_areKeptAndTheRestIsComputed() {
    float[] given = stores.engine.embed(TEXTS.get(1)).join().dense();
    Computed computed = new Computed();
    store().add(Embedding.from(given), TextSegment.from(TEXTS.get(0)));
    assertThat(computed.more()).isEqualTo(1);
    EmbeddingMatch<TextSegment> match =
        store().search(ask("Fireflies glow").build()).matches().get(0);
    assertThat(match.embedding().vector()).isEqualTo(given);
    stores.closeStore();
    try (HybridSearcher searcher = HybridSearcher.open(folder, stores.engine)) {
      Map<Leg, ?> legs = searcher.search("Fireflies glow").hits().get(0).legs();
      assertThat(legs.keySet()).containsExactlyInAnyOrder(Leg.values());
    }
  }

  /** Its length would count as nearness to everything. */
  @Test
  void vectorOfAnotherLength_isScaled_andZeroIsRefused() {
    float[] unit = stores.engine.embed(TEXTS.get(1)).join().dense();
    float[] longer = unit.clone();
    for (int i = 0; i < longer.length; i++) {
      longer[i] *= 10;
    }
    store().add(Embedding.from(longer), TextSegment.from(TEXTS.get(1)));
    EmbeddingMatch<TextSegment> match = store().search(ask(TEXTS.get(0)).build()).matches().get(0);
    assertThat(match.embedding().vector())
        .usingComparatorWithPrecision(1e-5f)
        .containsExactly(unit);

    float[] zero = new float[unit.length];
    assertThatThrownBy(() -> store().add(Embedding.from(zero), TextSegment.from("x")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("above 0");
  }

  @Test
  void vectorOfAnotherText_doesNotBringItsWeights() {
    Embedding ofSummary = stores.model.embed(TextSegment.from("harbour ships")).content();
    store().add(ofSummary, TextSegment.from(TEXTS.get(0)));
    stores.closeStore();
    try (HybridSearcher searcher = HybridSearcher.open(folder, stores.engine)) {
      Hit hit = searcher.search(HybridQuery.of(TEXTS.get(0)).legs(Leg.SPARSE)).hits().get(0);
      io.luciole.Embedding own = stores.engine.embed(TEXTS.get(0)).join();
      assertThat(requireNonNull(hit.legs().get(Leg.SPARSE), "sparse").score())
          .isCloseTo(own.sparse().dot(own.sparse()), within(1e-3f));
    }
  }

  @Test
  void missingVectors_areComputedInOnePass() {
    Computed computed = new Computed();
    store().addAll(numbers(TEXTS.size()), Collections.nCopies(TEXTS.size(), null), segments());
    assertThat(computed.more()).isEqualTo(TEXTS.size());
    EmbeddingMatch<TextSegment> match = store().search(ask(TEXTS.get(2)).build()).matches().get(0);
    assertThat(match.embeddingId()).isEqualTo("2");
    assertThat(match.score()).isCloseTo(1, within(1e-6));
  }

  @Test
  void idThatStandsTwiceInACall_hasTheLastText_howeverItsVectorCame() {
    Embedding elsewhere = Embedding.from(stores.engine.embed(TEXTS.get(0)).join().dense());
    Embedding known = stores.model.embed(TextSegment.from(TEXTS.get(0))).content();
    for (List<Embedding> embeddings :
        List.of(
            Arrays.asList(elsewhere, null),
            Arrays.asList(null, elsewhere),
            List.of(elsewhere, known))) {
      store()
          .addAll(
              List.of("a", "a"),
              embeddings,
              List.of(TextSegment.from("the first"), TextSegment.from("the last")));
      assertThat(store().search(ask("the").build()).matches())
          .singleElement()
          .satisfies(match -> assertThat(match.embedded().text()).isEqualTo("the last"));
    }
  }

  @Test
  void tokenVectors_areReusedOrComputedAsTheModelSays() {
    WriteOptions options =
        WriteOptions.defaults()
            .schema(HybridSchema.builder(stores.engine).multiVectors(MultiVectorForm.INT8).build());
    LucioleEmbeddingModel all =
        LucioleEmbeddingModel.builder(stores.engine).tokenVectors(true).build();
    for (LucioleEmbeddingModel model : List.of(all, stores.model)) {
      List<Embedding> embeddings = embeddings(model);
      Embedding query = model.embed("glow").content();
      Computed computed = new Computed();
      try (LucioleEmbeddingStore store =
          LucioleEmbeddingStore.builder(model)
              .writeOptions(options)
              .queries(q -> q.rerank(10))
              .open(folder.resolve(model == all ? "all" : "some"))) {
        store.addAll(embeddings, segments());
        store.add(embeddings.get(0));
        EmbeddingSearchRequest request =
            EmbeddingSearchRequest.builder().query("glow").queryEmbedding(query).build();
        assertThat(store.search(request).matches()).hasSize(3);
      }
      assertThat(computed.more()).isEqualTo(model == all ? 0 : TEXTS.size() + 1);
    }
  }

  @Test
  void vectorWithoutText_isFoundByItsNearnessAlone() {
    store().addAll(numbers(TEXTS.size()), embeddings(stores.model), segments());
    Embedding bare = stores.model.embed(TextSegment.from("harbour")).content();
    store().add("bare", bare);
    EmbeddingSearchRequest near =
        EmbeddingSearchRequest.builder().queryEmbedding(bare).maxResults(1).build();
    EmbeddingMatch<TextSegment> match = store().search(near).matches().get(0);
    assertThat(match.embeddingId()).isEqualTo("bare");
    assertThat(match.embedded()).isNull();
    assertThatThrownBy(
            () -> store().addAll(List.of("neither"), Collections.singletonList(null), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected an embedding or a text for the id neither");
  }

  @Test
  void query_searchesByWordsToo_andScoresStayCosines() {
    store().addAll(numbers(TEXTS.size()), embeddings(stores.model), segments());
    Embedding far = stores.model.embed("Winter came early to the hills.").content();
    EmbeddingSearchRequest.EmbeddingSearchRequestBuilder request =
        EmbeddingSearchRequest.builder().queryEmbedding(far).maxResults(5);
    assertThat(ids(store().search(request.build()).matches())).startsWith("4");

    stores.closeStore();
    try (LucioleEmbeddingStore words =
        LucioleEmbeddingStore.builder(stores.model)
            .queries(query -> query.legs(Leg.BM25))
            .open(folder)) {
      List<EmbeddingMatch<TextSegment>> matches =
          words.search(request.query("harbour ships").build()).matches();
      assertThat(ids(matches)).containsExactly("1");
      assertThat(matches.get(0).score())
          .isCloseTo(
              RelevanceScore.fromCosineSimilarity(
                  CosineSimilarity.between(far, matches.get(0).embedding())),
              within(1e-9));
    }
  }

  @Test
  void leastScore_dropsHitsAndOthersTakeTheirPlaces() {
    int count = 40;
    List<TextSegment> segments = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      segments.add(TextSegment.from("glow ".repeat(i + 1).strip()));
    }
    store().addAll(numbers(count), stores.model.embedAll(segments).content(), segments);
    Embedding last = stores.model.embed(segments.get(count - 1).text()).content();
    EmbeddingSearchRequest.EmbeddingSearchRequestBuilder all =
        EmbeddingSearchRequest.builder().query("glow").queryEmbedding(last).maxResults(count);
    List<EmbeddingMatch<TextSegment>> ranked = store().search(all.build()).matches();
    double least =
        ranked.stream()
            .mapToDouble(EmbeddingMatch::score)
            .sorted()
            .skip(count / 2)
            .findFirst()
            .orElseThrow();
    List<String> relevant = ids(ranked.stream().filter(match -> match.score() >= least).toList());
    for (int wanted : new int[] {1, 5, count / 2, count}) {
      List<EmbeddingMatch<TextSegment>> found =
          store().search(all.maxResults(wanted).minScore(least).build()).matches();
      assertThat(ids(found)).isEqualTo(relevant.subList(0, Math.min(wanted, relevant.size())));
    }
  }

  @Test
  void everyFilter_meansWhatItMeansInLangChain4j() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    List<TextSegment> segments = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      Metadata metadata = new Metadata();
      if (random.nextInt(4) > 0) {
        metadata.put("text", word(random));
      }
      if (random.nextInt(4) > 0) {
        metadata.put("whole", random.nextInt(6) - 3);
      }
      if (random.nextInt(4) > 0) {
        metadata.put("real", random.nextInt(8) / 4f);
      }
      if (random.nextInt(4) > 0) {
        metadata.put("typed", (long) random.nextInt(6));
      }
      segments.add(TextSegment.from("glow", metadata));
    }
    WriteOptions options =
        WriteOptions.defaults()
            .schema(
                HybridSchema.builder(stores.engine).metadata("typed", MetadataType.LONG).build());
    Embedding glow = stores.model.embed(TextSegment.from("glow")).content();
    try (LucioleEmbeddingStore store =
        LucioleEmbeddingStore.builder(stores.model).writeOptions(options).open(folder)) {
      store.addAll(numbers(30), Collections.nCopies(30, glow), segments);
      for (int i = 0; i < 200; i++) {
        Filter filter = filter(random, 3);
        Set<String> expected = new TreeSet<>();
        for (int s = 0; s < segments.size(); s++) {
          if (filter.test(segments.get(s).metadata())) {
            expected.add(Integer.toString(s));
          }
        }
        EmbeddingSearchRequest request =
            EmbeddingSearchRequest.builder()
                .queryEmbedding(glow)
                .maxResults(100)
                .filter(filter)
                .build();
        assertThat(new TreeSet<>(ids(store.search(request).matches())))
            .as("%s, seed %d", filter, seed)
            .isEqualTo(expected);
      }
    }
  }

  private static String word(Random random) {
    return "ab".repeat(random.nextInt(80)) + "abc".charAt(random.nextInt(3));
  }

  private static Filter filter(Random random, int depth) {
    return switch (random.nextInt(depth > 0 ? 8 : 5)) {
      case 0, 1 -> comparison(random, "text", word(random));
      case 2 -> comparison(random, "whole", random.nextInt(6) - 3);
      case 3 -> comparison(random, "real", random.nextInt(8) / 4.0);
      case 4 -> comparison(random, "typed", (long) random.nextInt(6));
      case 5 -> filter(random, depth - 1).and(filter(random, depth - 1));
      case 6 -> filter(random, depth - 1).or(filter(random, depth - 1));
      default -> Filter.not(filter(random, depth - 1));
    };
  }

  private static <T extends Comparable<T>> Filter comparison(Random random, String key, T value) {
    return switch (random.nextInt(value instanceof String ? 9 : 8)) {
      case 0 -> new IsEqualTo(key, value);
      case 1 -> new IsNotEqualTo(key, value);
      case 2 -> new IsGreaterThan(key, value);
      case 3 -> new IsGreaterThanOrEqualTo(key, value);
      case 4 -> new IsLessThan(key, value);
      case 5 -> new IsLessThanOrEqualTo(key, value);
      case 6 -> new IsIn(key, List.of(value));
      case 7 -> new IsNotIn(key, List.of(value));
      default -> new ContainsString(key, value.toString().substring(value.toString().length() / 2));
    };
  }

  @Test
  void store_isAsItWasAfterItIsOpenedAgain() {
    store().addAll(numbers(TEXTS.size()), embeddings(stores.model), segments());
    store().removeAll(List.of("1", "3"));
    stores.closeStore();
    assertThat(ids(store().search(ask("glow").maxResults(10).build()).matches()))
        .containsExactlyInAnyOrder("0", "2", "4");
  }

  @Test
  void indexer_ofTheApplication_staysOpen() {
    try (HybridIndexer indexer = HybridIndexer.open(folder, stores.engine)) {
      try (LucioleEmbeddingStore store =
          LucioleEmbeddingStore.builder(stores.model).over(indexer)) {
        store.add(null, TextSegment.from(TEXTS.get(0)));
      }
      assertThat(indexer.hasUncommittedChanges()).isTrue();
      indexer.commit();
    }
  }

  @Test
  void whatAStoreCannotDo_isRefusedInWords() {
    WriteOptions passages =
        WriteOptions.defaults().schema(HybridSchema.builder(stores.engine).chunks(64, 0).build());
    assertThatThrownBy(() ->
            LucioleEmbeddingStore.builder(stores.model)
                .writeOptions(passages)
                .open(folder.resolve("passages")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keeps texts whole")
        .hasMessageContaining("LucioleDocumentSplitter");
    assertThatThrownBy(() -> store().add(Embedding.from(new float[3])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("components, got 3");
    assertThatThrownBy(() -> store().addAll(List.of("a"), embeddings(stores.model), segments()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 1 ids, 5 embeddings and 5 texts");
    Filter own = metadata -> true;
    assertThatThrownBy(() -> store().removeAll(own))
        .hasMessageContaining("expected a filter of dev.langchain4j.store.embedding.filter");
  }

  @Test
  void textEmbeddedAsAQuery_isReusedAsAPassageOfAModelWithoutPrompts() {
    Embedding asQuery = stores.model.embed(TEXTS.get(0)).content();
    Computed computed = new Computed();
    store().add(asQuery, TextSegment.from(TEXTS.get(0)));
    assertThat(computed.more()).isZero();
  }
}
