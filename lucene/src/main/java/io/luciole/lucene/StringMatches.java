package io.luciole.lucene;

import java.util.List;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.AutomatonQuery;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

/**
 * The strings that a filter looks for.
 *
 * @param accepted accepts their bytes in UTF-8; deterministic
 */
record StringMatches(Automaton accepted) {
  /** The longest part to look for, in bytes; the work grows by its square. */
  private static final int MAX_PART = 1024;

  private static final Automaton ANY_BYTE = Automata.makeCharRange(0, 255);

  /** Strings with a part in them. */
  static StringMatches containing(String part) {
    BytesRef bytes = new BytesRef(part);
    if (bytes.length > MAX_PART) {
      throw new IllegalArgumentException(
          "expected a part of at most " + MAX_PART + " bytes in UTF-8, got " + bytes.length);
    }
    Automaton anything = Automata.makeAnyBinary();
    return new StringMatches(
        deterministic(
            Operations.concatenate(List.of(anything, Automata.makeBinary(bytes), anything))));
  }

  /** Strings within bounds, in the order of their bytes in UTF-8. */
  static StringMatches within(String name, MetadataBounds bounds) {
    Automaton all = Automata.makeAnyBinary();
    for (MetadataBounds.Bound bound : bounds.all()) {
      all = Operations.intersection(all, interval(bound.kind(), string(name, bound.value())));
    }
    return new StringMatches(deterministic(all));
  }

  private static Automaton interval(MetadataBounds.Kind kind, BytesRef bound) {
    return switch (kind) {
      case GT, GTE ->
          Automata.makeBinaryInterval(bound, kind == MetadataBounds.Kind.GTE, null, true);
      case LT, LTE ->
          Automata.makeBinaryInterval(null, true, bound, kind == MetadataBounds.Kind.LTE);
    };
  }

  private static BytesRef string(String name, Object bound) {
    if (bound instanceof String text) {
      return new BytesRef(text);
    }
    throw new IllegalArgumentException(
        "expected strings as bounds of the strings of \""
            + name
            + "\", got "
            + MetadataValues.brief(bound));
  }

  private static Automaton deterministic(Automaton automaton) {
    return Operations.determinize(automaton, Integer.MAX_VALUE);
  }

  /** Documents with a term of a field that is accepted. */
  Query terms(String field) {
    return matching(field, accepted);
  }

  /**
   * Documents with a string of a metadata field without a type that is accepted. Terms decide,
   * except for strings that are too long to be terms as they are: of those the stored metadata are
   * read.
   *
   * @param before the bytes before the string in a term of {@link SchemaFields#METADATA_TERMS}
   */
  Query untyped(String name, BytesRef before) {
    StringTerms form = StringTerms.UNTYPED;
    Automaton whole = Operations.intersection(accepted, bytes(0, form.longest()));
    Automaton shortened = bytes(form.shortened(), form.shortened());
    return new BooleanQuery.Builder()
        .add(after(before, whole), Occur.SHOULD)
        .add(new StoredStringsQuery(name, accepted, after(before, shortened)), Occur.SHOULD)
        .build();
  }

  private static Automaton bytes(int least, int most) {
    return Operations.repeat(ANY_BYTE, least, most);
  }

  private static Query after(BytesRef before, Automaton value) {
    return matching(
        SchemaFields.METADATA_TERMS,
        Operations.concatenate(List.of(Automata.makeBinary(before), value)));
  }

  private static Query matching(String field, Automaton terms) {
    Automaton deterministic = deterministic(terms);
    return Operations.isEmpty(deterministic)
        ? new MatchNoDocsQuery("no term can match")
        : new AutomatonQuery(new Term(field), deterministic, true);
  }
}
