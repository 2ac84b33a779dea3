package io.luciole.lucene;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import io.luciole.model.Chunker.Chunk;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.miscellaneous.EmptyTokenStream;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.DoubleField;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.LateInteractionField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/** Makes Lucene documents of documents and their embeddings; see {@link SchemaFields}. */
final class DocumentFields {
  /** A metadata term longer than this, in UTF-8, is not indexed; its value is only stored. */
  static final int MAX_METADATA_TERM = 256;

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final FieldType ID_TYPE = new FieldType();
  private static final FieldType NO_TERMS_TYPE = new FieldType(StringField.TYPE_NOT_STORED);

  static {
    ID_TYPE.setIndexOptions(IndexOptions.DOCS);
    ID_TYPE.setOmitNorms(true);
    ID_TYPE.setTokenized(false);
    ID_TYPE.setDocValuesType(DocValuesType.BINARY);
    ID_TYPE.freeze();
    NO_TERMS_TYPE.setTokenized(true);
    NO_TERMS_TYPE.freeze();
  }

  private final HybridSchema schema;

  DocumentFields(HybridSchema schema) {
    this.schema = schema;
  }

  /** How dense vectors are compared; {@link LegQueries#dotProduct} computes the dot product. */
  static VectorSimilarityFunction similarity(HybridSchema.Dense dense) {
    return dense.normalized()
        ? VectorSimilarityFunction.DOT_PRODUCT
        : VectorSimilarityFunction.MAXIMUM_INNER_PRODUCT;
  }

  /**
   * Makes the Lucene document of a document whose text is kept whole.
   *
   * @throws IllegalArgumentException if the id is too long, or a value does not fit its type
   */
  Document toDocument(SourceDocument source, Embedding embedding) {
    Document document = whole(source);
    addVectors(document, embedding);
    return document;
  }

  /** Makes a block: the passages with their vectors, then the document with everything else. */
  List<Document> toBlock(SourceDocument source, List<Chunk> passages, List<Embedding> embeddings) {
    List<Document> block = new ArrayList<>(passages.size() + 1);
    BytesRef id = id(source);
    for (int i = 0; i < passages.size(); i++) {
      Document passage = new Document();
      passage.add(new Field(SchemaFields.ID, id, ID_TYPE));
      passage.add(
          new NumericDocValuesField(
              SchemaFields.PASSAGE, PassageOffsets.of(passages.get(i)).encode()));
      addVectors(passage, embeddings.get(i));
      block.add(passage);
    }
    Document document = whole(source);
    document.add(new StringField(SchemaFields.DOCUMENT, SchemaFields.PRESENT, Field.Store.NO));
    block.add(document);
    return block;
  }

  private static BytesRef id(SourceDocument source) {
    byte[] id = source.id().getBytes(StandardCharsets.UTF_8);
    if (id.length > IndexWriter.MAX_TERM_LENGTH) {
      throw new IllegalArgumentException(
          "expected an id of at most " + IndexWriter.MAX_TERM_LENGTH + " bytes, got " + id.length);
    }
    return new BytesRef(id);
  }

  /** Everything of a document except its vectors. */
  private Document whole(SourceDocument source) {
    Document document = new Document();
    document.add(new Field(SchemaFields.ID, id(source), ID_TYPE));
    if (!source.title().isEmpty()) {
      document.add(new StoredField(SchemaFields.TITLE, source.title()));
    }
    document.add(new StoredField(SchemaFields.TEXT, source.text()));
    if (!source.metadata().isEmpty()) {
      document.add(new StoredField(SchemaFields.METADATA, writeMetadata(source.metadata())));
      // A document without a term too needs a field that is indexed: Lucene refuses an index in
      // which a field is stored only in one document and indexed in another.
      document.add(new Field(SchemaFields.METADATA, new EmptyTokenStream(), NO_TERMS_TYPE));
      source.metadata().forEach((name, value) -> addMetadata(document, name, value));
    }
    document.add(new TextField(SchemaFields.WORDS, source.content(), Field.Store.NO));
    if (schema.words().titles() && !source.title().isEmpty()) {
      document.add(new TextField(SchemaFields.TITLE_WORDS, source.title(), Field.Store.NO));
    }
    return document;
  }

  private void addVectors(Document document, Embedding embedding) {
    schema
        .dense()
        .ifPresent(dense -> {
          float[] vector = embedding.dense();
          if (vector.length != dense.dimension()) {
            throw new IllegalArgumentException(
                "expected a dense vector of "
                    + dense.dimension()
                    + " components, got "
                    + vector.length);
          }
          document.add(new KnnFloatVectorField(SchemaFields.DENSE, vector, similarity(dense)));
        });
    schema
        .sparse()
        .ifPresent(sparse -> {
          SparseVector vector = embedding.sparse();
          sparse.postings().add(document, vector);
          if (sparse.exact()) {
            document.add(
                new BinaryDocValuesField(SchemaFields.SPARSE_EXACT, SparseBytes.encode(vector)));
          }
        });
    schema.multiVectors().ifPresent(rows -> addTokenVectors(document, rows, embedding.colbert()));
  }

  private static void addTokenVectors(
      Document document, HybridSchema.MultiVectors form, MultiVector rows) {
    if (rows.dimension() != form.dimension()) {
      throw new IllegalArgumentException(
          "expected token vectors of " + form.dimension() + " components, got " + rows.dimension());
    }
    if (rows.rows() > 0) {
      document.add(
          switch (form.form()) {
            case FLOAT32 -> new LateInteractionField(SchemaFields.COLBERT, rows.toArrays());
            case INT8 ->
                new BinaryDocValuesField(SchemaFields.COLBERT, MultiVectorBytes.encode(rows));
          });
    }
  }

  private void addMetadata(Document document, String name, String value) {
    MetadataType type = schema.metadata().get(name);
    if (type != null) {
      String field = SchemaFields.METADATA_PREFIX + name;
      document.add(
          switch (type) {
            case KEYWORD -> new KeywordField(field, value, Field.Store.NO);
            case LONG -> new LongField(field, wholeNumber(name, value), Field.Store.NO);
            case DOUBLE -> new DoubleField(field, number(name, value), Field.Store.NO);
            case DATE -> new LongField(field, millis(name, value), Field.Store.NO);
          });
    }
    String term = metadataTerm(name, value);
    if (term.getBytes(StandardCharsets.UTF_8).length <= MAX_METADATA_TERM) {
      document.add(new StringField(SchemaFields.METADATA, term, Field.Store.NO));
    }
  }

  /** Name, a zero, value. The name has no zero, so two pairs never make the same term. */
  static String metadataTerm(String name, String value) {
    return name.replace('\0', ' ') + '\0' + value;
  }

  private static long wholeNumber(String name, String value) {
    try {
      return Long.parseLong(value.strip());
    } catch (NumberFormatException e) {
      throw unfit(name, "a whole number", value, e);
    }
  }

  private static double number(String name, String value) {
    try {
      double number = Double.parseDouble(value.strip());
      if (Double.isFinite(number)) {
        return number;
      }
      throw unfit(name, "a finite number", value, null);
    } catch (NumberFormatException e) {
      throw unfit(name, "a number", value, e);
    }
  }

  static long millis(String name, String value) {
    try {
      return MetadataType.parseDate(value.strip());
    } catch (DateTimeException | ArithmeticException e) {
      throw unfit(name, "a date (2026-11-22) or instant (2026-11-22T10:00:00Z)", value, e);
    }
  }

  private static IllegalArgumentException unfit(
      String name, String expected, String value, @Nullable Exception cause) {
    return new IllegalArgumentException(
        "expected " + expected + " as metadata \"" + name + "\", got \"" + value + '"', cause);
  }

  static String writeMetadata(Map<String, String> metadata) {
    try {
      return MAPPER.writeValueAsString(metadata);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // Strings can always be written.
    }
  }

  static Map<String, String> readMetadata(String json) {
    try {
      return Collections.unmodifiableMap(
          MAPPER.readValue(json, new TypeReference<LinkedHashMap<String, String>>() {}));
    } catch (JsonProcessingException e) {
      throw new IndexException("The stored metadata of a document is damaged: " + json, e);
    }
  }
}
