package io.luciole.lucene;

import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.lucene.analysis.Analyzer;
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
