package io.luciole.model;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How the states of a text's tokens become one vector: by one pooling, or by several whose results
 * are put end to end.
 *
 * @param modes at least one, in the order of their results; none is {@link Pooling#NONE}
 * @param includePrompt whether the tokens of the prompt take part. Where they do not, the first
 *     token for {@link Pooling#CLS} is the first one behind the prompt, and the weights of {@link
 *     Pooling#WEIGHTED_MEAN} are those of the tokens' places in the whole text, as in
 *     sentence-transformers 6
 */
public record TokenPooling(List<Pooling> modes, boolean includePrompt) {
  /** Checks and copies the components. */
  public TokenPooling {
    modes = List.copyOf(modes);
    if (modes.isEmpty() || modes.contains(Pooling.NONE)) {
      throw new IllegalArgumentException("expected at least one pooling, got " + modes);
    }
  }

  /**
   * One pooling of all tokens.
   *
   * @param mode the pooling
   * @return the rule
   */
  public static TokenPooling of(Pooling mode) {
    return new TokenPooling(List.of(requireNonNull(mode, "mode")), true);
  }

  /**
   * Reads names with commas between them, such as {@code cls,mean}.
   *
   * @param names as {@link Pooling#parse} reads them
   * @return the rule, for all tokens
   * @throws IllegalArgumentException if one is no pooling's name
   */
  public static TokenPooling parse(String names) {
    return new TokenPooling(
        Arrays.stream(requireNonNull(names, "names").split(",", -1)).map(Pooling::parse).toList(),
        true);
  }

  /**
   * What a backend does of this: a single pooling that it has, over all tokens, or nothing.
   *
   * @return {@link Pooling#CLS}, {@link Pooling#MEAN}, {@link Pooling#LAST} or {@link Pooling#NONE}
   */
  Pooling inBackend() {
    Pooling only = modes.size() == 1 ? modes.get(0) : Pooling.NONE;
    return switch (only) {
      case CLS, MEAN -> includePrompt ? only : Pooling.NONE;
      case LAST -> only;
      default -> Pooling.NONE;
    };
  }

  /** {@return the names with commas between them, and {@code -prompt} if that is left out} */
  @Override
  public String toString() {
    return modes.stream().map(Pooling::id).collect(Collectors.joining(","))
        + (includePrompt ? "" : "-prompt");
  }
}
