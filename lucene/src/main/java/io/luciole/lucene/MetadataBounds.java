package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The bounds of a range of metadata values, for {@link MetadataFilters#range}. A value is in the
 * range if it is within all of them. Immutable: each method returns a changed copy.
 *
 * <pre>{@code
 * MetadataBounds.atLeast(1990).andBelow(2000)
 * }</pre>
 *
 * <p>A bound is a number, for fields of dates also a text or instant as {@link MetadataType#DATE}
 * has it. It need not be of the field's type: no whole number is above 9.5 and below 10, and every
 * one is below 1e30.
 */
public final class MetadataBounds {
  /** How a bound is meant. */
  enum Kind {
    GT,
    GTE,
    LT,
    LTE;

    String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    boolean isLower() {
      return this == GT || this == GTE;
    }
  }

  /** A bound; its value is one of {@link Metadata}. */
  record Bound(Kind kind, Object value) {}

  static final MetadataBounds NONE = new MetadataBounds(List.of());

  private final List<Bound> bounds;

  private MetadataBounds(List<Bound> bounds) {
    this.bounds = bounds;
  }

  /**
   * Values that are equal to a bound or above it.
   *
   * @param value the bound
   * @return the bounds
   */
  public static MetadataBounds atLeast(Object value) {
    return NONE.and(Kind.GTE, value);
  }

  /**
   * Values above a bound.
   *
   * @param value the bound
   * @return the bounds
   */
  public static MetadataBounds above(Object value) {
    return NONE.and(Kind.GT, value);
  }

  /**
   * Values that are equal to a bound or below it.
   *
   * @param value the bound
   * @return the bounds
   */
  public static MetadataBounds atMost(Object value) {
    return NONE.and(Kind.LTE, value);
  }

  /**
   * Values below a bound.
   *
   * @param value the bound
   * @return the bounds
   */
  public static MetadataBounds below(Object value) {
    return NONE.and(Kind.LT, value);
  }

  /**
   * Adds a bound that values must be equal to or below.
   *
   * @param value the bound
   * @return changed bounds
   */
  public MetadataBounds andAtMost(Object value) {
    return and(Kind.LTE, value);
  }

  /**
   * Adds a bound that values must be below.
   *
   * @param value the bound
   * @return changed bounds
   */
  public MetadataBounds andBelow(Object value) {
    return and(Kind.LT, value);
  }

  /**
   * Takes bounds by their names, as filters have them.
   *
   * @param bounds values of {@code gt}, {@code gte}, {@code lt} and {@code lte}, at least one
   * @return the bounds
   * @throws IllegalArgumentException if there are none, or others
   */
  public static MetadataBounds of(Map<String, ?> bounds) {
    MetadataBounds all = NONE;
    for (Map.Entry<String, ?> bound : bounds.entrySet()) {
      Kind kind =
          Arrays.stream(Kind.values())
              .filter(k -> k.id().equals(bound.getKey()))
              .findFirst()
              .orElseThrow(() -> unknown(bounds));
      all = all.and(kind, bound.getValue());
    }
    if (all.bounds.isEmpty()) {
      throw unknown(bounds);
    }
    return all;
  }

  private static IllegalArgumentException unknown(Map<String, ?> bounds) {
    return new IllegalArgumentException(
        "expected gt, gte, lt or lte as the bounds of a range, got "
            + MetadataValues.brief(bounds));
  }

  /** {@return the bounds by their names, as {@link #of} takes them} */
  public Map<String, Object> asMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    bounds.forEach(bound -> map.put(bound.kind().id(), bound.value()));
    return map;
  }

  MetadataBounds and(Kind kind, Object value) {
    List<Bound> more = new ArrayList<>(bounds);
    more.add(new Bound(kind, MetadataValues.value("bound", requireNonNull(value, "value"))));
    return new MetadataBounds(List.copyOf(more));
  }

  List<Bound> all() {
    return bounds;
  }

  /** {@return the bounds as a filter has them, such as {@code gte 1990, lt 2000}} */
  @Override
  public String toString() {
    return String.join(
        ", ",
        bounds.stream().map(b -> b.kind().id() + ' ' + MetadataValues.text(b.value())).toList());
  }
}
