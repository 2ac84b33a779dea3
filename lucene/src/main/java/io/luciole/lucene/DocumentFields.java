package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.model.Chunker.Chunk;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.util.BytesRef;

/** Makes Lucene documents of documents and their embeddings; see {@link SchemaFields}. */
final class DocumentFields {
  private static final FieldType ID_TYPE = new FieldType();

  static {
    ID_TYPE.setIndexOptions(IndexOptions.DOCS);
    ID_TYPE.setOmitNorms(true);
    ID_TYPE.setTokenized(false);
    ID_TYPE.setDocValuesType(DocValuesType.BINARY);
    ID_TYPE.freeze();
  }

  private final HybridSchema schema;

  DocumentFields(HybridSchema schema) {
    this.schema = schema;
  }

  /**
   * Makes the Lucene document of a document whose text is kept whole.
   *
   * @throws IllegalArgumentException if the id is too long, or a value does not fit its type
   */
  Document toDocument(SourceDocument source, Embedding embedding) {
    Document document = whole(source);
    schema.vectorFields().addTo(document, embedding);
    return document;
  }

  /**
   * Makes a block: the passages with their vectors, then the document with everything else.
   *
   * @throws IllegalArgumentException as {@link #toDocument}, or if a passage lies outside the text
   */
  List<Document> toBlock(SourceDocument source, List<Chunk> passages, List<Embedding> embeddings) {
    List<Document> block = new ArrayList<>(passages.size() + 1);
    BytesRef id = id(source);
    for (int i = 0; i < passages.size(); i++) {
      Document passage = new Document();
      passage.add(new Field(SchemaFields.ID, id, ID_TYPE));
      passage.add(
          new NumericDocValuesField(
              SchemaFields.PASSAGE, PassageOffsets.of(passages.get(i), source.text()).encode()));
      schema.vectorFields().addTo(passage, embeddings.get(i));
      block.add(passage);
    }
    Document document = whole(source);
    document.add(new StringField(SchemaFields.DOCUMENT, SchemaFields.PRESENT, Field.Store.NO));
    block.add(document);
    return block;
  }

  private static BytesRef id(SourceDocument source) {
    BytesRef id = DocumentIds.bytes(source.id());
    if (id.length > IndexWriter.MAX_TERM_LENGTH) {
      throw new IllegalArgumentException(
          "expected an id of at most " + IndexWriter.MAX_TERM_LENGTH + " bytes, got " + id.length);
    }
    return id;
  }

  /** Everything of a document except its vectors. */
  private Document whole(SourceDocument source) {
    Document document = new Document();
    document.add(new Field(SchemaFields.ID, id(source), ID_TYPE));
    if (!source.title().isEmpty()) {
      document.add(new StoredField(SchemaFields.TITLE, source.title()));
    }
    document.add(new StoredField(SchemaFields.TEXT, source.text()));
    schema.metadataLayout().add(document, source.metadata());
    document.add(new TextField(SchemaFields.WORDS, source.content(), Field.Store.NO));
    if (schema.words().titles() && !source.title().isEmpty()) {
      document.add(new TextField(SchemaFields.TITLE_WORDS, source.title(), Field.Store.NO));
    }
    return document;
  }
}
