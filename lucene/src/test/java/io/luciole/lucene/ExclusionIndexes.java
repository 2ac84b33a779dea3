package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker;
import io.luciole.model.Chunker.Chunk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.store.FSDirectory;

/**
 * Indexes in the states that {@link ExclusionTest} looks at, each written once. Documents have a
 * language of three and a year; a seventh of them is deleted.
 */
final class ExclusionIndexes {
  private static final List<String> LANGUAGES = List.of("en", "de", "fr");

  /** How the segments of an index came about. */
  enum Segments {
    /** Four commits, nothing merged. */
    SEVERAL,
    /** One segment, and deletions in it. */
    MERGED,
    /** Written by an application's own writer, which sorts each segment by the year. */
    SORTED
  }

  /** A state of an index; texts are cut into passages of so many tokens, or kept whole for 0. */
  record Shape(
      int passages,
      Segments segments,
      SparseForm form,
      DenseQuantization quantization,
      int documents,
      boolean equalLengths) {}

  /** What {@code not} of a third did, by an exception in Lucene: passages of long documents. */
  static final Shape LONG_DOCUMENTS =
      new Shape(40, Segments.MERGED, SparseForm.IMPACTS, DenseQuantization.NONE, 24, true);

  static final List<Shape> SHAPES =
      List.of(
          new Shape(0, Segments.SEVERAL, SparseForm.IMPACTS, DenseQuantization.NONE, 90, false),
          new Shape(0, Segments.MERGED, SparseForm.FEATURES, DenseQuantization.BITS_8, 90, false),
          new Shape(0, Segments.SORTED, SparseForm.IMPACTS, DenseQuantization.BITS_1, 90, false),
          new Shape(0, Segments.SEVERAL, SparseForm.BLOCKS, DenseQuantization.NONE, 90, false),
          new Shape(24, Segments.MERGED, SparseForm.BLOCKS, DenseQuantization.NONE, 90, false),
          new Shape(24, Segments.SEVERAL, SparseForm.FEATURES, DenseQuantization.BITS_1, 90, false),
          new Shape(24, Segments.MERGED, SparseForm.IMPACTS, DenseQuantization.BITS_8, 90, false),
          new Shape(24, Segments.SORTED, SparseForm.IMPACTS, DenseQuantization.NONE, 90, false),
          LONG_DOCUMENTS);

  /** An index and the documents that it still has, by their ids. */
  record Built(Path folder, HybridSchema schema, Map<String, SourceDocument> documents) {}

  private final Path folder;
  private final EmbeddingEngine engine;
  private final Random random;
  private final Texts texts;
  private final Map<Shape, Built> built = new LinkedHashMap<>();

  ExclusionIndexes(Path folder, EmbeddingEngine engine, long seed) {
    this.folder = folder;
    this.engine = engine;
    this.random = new Random(seed);
    this.texts = new Texts(seed);
  }

  Built of(Shape shape) throws IOException {
    Built index = built.get(shape);
    if (index == null) {
      index = write(shape);
      built.put(shape, index);
    }
    return index;
  }

  private Built write(Shape shape) throws IOException {
    Path index = folder.resolve("index" + built.size());
    SchemaBuilder builder =
        HybridSchema.builder(engine)
            .sparseForm(shape.form)
            .quantization(shape.quantization)
            .metadata("year", MetadataType.LONG);
    if (shape.passages > 0) {
      builder.chunks(shape.passages, shape.passages / 4);
    }
    HybridSchema schema = builder.build();
    List<SourceDocument> documents = documents(shape);
    if (shape.segments == Segments.SORTED) {
      sorted(index, schema, documents);
    } else {
      indexed(index, schema, documents, shape.segments == Segments.MERGED);
    }
    Map<String, SourceDocument> left = new LinkedHashMap<>();
    for (int i = 0; i < documents.size(); i++) {
      if (i % 7 != 0) {
        left.put(documents.get(i).id(), documents.get(i));
      }
    }
    return new Built(index, schema, left);
  }

  private List<SourceDocument> documents(Shape shape) {
    List<SourceDocument> documents = new ArrayList<>();
    for (int i = 0; i < shape.documents; i++) {
      StringBuilder text = new StringBuilder();
      int sentences = shape.equalLengths ? 14 : random.nextInt(15);
      for (int sentence = 0; sentence < sentences; sentence++) {
        text.append(texts.text(5 + random.nextInt(6))).append(". ");
      }
      String language = LANGUAGES.get(shape.equalLengths ? i % 3 : random.nextInt(3));
      String year = Integer.toString(1980 + random.nextInt(40));
      documents.add(
          new SourceDocument("d" + i, "", text.toString(), Map.of("lang", language, "year", year)));
    }
    return documents;
  }

  private void indexed(
      Path index, HybridSchema schema, List<SourceDocument> documents, boolean merged) {
    WriteOptions how = WriteOptions.defaults().schema(schema);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, how)) {
      int part = documents.size() / 4;
      for (int from = 0; from < documents.size(); from += part) {
        List<CompletableFuture<Boolean>> written = new ArrayList<>();
        documents
            .subList(from, Math.min(documents.size(), from + part))
            .forEach(document -> written.add(indexer.put(document)));
        written.forEach(CompletableFuture::join);
        indexer.commit();
      }
      if (merged) {
        indexer.commitMerged();
      }
      for (int i = 0; i < documents.size(); i += 7) {
        indexer.delete(documents.get(i).id());
      }
      indexer.commit();
    }
  }

  private void sorted(Path index, HybridSchema schema, List<SourceDocument> documents)
      throws IOException {
    SortField year =
        new SortedNumericSortField(SchemaFields.METADATA_PREFIX + "year", SortField.Type.LONG);
    IndexWriterConfig config =
        new IndexWriterConfig(schema.analyzer())
            .setCodec(schema.codec())
            .setIndexSort(new Sort(year))
            .setParentField("block");
    try (FSDirectory directory = FSDirectory.open(index);
        IndexWriter writer = new IndexWriter(directory, config)) {
      for (int i = 0; i < documents.size(); i++) {
        writer.addDocuments(block(schema, documents.get(i)));
        if (i == documents.size() / 2) {
          writer.commit();
        }
      }
      writer.commit();
      for (int i = 0; i < documents.size(); i += 7) {
        writer.deleteDocuments(new Term(SchemaFields.ID, documents.get(i).id()));
      }
      writer.commit();
    }
  }

  private List<Document> block(HybridSchema schema, SourceDocument document) {
    HybridSchema.Chunks cut = schema.chunks().orElse(null);
    if (cut == null) {
      return List.of(schema.toDocument(document, embed(document.content())));
    }
    Chunker chunker = engine.chunker(cut.tokens(), cut.overlap());
    List<Chunk> passages = chunker.chunks(document.text());
    List<Embedding> embeddings =
        passages.stream().map(passage -> embed(passage.of(document.text()))).toList();
    return schema.toBlock(document, passages, embeddings);
  }

  private Embedding embed(String text) {
    return engine.embed(text, EmbedOptions.passage().outputs(engine.outputs())).join();
  }

  /** The query of each leg for a text. */
  Map<Leg, Query> legs(HybridSchema schema, String text) {
    Embedding query = engine.embed(text, EmbedOptions.query().outputs(engine.outputs())).join();
    LegQueries queries = new LegQueries(schema);
    Map<Leg, Query> legs = new EnumMap<>(Leg.class);
    legs.put(Leg.DENSE, queries.vectors().dense(query.dense(), 400, null));
    legs.put(Leg.SPARSE, queries.vectors().sparse(query.sparse(), null));
    legs.put(Leg.BM25, queries.bm25(text, null));
    return legs;
  }

  String text(int words) {
    return texts.text(words);
  }
}
