package io.luciole.lucene;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes the values of {@link Metadata} of those of Java and JSON. */
final class MetadataValues {
  /** The most bytes of a name in UTF-8. */
  static final int MAX_NAME = 1024;

  private static final int MAX_DEPTH = 100;
  private static final int BRIEF = 60;

  /**
   * The most decimals, and zeros before a point: enough for every {@code double}, and few enough
   * that no number can fill the memory when it is written without an exponent.
   */
  private static final int MAX_SCALE = 1100;

  private static final BigDecimal MAX_DOUBLE = new BigDecimal(Double.MAX_VALUE);

  private MetadataValues() {}

  /** The values of an object, without nulls. */
  static Map<String, Object> object(Map<?, ?> values) {
    return object("", values, 0);
  }

  private static Map<String, Object> object(String path, Map<?, ?> values, int depth) {
    Map<String, Object> copy = LinkedHashMap.newLinkedHashMap(values.size());
    values.forEach((key, value) -> {
      if (!(key instanceof String name)) {
        throw new IllegalArgumentException("expected names that are strings, got " + key);
      }
      String full = path.isEmpty() ? name : path + '.' + name;
      requireName(full);
      Object normal = value == null ? null : value(full, value, depth);
      if (normal != null) {
        copy.put(name, normal);
      }
    });
    return Collections.unmodifiableMap(copy);
  }

  /** Refuses names that cannot stand in a term before a value. */
  static void requireName(String name) {
    if (name.indexOf('\0') >= 0 || name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
      throw new IllegalArgumentException(
          "expected a metadata name of at most "
              + MAX_NAME
              + " bytes without the character U+0000, got \""
              + shortened(name)
              + '"');
    }
  }

  /**
   * A value as {@link Metadata} keeps it.
   *
   * @param name the name that messages give it
   */
  static Object value(String name, Object value) {
    return value(name, value, 0);
  }

  private static Object value(String name, Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException(
          "expected metadata nested at most " + MAX_DEPTH + " deep, got more: " + shortened(name));
    }
    return switch (value) {
      case String s -> s;
      case Boolean b -> b;
      case Long n -> n;
      case Integer n -> n.longValue();
      case Short n -> n.longValue();
      case Byte n -> n.longValue();
      case BigInteger n -> whole(name, n);
      case BigDecimal n -> decimal(name, n);
      case Double n when Double.isFinite(n) -> decimal(name, BigDecimal.valueOf(n));
      case Float n when Float.isFinite(n) -> decimal(name, new BigDecimal(n.toString()));
      case CharSequence s -> s.toString();
      case Instant t -> t.toString();
      case LocalDate t -> t.toString();
      case LocalDateTime t -> t.toString();
      case OffsetDateTime t -> t.toString();
      case Map<?, ?> map -> object(name, map, depth + 1);
      case Collection<?> list -> list(name, list, depth + 1);
      case Object[] array -> list(name, Arrays.asList(array), depth + 1);
      default ->
          throw new IllegalArgumentException(
              "expected a string, finite number, boolean, instant, list or map as metadata \""
                  + shortened(name)
                  + "\", got "
                  + brief(value)
                  + " ("
                  + value.getClass().getName()
                  + ")");
    };
  }

  private static List<Object> list(String name, Collection<?> list, int depth) {
    List<Object> copy = new ArrayList<>(list.size());
    for (Object each : list) {
      if (each != null) {
        copy.add(value(name, each, depth));
      }
    }
    return Collections.unmodifiableList(copy);
  }

  private static Object whole(String name, BigInteger number) {
    if (number.bitLength() < Long.SIZE) {
      return number.longValue();
    }
    requireMagnitude(name, new BigDecimal(number));
    return number;
  }

  private static BigDecimal decimal(String name, BigDecimal number) {
    requireMagnitude(name, number);
    return number.scale() < 1 ? number.setScale(1) : number;
  }

  private static void requireMagnitude(String name, BigDecimal number) {
    // The scale goes first: comparing numbers of very different scales takes much memory.
    if (Math.abs((long) number.scale()) > MAX_SCALE || number.abs().compareTo(MAX_DOUBLE) > 0) {
      throw new IllegalArgumentException(
          "expected a number that a double can hold, with at most "
              + MAX_SCALE
              + " decimals, as metadata \""
              + shortened(name)
              + "\", got "
              + shortened(number.toString()));
    }
  }

  /** The exact value of a number. */
  static BigDecimal exact(Number number) {
    return switch (number) {
      case BigDecimal n -> n;
      case BigInteger n -> new BigDecimal(n);
      default -> BigDecimal.valueOf(number.longValue());
    };
  }

  /** The number that a value is, or spells as a string; null if neither. */
  static @Nullable Number number(Object value) {
    return switch (value) {
      case Number number -> number;
      case String text -> spelled(text.strip());
      default -> null;
    };
  }

  /**
   * The number that a text spells, as JSON writes numbers.
   *
   * @return null if it spells none that metadata can hold
   */
  private static @Nullable Number spelled(String text) {
    if (text.length() > MAX_SCALE || !text.matches("-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?")) {
      return null;
    }
    try {
      BigDecimal number = new BigDecimal(text);
      return (Number)
          (number.scale() == 0 && text.matches("-?[0-9]+")
              ? whole("", number.unscaledValue())
              : decimal("", number));
    } catch (IllegalArgumentException | ArithmeticException e) {
      return null;
    }
  }

  /** A value as text: strings as they are, numbers without exponents, lists and maps as JSON. */
  static String text(Object value) {
    return switch (value) {
      case String s -> s;
      case BigDecimal n -> n.toPlainString();
      case Number n -> n.toString();
      case Boolean b -> b.toString();
      default -> Metadata.write(value);
    };
  }

  /** What messages call a value. */
  static String brief(@Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case String s -> '"' + shortened(s) + '"';
      case Map<?, ?> map -> map.isEmpty() ? "an empty object" : "an object";
      case Collection<?> list -> list.isEmpty() ? "an empty array" : "an array";
      default -> shortened(value.toString());
    };
  }

  static String shortened(String text) {
    return text.length() > BRIEF ? text.substring(0, BRIEF) + "…" : text;
  }
}
