package io.luciole.lucene;

import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongFunction;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.SortedNumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSelector;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.search.SortedSetSelector;
import org.apache.lucene.search.SortedSetSortField;
import org.apache.lucene.util.IOFunction;
import org.apache.lucene.util.NumericUtils;
import org.jspecify.annotations.Nullable;

/**
 * The values of a declared field in one segment, as its doc values have them: each value of a
 * document once, as a number that is the value's own or stands for it within the segment. Documents
 * must come in ascending order. For one thread.
 */
abstract class FieldValues {
  private final Map<Long, Long> counts = new HashMap<>();
  private long documents;

  /** Opens the values of a segment; a segment without the field has none. */
  static FieldValues open(LeafReader reader, TypedField field) throws IOException {
    String name = field.field();
    return switch (field.type()) {
      case KEYWORD -> new OfTerms(DocValues.getSortedSet(reader, name), term -> term);
      case BOOLEAN -> new OfTerms(DocValues.getSortedSet(reader, name), Boolean::valueOf);
      case LONG -> new OfNumbers(DocValues.getSortedNumeric(reader, name), value -> value);
      case DOUBLE ->
          new OfNumbers(
              DocValues.getSortedNumeric(reader, name), NumericUtils::sortableLongToDouble);
      case DATE ->
          new OfNumbers(
              DocValues.getSortedNumeric(reader, name),
              value -> Instant.ofEpochMilli(value).toString());
    };
  }

  /** Moves to a document; tells how many values it has. */
  abstract int advance(int doc) throws IOException;

  /** The document's next value, the least first. */
  abstract long next() throws IOException;

  /**
   * What a number stands for: a {@code String}, {@code Long}, {@code Double} or {@code Boolean}.
   */
  abstract Object value(long number) throws IOException;

  /** The least value of a document; null if it has none. */
  @Nullable Object least(int doc) throws IOException {
    return advance(doc) == 0 ? null : value(next());
  }

  /** Counts a document's values. */
  void count(int doc) throws IOException {
    int values = advance(doc);
    documents += values == 0 ? 0 : 1;
    long before = 0;
    for (int i = 0; i < values; i++) {
      long value = next();
      if (i == 0 || value != before) {
        counts.merge(value, 1L, Long::sum);
      }
      before = value;
    }
  }

  /** Adds what was counted; tells how many documents had a value. */
  long addCounts(Map<Object, Long> to) throws IOException {
    for (Map.Entry<Long, Long> entry : counts.entrySet()) {
      to.merge(value(entry.getKey()), entry.getValue(), Long::sum);
    }
    return documents;
  }

  /** Orders by a field, documents without a value last. */
  @SuppressWarnings("deprecation") // Lucene 10.0 lacks the constructors that replace it.
  static SortField order(TypedField field, boolean descending) {
    SortField order =
        switch (field.type()) {
          case KEYWORD, BOOLEAN ->
              new SortedSetSortField(
                  field.field(),
                  descending,
                  descending ? SortedSetSelector.Type.MAX : SortedSetSelector.Type.MIN);
          case LONG, DATE -> numbers(field, SortField.Type.LONG, descending);
          case DOUBLE -> numbers(field, SortField.Type.DOUBLE, descending);
        };
    order.setMissingValue(
        switch (field.type()) {
          case KEYWORD, BOOLEAN -> descending ? SortField.STRING_FIRST : SortField.STRING_LAST;
          case LONG, DATE -> descending ? Long.MIN_VALUE : Long.MAX_VALUE;
          case DOUBLE -> descending ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        });
    return order;
  }

  private static SortField numbers(TypedField field, SortField.Type type, boolean descending) {
    return new SortedNumericSortField(
        field.field(),
        type,
        descending,
        descending ? SortedNumericSelector.Type.MAX : SortedNumericSelector.Type.MIN);
  }

  private static final class OfNumbers extends FieldValues {
    private final SortedNumericDocValues values;
    private final LongFunction<Object> decoder;

    OfNumbers(SortedNumericDocValues values, LongFunction<Object> decoder) {
      this.values = values;
      this.decoder = decoder;
    }

    @Override
    int advance(int doc) throws IOException {
      return values.advanceExact(doc) ? values.docValueCount() : 0;
    }

    @Override
    long next() throws IOException {
      return values.nextValue();
    }

    @Override
    Object value(long number) {
      return decoder.apply(number);
    }
  }

  private static final class OfTerms extends FieldValues {
    private final SortedSetDocValues values;
    private final IOFunction<String, Object> decoder;

    OfTerms(SortedSetDocValues values, IOFunction<String, Object> decoder) {
      this.values = values;
      this.decoder = decoder;
    }

    @Override
    int advance(int doc) throws IOException {
      return values.advanceExact(doc) ? values.docValueCount() : 0;
    }

    @Override
    long next() throws IOException {
      return values.nextOrd();
    }

    @Override
    Object value(long number) throws IOException {
      return decoder.apply(values.lookupOrd(number).utf8ToString());
    }
  }
}
