package io.luciole.lucene;

import java.io.IOException;
import java.util.Set;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexableField;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SortedDocValues;
import org.apache.lucene.index.SortedNumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.index.StoredFields;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ids of a segment's documents, which must come in ascending order: from doc values of
 * any type, the first of several, or else from a stored field. For one thread.
 */
interface DocumentIds {
  /** The id of a document, numbered as in the segment; null if it has none. */
  @Nullable String of(int doc) throws IOException;

  static DocumentIds open(LeafReaderContext leaf, String field) throws IOException {
    LeafReader reader = leaf.reader();
    FieldInfo info = reader.getFieldInfos().fieldInfo(field);
    if (info == null) {
      return doc -> null;
    }
    return switch (info.getDocValuesType()) {
      case BINARY -> binary(DocValues.getBinary(reader, field));
      case SORTED -> sorted(DocValues.getSorted(reader, field));
      case SORTED_SET -> sortedSet(DocValues.getSortedSet(reader, field));
      case NUMERIC -> numeric(DocValues.getNumeric(reader, field));
      case SORTED_NUMERIC -> sortedNumeric(DocValues.getSortedNumeric(reader, field));
      case NONE -> stored(reader.storedFields(), field);
    };
  }

  private static DocumentIds binary(BinaryDocValues values) {
    return doc -> values.advanceExact(doc) ? values.binaryValue().utf8ToString() : null;
  }

  private static DocumentIds sorted(SortedDocValues values) {
    return doc ->
        values.advanceExact(doc) ? values.lookupOrd(values.ordValue()).utf8ToString() : null;
  }

  private static DocumentIds sortedSet(SortedSetDocValues values) {
    return doc ->
        values.advanceExact(doc) ? values.lookupOrd(values.nextOrd()).utf8ToString() : null;
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
          : value.binaryValue() != null ? value.binaryValue().utf8ToString() : value.stringValue();
    };
  }
}
