package io.luciole.model;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** How a text's vector is made from its tokens' last hidden states. */
public enum Pooling {
  /** The state of the first token. */
  CLS("cls"),
  /** The mean of the states of all tokens, padding left out. */
  MEAN("mean"),
  /** The state of the last token. */
  LAST("lasttoken"),
  /** The largest value of each component. */
  MAX("max"),
  /** The mean with the weights 1, 2, 3, … from the first token to the last (Muennighoff 2022). */
  WEIGHTED_MEAN("weightedmean"),
  /** The sum, divided by the square root of the number of tokens. */
  MEAN_SQRT_LEN("mean_sqrt_len_tokens"),
  /**
   * None: the dense values are the states of all tokens, which the engine pools. What {@link
   * ModelDescription#requirePooling} gives where a backend is not to pool.
   */
  NONE("none");

  private final String id;

  Pooling(String id) {
    this.id = id;
  }

  /** {@return the name in sentence-transformers' files, such as {@code lasttoken}} */
  public String id() {
    return id;
  }

  /** The names of all poolings, for messages. */
  static String names() {
    return Arrays.stream(values())
        .filter(pooling -> pooling != NONE)
        .map(Pooling::id)
        .collect(Collectors.joining(", "));
  }

  /** The pooling of this {@link #id}, to the letter; never {@link #NONE}. */
  static Optional<Pooling> ofId(String id) {
    return Arrays.stream(values())
        .filter(pooling -> pooling != NONE && pooling.id.equals(id))
        .findFirst();
  }

  /**
   * Reads a pooling's name.
   *
   * @param name as {@link #id}, in either case; {@code last} and {@code means} are other names of
   *     {@code lasttoken} and {@code mean}
   * @return the pooling, never {@link #NONE}
   * @throws IllegalArgumentException if there is none of this name
   */
  public static Pooling parse(String name) {
    String lower = requireNonNull(name, "name").strip().toLowerCase(Locale.ROOT);
    return ofId(lower)
        .orElseGet(() ->
            switch (lower) {
              case "last" -> LAST;
              case "means" -> MEAN;
              default ->
                  throw new IllegalArgumentException(
                      "expected a pooling of " + names() + ", got \"" + name + '"');
            });
  }
}
