package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.model.Familiarity;
import java.util.Collections;
import java.util.EnumSet;
import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a query beside its legs' lists, for {@link Fusion#factor}.
 *
 * @param legs the legs that search
 * @param familiarity how well the model knows the query's language, from 0, not at all, to 1, well;
 *     empty if the model does not say how to tell ({@link
 *     io.luciole.model.ModelDescription#familiarity})
 */
public record QueryTraits(Set<Leg> legs, OptionalDouble familiarity) {
  /** A language shows in the first characters; no more are tokenised. */
  private static final int READ = 500;

  /** Checks and copies the components. */
  public QueryTraits {
    EnumSet<Leg> copy = EnumSet.noneOf(Leg.class);
    copy.addAll(legs);
    legs = Collections.unmodifiableSet(copy);
    familiarity.ifPresent(value -> {
      if (!(value >= 0 && value <= 1)) {
        throw new IllegalArgumentException("familiarity must be from 0 to 1, got " + value);
      }
    });
  }

  /** The traits of a query, as far as the engine, if there is one, can tell them. */
  static QueryTraits of(Set<Leg> legs, @Nullable EmbeddingEngine engine, String text) {
    Familiarity familiarity = engine == null ? null : engine.description().familiarity();
    String read = text.substring(0, Math.min(text.length(), READ));
    int letters = (int) read.codePoints().filter(c -> !Character.isWhitespace(c)).count();
    if (engine == null || familiarity == null || letters == 0 || legs.size() == 1) {
      return new QueryTraits(legs, OptionalDouble.empty());
    }
    // What is left without special tokens and a prompt.
    int tokens =
        engine.tokenize(read, Role.PASSAGE).length() - engine.tokenize("", Role.PASSAGE).length();
    return new QueryTraits(legs, OptionalDouble.of(familiarity.of(Math.max(0, tokens), letters)));
  }
}
