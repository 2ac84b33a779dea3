package io.luciole.lucene;

import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.lucene.document.Document;
import org.apache.lucene.search.Query;

/**
 * How an index keeps metadata: the types that its schema declares, which every layout keeps alike
 * ({@link TypedField}), and the rest, in which the layouts differ. An index has the layout that it
 * was made with, for all its documents.
 */
abstract sealed class MetadataLayout permits MetadataLayout1, MetadataLayout2 {
  private final Map<String, MetadataType> types;

  MetadataLayout(Map<String, MetadataType> types) {
    this.types = Collections.unmodifiableMap(new TreeMap<>(types));
  }

  /** The layout of a new index. */
  static MetadataLayout newest(Map<String, MetadataType> types) {
    return new MetadataLayout2(types);
  }

  /**
   * The layout of an index.
   *
   * @throws IllegalArgumentException if this program does not know the version
   */
  static MetadataLayout of(int version, Map<String, MetadataType> types) {
    return switch (version) {
      case MetadataLayout1.VERSION -> new MetadataLayout1(types);
      case MetadataLayout2.VERSION -> new MetadataLayout2(types);
      default -> throw new IllegalArgumentException("no layout has the version " + version);
    };
  }

  /** The types that the schema declares, by name. */
  Map<String, MetadataType> types() {
    return types;
  }

  /** The field of a name, if the schema declares it. */
  Optional<TypedField> typed(String name) {
    return Optional.ofNullable(types.get(name)).map(type -> new TypedField(name, type));
  }

  abstract int version();

  /**
   * Adds a document's metadata.
   *
   * @throws IllegalArgumentException if a value does not fit the type of its field
   */
  abstract void add(Document document, Metadata metadata);

  /** Documents with any of the values, in a field that the schema does not declare. */
  abstract Query anyOf(String name, Collection<?> values);

  /**
   * Refuses to ask for fields within another, if the layout does not know such.
   *
   * @throws IllegalArgumentException if it does not
   */
  abstract void requireNested(String name);

  /** Documents with a value of a name. */
  abstract Query exists(String name);

  /** Documents with a string that begins so, in a field that the schema does not declare. */
  abstract Query prefix(String name, String prefix);

  /** Documents with a string that matches, in a field that the schema does not declare. */
  abstract Query strings(String name, StringMatches strings);

  /** Documents with a number within bounds, in a field that the schema does not declare. */
  abstract Query range(String name, MetadataBounds bounds);
}
