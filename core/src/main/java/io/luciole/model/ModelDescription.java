package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.Role;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a model's files mean: everything about it that is not in the weights.
 *
 * @param hiddenSize components of a token's state according to {@code config.json}, if it says
 * @param maxTokens the longest text, special tokens included
 * @param pooling how token states become one vector, or null where nothing says: a backend that
 *     finds pooled vectors in the model needs none, others call {@link #requirePooling}
 * @param normalize whether dense vectors are scaled to Euclidean length 1
 * @param prompts what is put before a text of a role; a role without an entry has none
 * @param unweightedTokens token ids that never get a sparse weight: those of the classification,
 *     end, padding and unknown tokens
 * @param outlierChannels components of the token states that are many times as large as the others
 *     in every text (Dettmers et al. 2022, LLM.int8()); where activations are quantised, these are
 *     left out. Empty where nobody has looked for them
 */
public record ModelDescription(
    OptionalInt hiddenSize,
    int maxTokens,
    @Nullable Pooling pooling,
    boolean normalize,
    Map<Role, String> prompts,
    Set<Integer> unweightedTokens,
    Set<Integer> outlierChannels) {
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

  /** A description of a model whose outlier channels are not known. */
  public ModelDescription(
      OptionalInt hiddenSize,
      int maxTokens,
      @Nullable Pooling pooling,
      boolean normalize,
      Map<Role, String> prompts,
      Set<Integer> unweightedTokens) {
    this(hiddenSize, maxTokens, pooling, normalize, prompts, unweightedTokens, Set.of());
  }

  /**
   * The pooling.
   *
   * @throws ModelException if nothing in the model's folder says which; the message says where to
   *     write it
   */
  public Pooling requirePooling() {
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
        hiddenSize, limit, pooling, normalize, prompts, unweightedTokens, outlierChannels);
  }

  /** The prompt of a role, empty if there is none. */
  public String prompt(Role role) {
    return prompts.getOrDefault(role, "");
  }
}
