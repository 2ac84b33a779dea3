package io.luciole.lucene;

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
 *     empty if the model does not say how to tell ({@link QueryEmbedder#familiarity})
 */
public record QueryTraits(Set<Leg> legs, OptionalDouble familiarity) {
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

  /** The traits of a query, as far as the embedder, if there is one, can tell them. */
  static QueryTraits of(Set<Leg> legs, @Nullable QueryEmbedder embedder, String text) {
    return new QueryTraits(
        legs,
        embedder == null || legs.size() == 1 ? OptionalDouble.empty() : embedder.familiarity(text));
  }
}
