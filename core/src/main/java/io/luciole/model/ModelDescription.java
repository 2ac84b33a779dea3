package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.Role;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a model's files mean: everything about the model that is not in its weights. Immutable.
 *
 * @param hiddenSize the number of components of a token's state by {@code config.json}, if it is
 *     there
 * @param maxTokens the largest number of tokens in a text, special tokens included
 * @param pooling how token states become one vector, or null if no file says it, or one says
 *     something else than there is. A backend whose model computes pooled vectors itself needs
 *     none; other backends call {@link #requirePooling}
 * @param normalize whether dense vectors are scaled to Euclidean length 1
 * @param prompts what is put before a text, by role; a role without an entry has no prompt
 * @param unweightedTokens the token ids that never get a sparse weight: the classification, end,
 *     padding and unknown tokens
 * @param outlierChannels the components of the token states that are many times as large as the
 *     others in every text (Dettmers et al. 2022, LLM.int8()); where activations are quantised,
 *     these stay floats. Empty if nobody has looked for them
 * @param familiarity how to tell whether the model knows a text's language, for a model of few
 *     languages; null if the model knows all alike, or nobody has looked
 * @param lowerCase whether texts and prompts are put into lower case before they are tokenised
 * @param poolingProblem what the files say of the way from token states to one vector that Luciole
 *     does not do, for the message of {@link #requirePooling}; null if there is nothing of the kind
 */
public record ModelDescription(
    OptionalInt hiddenSize,
    int maxTokens,
    @Nullable Pooling pooling,
    boolean normalize,
    Map<Role, String> prompts,
    Set<Integer> unweightedTokens,
    Set<Integer> outlierChannels,
    @Nullable Familiarity familiarity,
    boolean lowerCase,
    @Nullable String poolingProblem) {
  /** Checks and copies the components. */
  public ModelDescription {
    requireNonNull(hiddenSize, "hiddenSize");
    prompts = Map.copyOf(prompts);
    unweightedTokens = Set.copyOf(unweightedTokens);
    outlierChannels = Set.copyOf(outlierChannels);
    for (int channel : outlierChannels) {
      if (channel < 0 || channel >= hiddenSize.orElse(Integer.MAX_VALUE)) {
        throw new IllegalArgumentException(
            "expected outlier channels of " + hiddenSize + " components, got " + channel);
      }
    }
    if (maxTokens < 2) {
      throw new IllegalArgumentException("maxTokens must be at least 2, got " + maxTokens);
    }
  }

  /**
   * A description of a model whose outlier channels and languages are not known.
   *
   * @param hiddenSize as above
   * @param maxTokens as above
   * @param pooling as above, or null
   * @param normalize as above
   * @param prompts as above
   * @param unweightedTokens as above
   */
  public ModelDescription(
      OptionalInt hiddenSize,
      int maxTokens,
      @Nullable Pooling pooling,
      boolean normalize,
      Map<Role, String> prompts,
      Set<Integer> unweightedTokens) {
    this(
        hiddenSize,
        maxTokens,
        pooling,
        normalize,
        prompts,
        unweightedTokens,
        Set.of(),
        null,
        false,
        null);
  }

  /**
   * The pooling, for a backend that needs it.
   *
   * @return how token states become one vector
   * @throws ModelException if nothing in the model's folder says which, and the message says where
   *     to write it; or if a file says something that Luciole does not do, and the message names it
   */
  public Pooling requirePooling() {
    if (poolingProblem != null) {
      throw new ModelException(poolingProblem);
    }
    if (pooling == null) {
      throw new ModelException(
          "Nothing says how this model's token states become one vector: expected modules.json with"
              + " a pooling module, or luciole.json. Add luciole.json to the model's folder, for"
              + " instance {\"pooling\": \"cls\", \"normalize\": true} (cls, mean or last).");
    }
    return pooling;
  }

  ModelDescription withMaxTokens(int limit) {
    return new ModelDescription(
        hiddenSize,
        limit,
        pooling,
        normalize,
        prompts,
        unweightedTokens,
        outlierChannels,
        familiarity,
        lowerCase,
        poolingProblem);
  }

  /**
   * The prompt of a role.
   *
   * @param role the role
   * @return what is put before its texts; empty if nothing is
   */
  public String prompt(Role role) {
    return prompts.getOrDefault(role, "");
  }
}
