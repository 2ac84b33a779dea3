package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.core.KeywordAnalyzer;
import org.apache.lucene.analysis.core.SimpleAnalyzer;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.FilterCodec;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.SortedSetDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexCommit;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.LiveIndexWriterConfig;
import org.apache.lucene.index.LogDocMergePolicy;
import org.apache.lucene.index.NoDeletionPolicy;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.search.similarities.ClassicSimilarity;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.Lock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An application that has a Lucene pipeline of its own, and gives nothing up. */
@Tag("lucene-10.5")
class OwnPipelineTest {
  @TempDir private Path index;
  private final EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();

  @AfterEach
  void close() {
    engine.close();
  }

  private WriteOptions options(UnaryOperator<IndexWriterConfig> config) {
    return WriteOptions.defaults().writerConfig(config);
  }

  private static IndexWriterConfig everything(IndexWriterConfig config) {
    return config
        .setIndexSort(new Sort(new SortedNumericSortField("year", SortField.Type.LONG)))
        .setParentField("parent")
        .setSoftDeletesField("gone")
        .setMergePolicy(new LogDocMergePolicy())
        .setRAMBufferSizeMB(20);
  }

  private static void addFields(SourceDocument source, org.apache.lucene.document.Document to) {
    int number = Integer.parseInt(source.id().substring(1));
    to.add(new StringField("key", "k" + number, Field.Store.YES));
    to.add(new LongField("year", 2000 - number, Field.Store.NO));
    to.add(
        new SortedSetDocValuesField("tags", new org.apache.lucene.util.BytesRef("t" + number % 3)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sortSoftDeletesBlocksAndFacets_goTogether(boolean chunked) throws IOException {
    SchemaBuilder schema = HybridSchema.builder(engine);
    WriteOptions options =
        options(OwnPipelineTest::everything)
            .fields(OwnPipelineTest::addFields)
            .schema((chunked ? schema.chunks(16, 2) : schema).build());
    List<SourceDocument> documents = new Texts(3).documents(60);
    try (Directory directory = FSDirectory.open(index)) {
      for (List<SourceDocument> part :
          List.of(documents.subList(0, 30), documents.subList(20, 60))) {
        try (HybridIndexer indexer = HybridIndexer.open(directory, engine, options)) {
          indexer.indexAll(part.iterator(), progress -> {});
        }
      }
      try (DirectoryReader reader = LiveReader.open(directory)) {
        assertSorted(reader);
        assertThat(facets(reader)).isEqualTo(Map.of("t0", 20, "t1", 20, "t2", 20));
      }
    }
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.documents()).isEqualTo(60);
      for (SourceDocument document : documents) {
        HybridQuery query =
            HybridQuery.of(document.text())
                .filter(LongField.newRangeQuery("year", 1990, 2000))
                .top(60);
        assertThat(searcher.search(query).hits()).hasSizeLessThanOrEqualTo(11).isNotEmpty();
      }
      assertThat(searcher.search(HybridQuery.of("light").legs(Leg.DENSE).top(100)).hits())
          .extracting(Hit::id)
          .hasSize(60)
          .doesNotHaveDuplicates();
    }
  }

  /** Whole documents stand in the order of the years, within each segment. */
  private static void assertSorted(DirectoryReader reader) throws IOException {
    for (LeafReaderContext leaf : reader.leaves()) {
      NumericDocValues years =
          org.apache.lucene.index.DocValues.unwrapSingleton(
              leaf.reader().getSortedNumericDocValues("year"));
      List<Long> inOrder = new ArrayList<>();
      for (int d = 0; d < leaf.reader().maxDoc(); d++) {
        if (years.advanceExact(d)) {
          inOrder.add(years.longValue());
        }
      }
      assertThat(inOrder).isNotEmpty().isSorted();
    }
  }

  private static Map<String, Integer> facets(DirectoryReader reader) throws IOException {
    Map<String, Integer> counts = new TreeMap<>();
    for (LeafReaderContext leaf : reader.leaves()) {
      SortedSetDocValues tags = leaf.reader().getSortedSetDocValues("tags");
      for (int d = 0; d < leaf.reader().maxDoc(); d++) {
        if ((leaf.reader().getLiveDocs() == null || leaf.reader().getLiveDocs().get(d))
            && tags.advanceExact(d)) {
          counts.merge(tags.lookupOrd(tags.nextOrd()).utf8ToString(), 1, Integer::sum);
        }
      }
    }
    return counts;
  }

  private void assertRefused(WriteOptions options, String... messages) {
    Path none = index.resolve("none");
    assertThatThrownBy(() -> HybridIndexer.open(none, engine, options))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(messages);
    assertThat(none).doesNotExist();
  }

  @Test
  void configurationsThatBreakTheSchema_areRefusedInWords() {
    assertRefused(
        options(config -> config.setOpenMode(IndexWriterConfig.OpenMode.CREATE)),
        "expected the open mode CREATE_OR_APPEND, found CREATE;");
    assertRefused(
        options(config -> config.setSimilarity(new ClassicSimilarity())),
        "expected the schema's similarity",
        "SchemaBuilder.bm25");
    assertRefused(options(config -> config.setCommitOnClose(true)), "WriteOptions.commitOnClose");
    assertRefused(
        options(config -> new IndexWriterConfig(new KeywordAnalyzer()).setCommitOnClose(false)),
        "expected the schema's analyzer multilingual",
        "HybridSchema.withAnalyzer");
    assertRefused(
        options(config -> config.setCodec(Codec.getDefault()))
            .schema(HybridSchema.builder(engine).quantization(DenseQuantization.BITS_8).build()),
        "of the field dense",
        "delegate");
    assertRefused(
        options(config ->
                config.setIndexSort(
                    new Sort(new SortedNumericSortField("year", SortField.Type.LONG))))
            .schema(HybridSchema.builder(engine).chunks(16, 2).build()),
        "setParentField");
  }

  /** Positions in sources, and which ids there are, are those of the last commit. */
  @Test
  void writerOfAnOlderCommit_isRefused() throws IOException {
    WriteOptions keeping =
        options(config -> config.setIndexDeletionPolicy(NoDeletionPolicy.INSTANCE));
    try (Directory directory = new ByteBuffersDirectory()) {
      try (HybridIndexer indexer = HybridIndexer.open(directory, engine, keeping)) {
        assertThat(indexer.put(SourceDocument.of("a", "", "text")).join()).isFalse();
        indexer.commit();
        assertThat(indexer.delete("a")).isTrue();
      }
      IndexCommit older = DirectoryReader.listCommits(directory).get(0);
      assertThatThrownBy(() ->
              HybridIndexer.open(
                  directory, engine, options(config -> config.setIndexCommit(older))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected the index's last commit, found the commit segments_1");
    }
  }

  @Test
  void codecThatDelegates_isTaken() {
    WriteOptions options =
        options(
                config -> {
                  Codec ours = config.getCodec();
                  return config.setCodec(new FilterCodec(ours.getName(), ours) {});
                })
            .schema(HybridSchema.builder(engine).quantization(DenseQuantization.BITS_8).build());
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      indexer.put(SourceDocument.of("a", "", "firefly")).join();
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void configurationThatAnIndexDoesNotAllow_isRefusedByItsIndex() {
    try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.put(SourceDocument.of("a", "", "firefly")).join();
    }
    WriteOptions sorted =
        options(config ->
            config.setIndexSort(new Sort(new SortedNumericSortField("year", SortField.Type.LONG))));
    assertThatThrownBy(() -> HybridIndexer.open(index, engine, sorted))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining(index + " cannot be written as configured")
        .hasMessageContaining("indexSort");
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void fieldWithANameOfTheSchema_failsItsDocument() throws IllegalAccessException {
    Set<String> names = new HashSet<>(Set.of("metadata.year", "gone"));
    for (java.lang.reflect.Field field : SchemaFields.class.getFields()) {
      if (Modifier.isStatic(field.getModifiers())) {
        names.add((String) field.get(null));
      }
    }
    WriteOptions options =
        options(config -> config.setSoftDeletesField("gone"))
            .fields((source, document) ->
                document.add(new StringField(source.title(), "x", Field.Store.NO)));
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      for (String name : names) {
        assertThatThrownBy(indexer.put(SourceDocument.of(name, name, "text"))::join)
            .as(name)
            .hasMessageContaining("got \"" + name + "\"");
      }
      assertThat(indexer.put(SourceDocument.of("a", "fine", "text")).join()).isFalse();
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void ownAnalyzer_isUsedAndAskedForAgain() throws IOException {
    Analyzer analyzer = new SimpleAnalyzer();
    HybridSchema schema =
        HybridSchema.builder(engine).analyzer("own:letters").build().withAnalyzer(analyzer);
    WriteOptions options = WriteOptions.defaults().schema(schema);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options);
        HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
      indexer.put(SourceDocument.of("a", "", "a1b2fireflies3c")).join();
      boolean unused = searcher.refresh();
      assertThat(searcher.search(HybridQuery.of("FIREFLIES").legs(Leg.BM25)).hits()).hasSize(1);
    }
    IndexDescription description = IndexDescription.read(index);
    assertThat(description.schema().words().analyzer()).isEqualTo("own:letters");
    assertThat(description.documents()).isEqualTo(1);
    assertThatThrownBy(() -> HybridIndexer.open(index, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("\"letters\"");
    assertThatThrownBy(() -> HybridSearcher.open(index, engine))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("\"letters\"");
    WriteOptions again =
        WriteOptions.defaults().schema(description.schema().withAnalyzer(analyzer));
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, again)) {
      assertThat(indexer.put(SourceDocument.of("a", "", "x")).join()).isTrue();
    }
    try (Directory directory = FSDirectory.open(index);
        HybridSearcher searcher =
            HybridSearcher.over(directory)
                .schema(description.schema().withAnalyzer(analyzer))
                .open()) {
      assertThat(searcher.search("0X1").hits()).extracting(Hit::id).containsExactly("a");
    }
  }

  /** Vectors that were made elsewhere, in an index that is nowhere on a disk, without an engine. */
  @Test
  void fingerprintInPlaceOfAnEngine_takesVectorsOnly() throws IOException {
    SourceDocument document = SourceDocument.of("a", "", "firefly light");
    Embedding made = engine.embed(document.content(), EmbedOptions.passage()).join();
    HybridSchema schema =
        HybridSchema.builder(FakeModel.DIMENSION, engine.description().normalize()).build();
    try (Directory directory = new ByteBuffersDirectory()) {
      assertThatThrownBy(
              () -> HybridIndexer.open(directory, engine.fingerprint(), WriteOptions.defaults()))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("needs a schema");
      try (HybridIndexer indexer =
          HybridIndexer.open(
              directory, engine.fingerprint(), WriteOptions.defaults().schema(schema))) {
        assertThat(indexer.put(document, made).join()).isFalse();
        assertThatThrownBy(() -> indexer.put(document))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("has no engine");
        assertThatThrownBy(() -> indexer.indexAll(List.of(document).iterator(), progress -> {}))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("has no engine");
        assertThatThrownBy(() -> indexer.put(document, List.of(), List.of()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("keeps texts whole");
      }
      try (HybridIndexer indexer = HybridIndexer.open(directory, engine, WriteOptions.defaults());
          HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
        assertThat(searcher.search("firefly").hits()).extracting(Hit::id).containsExactly("a");
      }
    }
  }

  @Test
  void passagesThatWereMadeElsewhere_areWritten() {
    HybridSchema schema = HybridSchema.builder(engine).chunks(16, 0).build();
    SourceDocument document = SourceDocument.of("a", "", new Texts(1).text(60));
    Passages passages = Passages.cut(document, engine, schema.chunks().orElseThrow());
    List<Embedding> made =
        passages.contents().stream()
            .map(text -> engine.embed(text, EmbedOptions.passage()).join())
            .toList();
    try (HybridIndexer indexer =
        HybridIndexer.open(index, engine.fingerprint(), WriteOptions.defaults().schema(schema))) {
      assertThatThrownBy(() -> indexer.put(document, passages.chunks(), made.subList(1, 2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("an embedding for each");
      assertThat(indexer.put(document, passages.chunks(), made).join()).isFalse();
    }
    assertThat(IndexDescription.read(index).passages()).isEqualTo(made.size());
  }

  @Test
  void valueThatIsTooLongForATerm_isNamedByFieldAndLength() {
    WriteOptions options =
        WriteOptions.defaults()
            .fields((source, document) ->
                document.add(new StringField("tag", source.title(), Field.Store.NO)));
    String id = "x".repeat(40_000);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      assertThatThrownBy(indexer.put(SourceDocument.of("a", "v".repeat(40_000), "text"))::join)
          .hasMessageContaining("at most 32766 bytes")
          .hasMessageContaining("tag")
          .hasMessageContaining("40000")
          .message()
          .hasSizeLessThan(400);
      List<SourceDocument> documents = List.of(SourceDocument.of(id, "", "text"));
      assertThatThrownBy(() -> indexer.indexAll(documents.iterator(), progress -> {}))
          .hasMessageContaining("at most 32766 bytes")
          .hasMessageContaining("(40000 characters)")
          .message()
          .hasSizeLessThan(400);
    }
  }

  /** The lock file is there but may not be opened, or cannot be made, or the disk is read-only. */
  private static Stream<IOException> refusals() {
    IOException notMade = new NoSuchFileException("/data/index/write.lock");
    notMade.addSuppressed(new AccessDeniedException("/data/index/write.lock"));
    return Stream.of(
        new AccessDeniedException("/data/index/write.lock"),
        notMade,
        new FileSystemException("/data/index/write.lock", null, "Read-only file system"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void folderThatCannotBeWritten_isNotSaidToBeUnreadable(IOException refusal) throws IOException {
    try (Directory readOnly =
        new FilterDirectory(new ByteBuffersDirectory()) {
          @Override
          public Lock obtainLock(String name) throws IOException {
            throw refusal;
          }
        }) {
      assertThatThrownBy(() -> HybridIndexer.open(readOnly, engine, WriteOptions.defaults()))
          .isInstanceOf(IndexException.class)
          .hasMessageStartingWith("Cannot write the index")
          .hasMessageContaining("/data/index/write.lock");
    }
  }

  /** The commit that the searcher opened does not know the field of soft deletes yet. */
  @Test
  void firstSoftDeletesOfAnIndex_areNotShownByASearcherThatIsOpen() {
    WriteOptions options = options(config -> config.setSoftDeletesField("gone"));
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      indexer.put(SourceDocument.of("a", "", "firefly")).join();
      indexer.put(SourceDocument.of("b", "", "firefly")).join();
      indexer.commit();
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        assertThat(indexer.delete("a")).isTrue();
        indexer.commit();
        assertThat(searcher.documents()).isEqualTo(2);
        assertThat(searcher.refresh()).isTrue();
        assertThat(searcher.documents()).isEqualTo(1);
        assertThat(searcher.search("firefly").hits()).extracting(Hit::id).containsExactly("b");
        assertThat((int) searcher.withSearcher(lucene -> lucene.getIndexReader().numDocs()))
            .isOne();
        assertThat(indexer.delete("b")).isTrue();
        indexer.commit();
        assertThat(searcher.refresh()).isTrue();
        assertThat(searcher.documents()).isZero();
      }
    }
  }

  /** Lucene writes unsorted segments beside sorted ones, after which no writer can sort. */
  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "block")
  void indexThatIsThere_keepsSortAndFieldsThatTheConfigurationDoesNotName(@Nullable String parent)
      throws IOException {
    WriteOptions options =
        options(config -> everything(config).setParentField(parent))
            .fields(OwnPipelineTest::addFields);
    List<SourceDocument> documents = new Texts(3).documents(20);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      indexer.indexAll(documents.iterator(), progress -> {});
      indexer.delete(documents.get(1).id());
    }
    try (HybridIndexer indexer =
        HybridIndexer.open(
            index, engine, WriteOptions.defaults().fields(OwnPipelineTest::addFields))) {
      LiveIndexWriterConfig config = indexer.folder().writer().getConfig();
      assertThat(config.getIndexSort())
          .isEqualTo(everything(new IndexWriterConfig()).getIndexSort());
      assertThat(config.getSoftDeletesField()).isEqualTo("gone");
      assertThat(config.getParentField()).isEqualTo(parent);
      assertThat(indexer.put(documents.get(0)).join()).isTrue();
    }
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      assertThat(indexer.put(documents.get(1)).join()).isFalse();
    }
    WriteOptions other =
        options(config ->
            everything(config).setIndexSort(new Sort(new SortField("x", SortField.Type.LONG))));
    try (Directory directory = FSDirectory.open(index)) {
      assertThatThrownBy(() -> HybridIndexer.open(directory, engine, other))
          .isInstanceOf(IndexException.class)
          .hasMessageStartingWith("The index " + index + " cannot be written as configured");
    }
    try (Directory directory = FSDirectory.open(index);
        DirectoryReader reader = LiveReader.open(directory)) {
      assertThat(reader.numDocs()).isEqualTo(20);
      assertSorted(reader);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void mergedIndex_hasTheSortAndFieldsOfItsShards(boolean oneSegment) throws IOException {
    WriteOptions options = options(OwnPipelineTest::everything).fields(OwnPipelineTest::addFields);
    List<SourceDocument> documents = new Texts(3).documents(40);
    List<Path> shards = List.of(index.resolve("a"), index.resolve("b"));
    for (Path shard : shards) {
      int from = shard.endsWith("a") ? 0 : 20;
      try (HybridIndexer indexer = HybridIndexer.open(shard, engine, options)) {
        indexer.indexAll(documents.subList(from, from + 20).iterator(), progress -> {});
        indexer.put(documents.get(from)).join();
      }
    }
    Path merged = index.resolve("merged");

    MergeReport report = IndexMerge.of(shards).oneSegment(oneSegment).into(List.of(merged));

    assertThat(report.documents()).containsExactly(40L);
    try (HybridIndexer indexer = HybridIndexer.open(merged, engine, options)) {
      assertThat(indexer.put(documents.get(1)).join()).isTrue();
    }
    try (Directory directory = FSDirectory.open(merged);
        DirectoryReader reader = LiveReader.open(directory)) {
      assertThat(reader.numDocs()).isEqualTo(40);
      assertSorted(reader);
    }
  }
}
