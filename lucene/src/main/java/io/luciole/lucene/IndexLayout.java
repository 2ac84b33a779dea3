package io.luciole.lucene;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.jspecify.annotations.Nullable;

/**
 * Which fields of an index a searcher reads. Immutable.
 *
 * @param vectors the fields of the vectors
 * @param words the field of the words, or null without the leg {@link Leg#BM25}
 * @param id the field of the id
 * @param shown the stored fields that hits show
 * @param whole finds whole documents where passages stand before them; null without passages
 */
record IndexLayout(
    VectorFields vectors, @Nullable Words words, String id, Shown shown, @Nullable Query whole) {
  /**
   * Words to search by BM25.
   *
   * @param field their field
   * @param analyzer cuts a query into words as the index has them
   * @param titles the field that has the words of titles by themselves; null if there is none
   * @param documents finds the documents that are searched; null for all that have the field
   */
  record Words(
      String field, Analyzer analyzer, @Nullable String titles, @Nullable Query documents) {}

  /**
   * Stored fields; where one is not named, hits have it empty.
   *
   * @param metadata holds what {@link SchemaFields#METADATA} does
   */
  record Shown(Optional<String> title, Optional<String> text, Optional<String> metadata) {
    static final Shown NONE = new Shown(Optional.empty(), Optional.empty(), Optional.empty());

    /** The names of the fields. */
    Set<String> fields() {
      return Stream.of(title, text, metadata)
          .flatMap(Optional::stream)
          .collect(Collectors.toUnmodifiableSet());
    }

    /** The title of a document whose stored fields are read; empty if it has none. */
    String titleOf(Document stored) {
      return value(stored, title);
    }

    /** The text of a document whose stored fields are read; empty if it has none. */
    String textOf(Document stored) {
      return value(stored, text);
    }

    /**
     * The metadata of a document whose stored fields are read.
     *
     * @throws IndexException if it is damaged
     */
    Metadata metadataOf(Document stored, String id) {
      String json = value(stored, metadata);
      try {
        return json.isEmpty() ? Metadata.EMPTY : Metadata.parse(json);
      } catch (IllegalArgumentException e) {
        throw new IndexException(
            "The stored metadata of the document \"" + id + "\" is damaged: " + e.getMessage(), e);
      }
    }

    private static String value(Document stored, Optional<String> field) {
      String value = field.map(stored::get).orElse(null);
      return value == null ? "" : value;
    }
  }

  /** The fields of {@link SchemaFields}, as a schema has them. */
  static IndexLayout of(HybridSchema schema) {
    return new IndexLayout(
        schema.vectorFields(),
        new Words(
            SchemaFields.WORDS,
            schema.analyzer(),
            schema.words().titles() ? SchemaFields.TITLE_WORDS : null,
            null),
        SchemaFields.ID,
        new Shown(
            Optional.of(SchemaFields.TITLE),
            Optional.of(SchemaFields.TEXT),
            Optional.of(SchemaFields.METADATA)),
        wholeDocuments(schema));
  }

  /** Finds the whole documents of a schema with passages; null without passages. */
  static @Nullable Query wholeDocuments(HybridSchema schema) {
    return schema.chunks().isEmpty()
        ? null
        : new TermQuery(new Term(SchemaFields.DOCUMENT, SchemaFields.PRESENT));
  }

  /** The legs that can search. */
  Set<Leg> legs() {
    EnumSet<Leg> legs = EnumSet.copyOf(Leg.of(vectors.outputs()));
    if (words == null) {
      legs.remove(Leg.BM25);
    }
    return legs;
  }
}
