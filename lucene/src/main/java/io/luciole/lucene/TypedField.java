package io.luciole.lucene;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.DoubleField;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * A metadata field that the schema declares: how its values are indexed and asked for. Values and
 * bounds are those of {@link Metadata}.
 */
record TypedField(String name, MetadataType type) {
  /** Longer texts are no numbers or dates; reading them as such would take long. */
  private static final int MAX_SPELLING = 400;

  private static final BigInteger MIN_LONG = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

  String field() {
    return SchemaFields.METADATA_PREFIX + name;
  }

  /** Whether a value stands for nothing in this field. */
  boolean isMissing(Object value) {
    return type != MetadataType.KEYWORD && value instanceof String s && s.isBlank();
  }

  /** Adds a value that is not missing. */
  void add(Document document, Object value) {
    document.add(
        switch (type) {
          case KEYWORD -> new KeywordField(field(), keyword(value), Field.Store.NO);
          case BOOLEAN -> new KeywordField(field(), flag(value), Field.Store.NO);
          case LONG, DATE -> new LongField(field(), whole(value), Field.Store.NO);
          case DOUBLE -> new DoubleField(field(), number(value), Field.Store.NO);
        });
  }

  /** Documents with any of the values. */
  Query anyOf(Collection<?> values) {
    return switch (type) {
      case KEYWORD -> anyOf(values.stream().map(TypedField::keyword).toList());
      case BOOLEAN -> anyOf(values.stream().map(this::flag).toList());
      case LONG, DATE ->
          LongField.newSetQuery(field(), values.stream().mapToLong(this::whole).toArray());
      case DOUBLE ->
          DoubleField.newSetQuery(field(), values.stream().mapToDouble(this::number).toArray());
    };
  }

  private Query anyOf(List<BytesRef> terms) {
    return terms.size() == 1
        ? KeywordField.newExactQuery(field(), terms.get(0))
        : KeywordField.newSetQuery(field(), terms);
  }

  /** Documents with any value. */
  Query exists() {
    return new FieldExistsQuery(field());
  }

  /** Documents with a value that begins so. */
  Query prefix(String prefix) {
    requireKeyword("a prefix");
    return new PrefixQuery(new Term(field(), new BytesRef(StringTerms.KEYWORD.prefix(prefix))));
  }

  /** Documents with a value that matches. */
  Query strings(StringMatches strings) {
    requireKeyword("parts and ranges of strings");
    return strings.terms(field());
  }

  private void requireKeyword(String what) {
    if (type != MetadataType.KEYWORD) {
      throw new IllegalArgumentException(
          "expected a keyword or a field without a type for "
              + what
              + ", got \""
              + name
              + "\", a "
              + type.id());
    }
  }

  /** Documents with a value within bounds. */
  Query range(MetadataBounds bounds) {
    return switch (type) {
      case KEYWORD, BOOLEAN ->
          throw new IllegalArgumentException(
              "expected a number or date for a range, got \"" + name + "\", a " + type.id());
      case LONG, DATE -> wholeRange(bounds);
      case DOUBLE -> {
        DoubleRange range = DoubleRange.of(name, bounds);
        yield range.isEmpty()
            ? nothing(bounds)
            : DoubleField.newRangeQuery(field(), range.low(), range.high());
      }
    };
  }

  private Query wholeRange(MetadataBounds bounds) {
    BigInteger low = MIN_LONG;
    BigInteger high = MAX_LONG;
    for (MetadataBounds.Bound bound : bounds.all()) {
      BigDecimal value = bound(bound.value());
      switch (bound.kind()) {
        case GTE -> low = low.max(rounded(value, RoundingMode.CEILING));
        case GT -> low = low.max(rounded(value, RoundingMode.FLOOR).add(BigInteger.ONE));
        case LTE -> high = high.min(rounded(value, RoundingMode.FLOOR));
        case LT -> high = high.min(rounded(value, RoundingMode.CEILING).subtract(BigInteger.ONE));
      }
    }
    return low.compareTo(high) > 0
        ? nothing(bounds)
        : LongField.newRangeQuery(field(), low.longValueExact(), high.longValueExact());
  }

  private static BigInteger rounded(BigDecimal value, RoundingMode how) {
    return value.setScale(0, how).unscaledValue();
  }

  private Query nothing(MetadataBounds bounds) {
    return new MatchNoDocsQuery("no " + type.id() + " is " + bounds);
  }

  private BigDecimal bound(Object value) {
    if (type == MetadataType.DATE && value instanceof String) {
      return BigDecimal.valueOf(whole(value));
    }
    return numericBound(name, value);
  }

  /** A bound that is a number or a string that spells one. */
  private static BigDecimal numericBound(String name, Object value) {
    Number number = MetadataValues.number(value);
    if (number == null) {
      throw unfit("a number as a bound of", name, value, null);
    }
    return MetadataValues.exact(number);
  }

  /** The term and doc value of a keyword. */
  private static BytesRef keyword(Object value) {
    return new BytesRef(StringTerms.KEYWORD.term(MetadataValues.text(value)));
  }

  private BytesRef flag(Object value) {
    String text = value instanceof String s ? s.strip().toLowerCase(Locale.ROOT) : "" + value;
    if (text.equals("true") || text.equals("false")) {
      return new BytesRef(text);
    }
    throw unfit("true or false", value, null);
  }

  private long whole(Object value) {
    String expected =
        type == MetadataType.DATE
            ? "a date (2026-11-22), instant (2026-11-22T10:00:00Z) or number of milliseconds since"
                + " 1970"
            : "a whole number";
    try {
      return switch (value) {
        case Long number -> number;
        case Number number -> MetadataValues.exact(number).longValueExact();
        case String text when type == MetadataType.DATE -> MetadataType.parseDate(text.strip());
        case String text when text.length() <= MAX_SPELLING ->
            new BigDecimal(text.strip()).longValueExact();
        default -> throw unfit(expected, value, null);
      };
    } catch (NumberFormatException | DateTimeException | ArithmeticException e) {
      throw unfit(expected, value, e);
    }
  }

  /** Of the two zeros of a double the positive one: they are equal, but not to Lucene. */
  private double number(Object value) {
    try {
      double number =
          switch (value) {
            case Number n -> n.doubleValue();
            case String text when text.length() <= MAX_SPELLING -> Double.parseDouble(text.strip());
            default -> Double.NaN;
          };
      if (Double.isFinite(number)) {
        return number + 0.0;
      }
    } catch (NumberFormatException e) {
      throw unfit("a number", value, e);
    }
    throw unfit("a finite number", value, null);
  }

  private IllegalArgumentException unfit(String expected, Object value, @Nullable Exception cause) {
    return unfit(expected + " as", name, value, cause);
  }

  private static IllegalArgumentException unfit(
      String expected, String name, Object value, @Nullable Exception cause) {
    return new IllegalArgumentException(
        "expected " + expected + " metadata \"" + name + "\", got " + MetadataValues.brief(value),
        cause);
  }

  /** Bounds as 64-bit floats, both included. */
  record DoubleRange(double low, double high) {
    static DoubleRange of(String name, MetadataBounds bounds) {
      double low = Double.NEGATIVE_INFINITY;
      double high = Double.POSITIVE_INFINITY;
      for (MetadataBounds.Bound bound : bounds.all()) {
        double value = numericBound(name, bound.value()).doubleValue();
        switch (bound.kind()) {
          case GTE -> low = Math.max(low, value);
          case GT -> low = Math.max(low, Math.nextUp(value));
          case LTE -> high = Math.min(high, value);
          case LT -> high = Math.min(high, Math.nextDown(value));
        }
      }
      // Indexes of layout 1 can hold both zeros.
      return new DoubleRange(low == 0 ? -0.0 : low, high == 0 ? 0.0 : high);
    }

    boolean isEmpty() {
      return low > high;
    }
  }
}
