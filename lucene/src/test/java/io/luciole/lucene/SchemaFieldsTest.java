package io.luciole.lucene;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import io.luciole.internal.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.apache.lucene.document.LateInteractionField;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.SortedNumericDocValues;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.store.ByteArrayDataInput;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The layout that {@link SchemaFields} promises, read from its own Javadoc, against real indexes.
 */
@Tag("lucene-10.4")
class SchemaFieldsTest {
  private static final Path SOURCE = Path.of("src/main/java/io/luciole/lucene/SchemaFields.java");

  private static final List<String> TYPES = List.of("KEYWORD", "LONG", "DOUBLE", "BOOLEAN", "DATE");

  private static final SourceDocument FULL =
      new SourceDocument(
          "näme",
          "Fireflies",
          "Light in the night. ".repeat(40),
          Map.of(
              "KEYWORD",
              "kin",
              "LONG",
              -5,
              "DOUBLE",
              2.5,
              "BOOLEAN",
              true,
              "DATE",
              "1970-01-02",
              "x",
              Map.of("y", List.of("z", "z".repeat(200)))));

  private static final SourceDocument BARE = SourceDocument.of("bare", "", "");

  @TempDir Path folder;

  private final EmbeddingEngine engine = FakeModel.withAll().open();

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  /** What the Javadoc's table says of each field, as {@link #row} writes it; and where it is. */
  private static Map<String, String> table() throws IOException {
    List<String> lines = Files.readAllLines(SOURCE);
    int heading = 0;
    while (!lines.get(heading).matches(" \\* field +in +postings +norms +doc values +points .*")) {
      heading++;
    }
    Map<String, String> rows = new TreeMap<>();
    for (int i = heading + 1; !lines.get(i).equals(" * </pre>"); i++) {
      String[] columns = lines.get(i).substring(3).split(" +", 2);
      rows.put(columns[0], columns[1].replaceAll(" +", " "));
    }
    return rows;
  }

  private static String row(String in, FieldInfo info, String stored) {
    String postings =
        info.getIndexOptions() == IndexOptions.NONE ? "-" : info.getIndexOptions() + "";
    String norms = postings.equals("-") ? "-" : info.hasNorms() ? "yes" : "no";
    String values =
        info.getDocValuesType() == DocValuesType.NONE ? "-" : info.getDocValuesType() + "";
    int dimensions = info.getPointDimensionCount();
    if (dimensions > 0) {
      assertThat(info.getPointNumBytes()).isEqualTo(8);
    }
    String points = dimensions == 0 ? "-" : dimensions + "";
    String vector = info.getVectorDimension() == 0 ? "-" : info.getVectorEncoding() + "";
    return String.join(" ", in, postings, norms, values, points, vector, stored);
  }

  private Path build(UnaryOperator<SchemaBuilder> schema, SourceDocument... documents) {
    Path index = folder.resolve("index");
    HybridSchema built = schema.apply(HybridSchema.builder(engine)).build();
    WriteOptions options = WriteOptions.defaults().schema(built).writerThreads(1).reorder(true);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      for (SourceDocument document : documents) {
        indexer.put(document).join();
      }
      indexer.commitMerged();
    }
    return index;
  }

  private static SchemaBuilder everything(SchemaBuilder builder) {
    builder.multiVectors(MultiVectorForm.INT8);
    for (String type : TYPES) {
      builder.metadata(type, MetadataType.valueOf(type));
    }
    return builder;
  }

  /** Reads an index's only segment. */
  private interface Reading {
    void of(LeafReader reader) throws IOException;
  }

  private static void read(Path index, Reading reading) throws IOException {
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(reader.leaves()).hasSize(1);
      for (LeafReaderContext leaf : reader.leaves()) {
        reading.of(leaf.reader());
      }
    }
  }

  /** The Lucene documents that have a field, in any way. */
  private static NavigableSet<Integer> having(LeafReader reader, FieldInfo info)
      throws IOException {
    String field = info.getName();
    List<DocIdSetIterator> all = new ArrayList<>();
    if (reader.terms(field) != null) {
      TermsEnum terms = reader.terms(field).iterator();
      while (terms.next() != null) {
        all.add(terms.postings(null, PostingsEnum.NONE));
      }
    }
    switch (info.getDocValuesType()) {
      case NONE -> {}
      case BINARY -> all.add(reader.getBinaryDocValues(field));
      case NUMERIC -> all.add(reader.getNumericDocValues(field));
      case SORTED -> all.add(reader.getSortedDocValues(field));
      case SORTED_SET -> all.add(reader.getSortedSetDocValues(field));
      case SORTED_NUMERIC -> all.add(reader.getSortedNumericDocValues(field));
    }
    if (info.hasNorms()) {
      all.add(reader.getNormValues(field));
    }
    if (info.getVectorDimension() > 0) {
      all.add(reader.getFloatVectorValues(field).iterator());
    }
    TreeSet<Integer> docs = new TreeSet<>();
    for (DocIdSetIterator one : all) {
      for (int d = one.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = one.nextDoc()) {
        docs.add(d);
      }
    }
    for (int d = 0; d < reader.maxDoc(); d++) {
      if (reader.storedFields().document(d).getField(field) != null) {
        docs.add(d);
      }
    }
    return docs;
  }

  /** What a built index says of each field, in the table's form. */
  private static Map<String, String> found(LeafReader reader) throws IOException {
    Map<String, String> rows = new TreeMap<>();
    FieldInfos infos = reader.getFieldInfos();
    for (FieldInfo info : infos) {
      NavigableSet<Integer> docs = having(reader, info);
      int last = reader.maxDoc() - 1;
      String in = docs.first() == last ? "whole" : docs.contains(last) ? "both" : "passage";
      if (!in.equals("whole")) {
        assertThat(docs.headSet(last)).as(info.getName()).hasSize(last);
      }
      IndexableField stored = reader.storedFields().document(last).getField(info.getName());
      rows.put(
          info.getName(),
          row(in, info, stored == null ? "-" : stored.stringValue() == null ? "other" : "string"));
    }
    return rows;
  }

  @Test
  void fieldsOfABlock_areThoseOfTheTable_inEveryForm() throws IOException {
    Map<String, String> table = table();
    assertThat(table).hasSize(19).containsKeys("id", "passage");
    for (MultiVectorForm rows : MultiVectorForm.values()) {
      for (SparseForm form : SparseForm.values()) {
        Path index =
            build(b -> everything(b).multiVectors(rows).sparseForm(form).chunks(64, 8), FULL);
        read(
            index,
            reader -> {
              assertThat(reader.maxDoc()).isGreaterThan(2);
              assertThat(found(reader)).as("%s, %s", rows, form).isEqualTo(table);
            });
        deleteIndex(index);
      }
    }
  }

  private static void deleteIndex(Path index) throws IOException {
    try (var files = Files.list(index)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  /** In a single Lucene document every field is of the whole and of the passage. */
  private static Map<String, String> withoutIn(Map<String, String> rows) {
    Map<String, String> without = new TreeMap<>();
    rows.forEach((field, row) -> without.put(field, row.substring(row.indexOf(' '))));
    return without;
  }

  @Test
  void fieldsOfAWholeDocument_areThoseOfTheTable_withoutTheBlocks() throws IOException {
    Map<String, String> table = withoutIn(table());
    table.remove("document");
    table.remove("passage");
    table.remove(SchemaFields.PARENT);
    read(
        build(SchemaFieldsTest::everything, FULL),
        reader -> assertThat(withoutIn(found(reader))).isEqualTo(table));
  }

  @Test
  void fieldsThatTheSchemaOrTheDocumentLeavesOut_areAbsent() throws IOException {
    read(
        build(b -> everything(b).dense(false).sparse(false), BARE),
        reader ->
            assertThat(found(reader).keySet())
                .containsExactlyInAnyOrder("colbert", "id", "text", "words"));
    deleteIndex(folder.resolve("index"));
    read(
        build(b -> b.dense(false).sparse(false).exactSparse(false), FULL),
        reader ->
            assertThat(found(reader).keySet())
                .containsExactly(
                    "colbert",
                    "id",
                    "metadata",
                    "metadata_terms",
                    "text",
                    "title",
                    "words",
                    "words.title"));
    deleteIndex(folder.resolve("index"));
    read(
        build(b -> b.exactSparse(false), FULL),
        reader ->
            assertThat(found(reader).keySet())
                .contains("dense", "sparse", "colbert")
                .doesNotContain("sparse.exact", "document", "passage"));
  }

  private Embedding embedding() {
    EmbedOptions all = EmbedOptions.passage().outputs(engine.backend().outputs());
    return engine.embed(FULL.content(), all).join();
  }

  private static BytesRef binary(LeafReader reader, String field) throws IOException {
    BinaryDocValues values = DocValues.getBinary(reader, field);
    assertThat(values.advanceExact(0)).isTrue();
    return values.binaryValue();
  }

  private static long number(LeafReader reader, String field) throws IOException {
    SortedNumericDocValues values = DocValues.getSortedNumeric(reader, field);
    assertThat(values.advanceExact(0)).isTrue();
    assertThat(values.docValueCount()).isEqualTo(1);
    return values.nextValue();
  }

  private static TermsEnum termsOf(LeafReader reader, String field) throws IOException {
    assertThat(reader.terms(field)).isNotNull();
    return reader.terms(field).iterator();
  }

  private static BytesRef lastTerm(LeafReader reader, String field) throws IOException {
    BytesRef last = new BytesRef();
    TermsEnum all = termsOf(reader, field);
    for (BytesRef term = all.next(); term != null; term = all.next()) {
      last = BytesRef.deepCopyOf(term);
    }
    return last;
  }

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  private static List<String> terms(LeafReader reader, String field) throws IOException {
    List<String> terms = new ArrayList<>();
    TermsEnum all = termsOf(reader, field);
    for (BytesRef term = all.next(); term != null; term = all.next()) {
      terms.add(new String(term.bytes, term.offset, term.length, UTF_8));
    }
    return terms;
  }

  @Test
  void encodings_areAsDescribed() throws IOException {
    Embedding vectors = embedding();
    SparseVector sparse = vectors.sparse();
    MultiVector rows = vectors.colbert();
    read(
        build(SchemaFieldsTest::everything, FULL),
        reader -> {
          assertThat(binary(reader, "id").utf8ToString()).isEqualTo("näme");
          assertThat(terms(reader, "id")).containsExactly("näme");
          assertThat(terms(reader, "metadata.KEYWORD")).containsExactly("kin");
          assertThat(terms(reader, "metadata.BOOLEAN")).containsExactly("true");
          assertThat(terms(reader, "metadata_terms"))
              .contains("KEYWORD\0", "KEYWORD\0skin", "BOOLEAN\0b1", "x\0", "x.y\0", "x.y\0sz")
              .hasSize(14);
          assertThat(lastTerm(reader, "metadata_terms"))
              .isEqualTo(
                  new BytesRef(
                      concat(
                          ("x.y\0s" + "z".repeat(113)).getBytes(UTF_8),
                          Arrays.copyOf(Sha256.of("z".repeat(200)), 16))));
          assertThat(number(reader, "metadata.LONG")).isEqualTo(-5);
          assertThat(number(reader, "metadata.DATE")).isEqualTo(86_400_000);
          assertThat(number(reader, "metadata.DOUBLE")).isEqualTo(Double.doubleToLongBits(2.5));
          assertThat(reader.storedFields().document(0).get("title")).isEqualTo(FULL.title());
          assertThat(reader.storedFields().document(0).get("text")).isEqualTo(FULL.text());
          assertThat(Metadata.parse(reader.storedFields().document(0).get("metadata")))
              .isEqualTo(FULL.metadata());

          BytesRef exact = binary(reader, "sparse.exact");
          ByteArrayDataInput in = new ByteArrayDataInput(exact.bytes, exact.offset, exact.length);
          assertThat(in.readVInt()).isEqualTo(sparse.size());
          int before = 0;
          for (int i = 0; i < sparse.size(); i++) {
            before += in.readVInt();
            assertThat(before).isEqualTo(sparse.id(i));
          }
          for (int i = 0; i < sparse.size(); i++) {
            assertThat(Float.intBitsToFloat(in.readInt())).isEqualTo(sparse.weight(i));
          }
          assertThat(in.eof()).isTrue();

          TermsEnum postings = termsOf(reader, "sparse");
          for (int i = 0; i < sparse.size(); i++) {
            if (Math.round(sparse.weight(i) * 256) > 0) {
              BytesRef term = postings.next();
              assertThat(term.length).isEqualTo(4);
              assertThat(ByteBuffer.wrap(term.bytes, term.offset, 4).getInt() ^ Integer.MIN_VALUE)
                  .isEqualTo(sparse.id(i));
              PostingsEnum posting = postings.postings(null, PostingsEnum.FREQS);
              assertThat(posting.nextDoc()).isZero();
              assertThat(posting.freq()).isEqualTo(Math.round(sparse.weight(i) * 256));
            }
          }
          assertThat(postings.next()).isNull();

          BytesRef colbert = binary(reader, "colbert");
          ByteBuffer bytes =
              ByteBuffer.wrap(colbert.bytes, colbert.offset, colbert.length)
                  .order(ByteOrder.LITTLE_ENDIAN);
          for (int r = 0; r < rows.rows(); r++) {
            float scale = bytes.getFloat();
            for (float component : rows.row(r)) {
              assertThat(Math.abs(scale * bytes.get() - component)).isLessThanOrEqualTo(scale);
            }
          }
          assertThat(bytes.hasRemaining()).isFalse();
        });
  }

  @Test
  void encodingsOfTheOtherForms_areLucenesOwn() throws IOException {
    Embedding vectors = embedding();
    SparseVector sparse = vectors.sparse();
    read(
        build(b -> b.multiVectors(MultiVectorForm.FLOAT32).sparseForm(SparseForm.FEATURES), FULL),
        reader -> {
          assertThat(LateInteractionField.decode(binary(reader, "colbert")))
              .isDeepEqualTo(vectors.colbert().toArrays());
          for (int i = 0; i < sparse.size(); i++) {
            TermsEnum postings = termsOf(reader, "sparse");
            assertThat(postings.seekExact(new BytesRef(Integer.toString(sparse.id(i))))).isTrue();
            PostingsEnum posting = postings.postings(null, PostingsEnum.FREQS);
            assertThat(posting.nextDoc()).isZero();
            float kept = Float.intBitsToFloat(posting.freq() << 15);
            assertThat(Math.abs(kept - sparse.weight(i)))
                .isLessThanOrEqualTo(sparse.weight(i) / 512);
          }
        });
  }

  @Test
  void passages_haveTheirPlacesAndTheirDocumentsId() throws IOException {
    read(
        build(b -> b.chunks(64, 8), FULL),
        reader -> {
          int last = reader.maxDoc() - 1;
          var places = reader.getNumericDocValues("passage");
          var ids = reader.getBinaryDocValues("id");
          int end = 0;
          for (int d = 0; d < last; d++) {
            assertThat(places.advanceExact(d)).isTrue();
            int start = (int) (places.longValue() >>> 32);
            assertThat(start).isBetween(d == 0 ? 0 : 1, Math.max(end, 0));
            end = (int) places.longValue();
            assertThat(end).isGreaterThan(start);
            assertThat(ids.advanceExact(d)).isTrue();
            assertThat(ids.binaryValue().utf8ToString()).isEqualTo("näme");
          }
          assertThat(end).isBetween(FULL.text().strip().length(), FULL.text().length());
          assertThat(terms(reader, "document")).containsExactly("1");
        });
  }
}
