package io.luciole.lucene;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.luciole.internal.Surrogates;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Set;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SortedDocValues;
import org.apache.lucene.index.SortedNumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.search.SortedSetSortField;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * The ids of documents: their bytes and their terms in the field {@link SchemaFields#ID}; and reads
 * the ids of a segment's documents, which must come in ascending order: from doc values of any
 * type, the first of several, or else from a stored field. For one thread.
 */
interface DocumentIds {
  /** The bytes of an id, in UTF-8, as the index has them. */
  static BytesRef bytes(String id) {
    return new BytesRef(id);
  }

  /** The term that a document has, and its passages. */
  static Term term(String id) {
    return new Term(SchemaFields.ID, bytes(id));
  }

  /**
   * Checks that an id has bytes of its own.
   *
   * @throws IllegalArgumentException if it has half of a surrogate pair
   */
  static void requireCharacters(String id) {
    int half = Surrogates.halfAt(id);
    if (half >= 0) {
      throw new IllegalArgumentException(
          "expected an id of whole characters, got one with half of a surrogate pair, \\u"
              + Integer.toHexString(id.charAt(half))
              + ", at "
              + half);
    }
  }

  /** The id of a document, numbered as in the segment; null if it has none. */
  @Nullable String of(int doc) throws IOException;

  static DocumentIds open(LeafReaderContext leaf, String field) throws IOException {
    LeafReader reader = leaf.reader();
    FieldInfo info = reader.getFieldInfos().fieldInfo(field);
    if (info == null) {
      return doc -> null;
    }
    return switch (info.getDocValuesType()) {
      case BINARY -> binary(DocValues.getBinary(reader, field), field);
      case SORTED -> sorted(DocValues.getSorted(reader, field), field);
      case SORTED_SET -> sortedSet(DocValues.getSortedSet(reader, field), field);
      case NUMERIC -> numeric(DocValues.getNumeric(reader, field));
      case SORTED_NUMERIC -> sortedNumeric(DocValues.getSortedNumeric(reader, field));
      case NONE -> stored(reader.storedFields(), field);
    };
  }

  /** Refuses a field without terms, in which an id cannot be looked up. */
  static void requireTerms(IndexReader reader, String field) {
    for (LeafReaderContext leaf : reader.leaves()) {
      FieldInfo info = leaf.reader().getFieldInfos().fieldInfo(field);
      if (info != null && info.getIndexOptions() == IndexOptions.NONE) {
        throw new IllegalStateException(
            "expected terms in the field of ids \""
                + field
                + "\", found none: ask the index with a query for the field's type"
                + " (withSearcher)");
      }
    }
  }

  /**
   * The order of documents by their ids: of numbers by number, of documents without doc values of
   * ids as they stand in the index.
   */
  static SortField order(IndexReader reader, String field) {
    DocValuesType type =
        reader.leaves().stream()
            .map(leaf -> leaf.reader().getFieldInfos().fieldInfo(field))
            .filter(info -> info != null && info.getDocValuesType() != DocValuesType.NONE)
            .map(FieldInfo::getDocValuesType)
            .findFirst()
            .orElse(DocValuesType.NONE);
    return switch (type) {
      case BINARY, SORTED -> new SortField(field, SortField.Type.STRING_VAL);
      case SORTED_SET -> new SortedSetSortField(field, false);
      case NUMERIC -> new SortField(field, SortField.Type.LONG);
      case SORTED_NUMERIC -> new SortedNumericSortField(field, SortField.Type.LONG);
      case NONE -> SortField.FIELD_DOC;
    };
  }

  private static DocumentIds binary(BinaryDocValues values, String field) {
    return doc -> values.advanceExact(doc) ? text(values.binaryValue(), field) : null;
  }

  private static DocumentIds sorted(SortedDocValues values, String field) {
    return doc ->
        values.advanceExact(doc) ? text(values.lookupOrd(values.ordValue()), field) : null;
  }

  private static DocumentIds sortedSet(SortedSetDocValues values, String field) {
    return doc -> values.advanceExact(doc) ? text(values.lookupOrd(values.nextOrd()), field) : null;
  }

  private static DocumentIds numeric(NumericDocValues values) {
    return doc -> values.advanceExact(doc) ? Long.toString(values.longValue()) : null;
  }

  private static DocumentIds sortedNumeric(SortedNumericDocValues values) {
    return doc -> values.advanceExact(doc) ? Long.toString(values.nextValue()) : null;
  }

  private static DocumentIds stored(StoredFields fields, String field) {
    return doc -> {
      IndexableField value = fields.document(doc, Set.of(field)).getField(field);
      return value == null
          ? null
          : value.binaryValue() != null ? text(value.binaryValue(), field) : value.stringValue();
    };
  }

  private static String text(BytesRef bytes, String field) {
    try {
      return UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.bytes, bytes.offset, bytes.length))
          .toString();
    } catch (CharacterCodingException e) {
      throw new IndexException(
          "Expected ids in UTF-8 in the field \""
              + field
              + "\", found the bytes "
              + bytes
              + ". Name a field whose values are texts or numbers.",
          e);
    }
  }
}
