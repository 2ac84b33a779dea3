package io.luciole.lucene;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TermRangeQuery;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.NumericUtils;

/**
 * The terms of {@link SchemaFields#METADATA_TERMS}, and the queries that ask them. A term is the
 * name, a zero byte, and the value:
 *
 * <pre>
 * nothing                    the document has a value of this name, or of one below it
 * s, the string              a string, as {@link StringTerms#UNTYPED} has it
 * n, 8 bytes[, the number]   a number: its double, sortable; the exact number in decimal, if it is
 *                            not the one that the double stands for
 * b, 0 or 1                  false or true
 * </pre>
 */
final class MetadataTerms {
  private static final char STRING = 's';
  private static final char NUMBER = 'n';
  private static final char FLAG = 'b';

  private MetadataTerms() {}

  /** The term of every document that has a value of a name. */
  static BytesRef exists(String name) {
    return term(name, new byte[0]);
  }

  /** The term of a string, number or boolean. */
  static BytesRef of(String name, Object value) {
    return switch (value) {
      case String text -> term(name, tagged(STRING, StringTerms.UNTYPED.term(text)));
      case Number number -> term(name, number(MetadataValues.exact(number)));
      case Boolean flag -> term(name, tagged(FLAG, new byte[] {(byte) (flag ? '1' : '0')}));
      default -> throw new IllegalArgumentException("no value of its own: " + value);
    };
  }

  /**
   * Documents with any of some values. A string that spells a number or boolean is equal to it,
   * however it is spelled in the query, and if the document has it in its plain spelling.
   */
  static Query anyOf(String name, Collection<?> values) {
    List<BytesRef> terms = new ArrayList<>();
    for (Object value : values) {
      equalTo(value).forEach(equal -> terms.add(of(name, equal)));
    }
    return terms.size() == 1
        ? new TermQuery(new Term(SchemaFields.METADATA_TERMS, terms.get(0)))
        : new TermInSetQuery(SchemaFields.METADATA_TERMS, terms);
  }

  /** The values of documents that are equal to one of a query. */
  private static List<Object> equalTo(Object value) {
    List<Object> equal = new ArrayList<>(List.of(value));
    if (value instanceof String text) {
      Number number = MetadataValues.number(text);
      if (number != null) {
        equal.add(number);
      } else if (text.equals("true") || text.equals("false")) {
        equal.add(Boolean.valueOf(text));
      }
    } else {
      equal.add(MetadataValues.text(value));
      if (value instanceof BigDecimal number) {
        equal.add(number.stripTrailingZeros().toPlainString());
      }
    }
    return equal;
  }

  /** Documents with a value of a name. */
  static Query existing(String name) {
    return new TermQuery(new Term(SchemaFields.METADATA_TERMS, exists(name)));
  }

  /** Documents with a string that begins so. */
  static Query prefix(String name, String prefix) {
    return new PrefixQuery(
        new Term(
            SchemaFields.METADATA_TERMS,
            term(name, tagged(STRING, StringTerms.UNTYPED.prefix(prefix)))));
  }

  /** Documents with a string that matches. */
  static Query strings(String name, StringMatches strings) {
    return strings.untyped(name, term(name, tagged(STRING, new byte[0])));
  }

  /** Documents with a number within bounds; numbers are compared as doubles. */
  static Query range(String name, TypedField.DoubleRange range) {
    // The terms of a double are itself, and itself with more behind it.
    BytesRef from = term(name, tagged(NUMBER, sortable(range.low() + 0.0)));
    BytesRef behind = term(name, tagged(NUMBER, sortable(Math.nextUp(range.high()))));
    return new TermRangeQuery(SchemaFields.METADATA_TERMS, from, behind, true, false);
  }

  private static byte[] number(BigDecimal exact) {
    double nearest = exact.doubleValue() + 0.0;
    byte[] sortable = sortable(nearest);
    if (BigDecimal.valueOf(nearest).compareTo(exact) == 0) {
      return tagged(NUMBER, sortable);
    }
    byte[] decimal = exact.stripTrailingZeros().toPlainString().getBytes(StandardCharsets.US_ASCII);
    byte[] both = Arrays.copyOf(sortable, sortable.length + decimal.length);
    System.arraycopy(decimal, 0, both, sortable.length, decimal.length);
    return tagged(NUMBER, both);
  }

  private static byte[] sortable(double number) {
    byte[] bytes = new byte[Long.BYTES];
    NumericUtils.longToSortableBytes(NumericUtils.doubleToSortableLong(number), bytes, 0);
    return bytes;
  }

  private static byte[] tagged(char tag, byte[] value) {
    byte[] bytes = new byte[value.length + 1];
    bytes[0] = (byte) tag;
    System.arraycopy(value, 0, bytes, 1, value.length);
    return bytes;
  }

  private static BytesRef term(String name, byte[] value) {
    byte[] before = name.getBytes(StandardCharsets.UTF_8);
    byte[] bytes = Arrays.copyOf(before, before.length + 1 + value.length);
    System.arraycopy(value, 0, bytes, before.length + 1, value.length);
    return new BytesRef(bytes);
  }
}
