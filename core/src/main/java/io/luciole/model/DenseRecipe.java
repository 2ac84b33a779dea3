package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.ModelFileNames;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * How a text's dense vector is made from the states of its tokens: pooling, the modules behind it,
 * a cut, and a length of 1; in this order. Immutable.
 *
 * @param pooling how token states become one vector, or null if no file says it, or one says
 *     something else than there is. A backend whose model computes pooled vectors itself needs
 *     none; other backends call {@link #requirePooling}
 * @param isChosen whether the pooling is one that a person chose, in {@code luciole.json} or by a
 *     setting; a model that computes pooled vectors itself is then refused
 * @param modules what the engine applies to the pooled vector
 * @param dimensions how many components are kept, the first ones (Kusupati et al. 2022, Matryoshka
 *     representation learning); empty for all
 * @param normalize whether vectors are scaled to Euclidean length 1 in the end
 * @param problem what the files say of all this that Luciole does not do, for the message of {@link
 *     #requirePooling}; null if there is nothing of the kind
 * @param padsLeft whether the model's tokenizer pads on the left. Backends pad on the right and
 *     mask, which is the same to token states; a model that pools itself may count on the side
 */
public record DenseRecipe(
    @Nullable TokenPooling pooling,
    boolean isChosen,
    List<VectorModule> modules,
    OptionalInt dimensions,
    boolean normalize,
    @Nullable String problem,
    boolean padsLeft) {
  /** Checks and copies the components. */
  public DenseRecipe {
    modules = List.copyOf(modules);
    requireNonNull(dimensions, "dimensions");
    if (dimensions.orElse(1) < 1) {
      throw new IllegalArgumentException("dimensions must be at least 1, got " + dimensions);
    }
  }

  /**
   * A recipe of one pooling and nothing else but the length.
   *
   * @param pooling as above, or null
   * @param normalize as above
   * @return the recipe
   */
  public static DenseRecipe of(@Nullable Pooling pooling, boolean normalize) {
    return new DenseRecipe(
        pooling == null ? null : TokenPooling.of(pooling),
        false,
        List.of(),
        OptionalInt.empty(),
        normalize,
        null,
        false);
  }

  /**
   * What a backend is to do to token states.
   *
   * @return {@link Pooling#CLS}, {@link Pooling#MEAN} or {@link Pooling#LAST}; or {@link
   *     Pooling#NONE}, where the dense values are to be all token states
   * @throws ModelException if nothing in the model's folder says which, and the message says where
   *     to write it; or if a file says something that Luciole does not do, and the message names it
   */
  public Pooling requirePooling() {
    if (problem != null) {
      throw new ModelException(problem);
    }
    if (pooling == null) {
      throw new ModelException(
          "Nothing says how this model's token states become one vector: expected modules.json with"
              + " a pooling module, or luciole.json. Add luciole.json to the model's folder, for"
              + " instance {\"pooling\": \"cls\", \"normalize\": true}, or set luciole.pooling; one"
              + " of "
              + Pooling.names()
              + ", or several with commas between them.");
    }
    return pooling.inBackend();
  }

  /**
   * Checks that a model may compute its pooled vectors itself: then nothing must be said of pooling
   * that it might not do, nor of batches that backends do otherwise.
   *
   * @param model what gives such vectors, for the message
   * @throws ModelException if something is said
   */
  public void requireNoStates(Object model) {
    if (isChosen || poolsStates() || !modules.isEmpty()) {
      throw new ModelException(
          "Expected token states (last_hidden_state) for "
              + (modules.isEmpty() ? "the pooling " + pooling : "the modules " + ids())
              + ", found that "
              + model
              + " gives pooled vectors alone. Leave the pooling to it, or use the model's"
              + " checkpoint or an export with token states.");
    }
    if (padsLeft) {
      throw new ModelException(
          "Expected token states (last_hidden_state) of a model whose tokenizer_config.json says"
              + " \"padding_side\": \"left\", found that "
              + model
              + " gives pooled vectors alone. Luciole pads on the right, and a graph that takes the"
              + " last place of a row would take padding. Use the model's checkpoint or an export"
              + " with token states.");
    }
  }

  /** {@return whether the engine pools, so that a backend gives the states of all tokens} */
  public boolean poolsStates() {
    return pooling != null && pooling.inBackend() == Pooling.NONE;
  }

  /**
   * The number of components of a dense vector.
   *
   * @param states the number of components that a backend gives, of a pooled vector or a state
   * @return the number of components when all is done
   * @throws ModelException if a module is made for another number, or {@link #dimensions} is larger
   */
  public int outputs(int states) {
    int size = poolsStates() ? states * requireNonNull(pooling).modes().size() : states;
    for (VectorModule module : modules) {
      size = module.outputs(size);
    }
    if (dimensions.orElse(size) > size) {
      throw new ModelException(
          "Expected from 1 to "
              + size
              + " dimensions, which is what this model has, found "
              + dimensions.getAsInt()
              + ", from luciole.dimensions or else \"truncate_dim\" in "
              + ModelFileNames.PROMPTS
              + ". Set luciole.dimensions to no more.");
    }
    return dimensions.orElse(size);
  }

  private List<String> ids() {
    return modules.stream().map(VectorModule::id).toList();
  }

  /** {@return what distinguishes vectors by this recipe, in words without blanks} */
  public String id() {
    List<String> parts = new ArrayList<>();
    parts.add(pooling == null ? "own" : pooling.toString());
    parts.addAll(ids());
    dimensions.ifPresent(kept -> parts.add("first:" + kept));
    if (normalize) {
      parts.add("normalize");
    }
    return String.join(";", parts);
  }

  DenseRecipe with(@Nullable TokenPooling chosen, @Nullable Boolean unit, OptionalInt kept) {
    return new DenseRecipe(
        chosen == null ? pooling : chosen,
        isChosen || chosen != null,
        modules,
        kept.isPresent() ? kept : dimensions,
        unit == null ? normalize : unit,
        problem,
        padsLeft);
  }
}
