package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.Role;
import io.luciole.internal.Sha256;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a model's files mean: everything about the model that is not in its weights. Immutable.
 *
 * @param hiddenSize the number of components of a token's state by {@code config.json}, if it is
 *     there
 * @param maxTokens the largest number of tokens in a text, special tokens included
 * @param dense how token states become a dense vector
 * @param prompts what is put before a text, by role; a role without an entry has no prompt
 * @param namedPrompts the prompts that the model's files name, from which a person may choose
 * @param unweightedTokens the token ids that never get a sparse weight: the classification, end,
 *     padding and unknown tokens
 * @param outlierChannels the components of the token states that are many times as large as the
 *     others in every text (Dettmers et al. 2022, LLM.int8()); where activations are quantised,
 *     these stay floats. Empty if nobody has looked for them
 * @param familiarity how to tell whether the model knows a text's language, for a model of few
 *     languages; null if the model knows all alike, or nobody has looked
 * @param lowerCase whether texts and prompts are put into lower case before they are tokenised
 */
public record ModelDescription(
    OptionalInt hiddenSize,
    int maxTokens,
    DenseRecipe dense,
    Map<Role, String> prompts,
    Map<String, String> namedPrompts,
    Set<Integer> unweightedTokens,
    Set<Integer> outlierChannels,
    @Nullable Familiarity familiarity,
    boolean lowerCase) {
  /** What stands before the digest of the passages' prompt, the last part of {@link #vectors}. */
  static final String PASSAGE_PROMPT = ";prompt:";

  /** Checks and copies the components. */
  public ModelDescription {
    requireNonNull(hiddenSize, "hiddenSize");
    requireNonNull(dense, "dense");
    prompts = Map.copyOf(prompts);
    namedPrompts = Map.copyOf(namedPrompts);
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
   * A description of a model that pools and does nothing else, whose outlier channels and languages
   * are not known.
   *
   * @param hiddenSize as above
   * @param maxTokens as above
   * @param pooling how token states become one vector, or null if nothing says it
   * @param normalize whether dense vectors are scaled to Euclidean length 1
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
        DenseRecipe.of(pooling, normalize),
        prompts,
        Map.of(),
        unweightedTokens,
        Set.of(),
        null,
        false);
  }

  /** {@return how token states become one vector; null if nothing says it} */
  public @Nullable TokenPooling pooling() {
    return dense.pooling();
  }

  /** {@return whether dense vectors are scaled to Euclidean length 1} */
  public boolean normalize() {
    return dense.normalize();
  }

  /**
   * What a backend is to do to token states, as {@link DenseRecipe#requirePooling}.
   *
   * @return a pooling, or {@link Pooling#NONE}
   * @throws ModelException if nothing says which, or a file says something that Luciole does not do
   */
  public Pooling requirePooling() {
    return dense.requirePooling();
  }

  ModelDescription withMaxTokens(int limit) {
    return with(limit, dense, prompts);
  }

  ModelDescription withDense(DenseRecipe recipe) {
    return with(maxTokens, recipe, prompts);
  }

  ModelDescription withPrompt(Role role, String prompt) {
    Map<Role, String> changed = new EnumMap<>(Role.class);
    changed.putAll(prompts);
    changed.put(role, prompt);
    return with(maxTokens, dense, changed);
  }

  private ModelDescription with(int limit, DenseRecipe recipe, Map<Role, String> before) {
    return new ModelDescription(
        hiddenSize,
        limit,
        recipe,
        before,
        namedPrompts,
        unweightedTokens,
        outlierChannels,
        familiarity,
        lowerCase);
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

  /**
   * A prompt that the model's files name.
   *
   * @param name its name there
   * @return the prompt, which may be empty
   * @throws ModelException if there is none of this name
   */
  public String namedPrompt(String name) {
    String found = namedPrompts.get(requireNonNull(name, "name"));
    if (found == null) {
      throw new ModelException(
          "Expected the name of one of the model's prompts, "
              + new TreeSet<>(namedPrompts.keySet())
              + " in config_sentence_transformers.json, found \""
              + name
              + "\". Write the prompt itself instead.");
    }
    return found;
  }

  /**
   * What distinguishes the vectors of passages beside the weights and the tokenizer: the recipe of
   * dense vectors, the passages' prompt and lower case. The prompt of queries is not part of it,
   * since no vector in an index has it.
   *
   * @return a few words without blanks, such as {@code mean;normalize}
   */
  public String vectors() {
    String prompt = prompt(Role.PASSAGE);
    return dense.id()
        + (lowerCase ? ";lower" : "")
        + (prompt.isEmpty() ? "" : PASSAGE_PROMPT + Sha256.hex(Sha256.of(prompt)).substring(0, 16));
  }
}
