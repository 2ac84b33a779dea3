package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.Role;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The files of a model and what they mean. When a model is resolved, all paths exist and are
 * regular files.
 *
 * @param name the model's name for people: an alias, a hub name or a folder's name
 * @param folder the folder of the files
 * @param tokenizer the Hugging Face {@code tokenizer.json}
 * @param config {@code config.json}, or null
 * @param weights the checkpoint: {@code model.safetensors}, {@code pytorch_model.bin}, or the index
 *     file of a sharded one; or null
 * @param onnx an ONNX file, or null
 * @param torchscript a TorchScript file that gives token states, or null
 * @param sparseHead {@code sparse_linear.pt}, or null
 * @param colbertHead {@code colbert_linear.pt}, or null
 * @param ownWeights weights in the formats of backends of their own ({@link WeightFormat}); empty
 *     if there are none
 * @param description what the files mean
 */
public record ModelFiles(
    String name,
    Path folder,
    Path tokenizer,
    @Nullable Path config,
    @Nullable Path weights,
    @Nullable Path onnx,
    @Nullable Path torchscript,
    @Nullable Path sparseHead,
    @Nullable Path colbertHead,
    List<Path> ownWeights,
    ModelDescription description) {
  /** Checks and copies the components. */
  public ModelFiles {
    requireNonNull(name, "name");
    requireNonNull(folder, "folder");
    requireNonNull(tokenizer, "tokenizer");
    requireNonNull(description, "description");
    ownWeights = List.copyOf(ownWeights);
    if (weights == null && onnx == null && torchscript == null && ownWeights.isEmpty()) {
      throw new IllegalArgumentException(
          "expected weights, an ONNX file, a TorchScript file or weights in another format, got"
              + " none");
    }
  }

  /**
   * Files without weights in the formats of backends of their own.
   *
   * @param name as above
   * @param folder as above
   * @param tokenizer as above
   * @param config as above, or null
   * @param weights as above, or null
   * @param onnx as above, or null
   * @param torchscript as above, or null
   * @param sparseHead as above, or null
   * @param colbertHead as above, or null
   * @param description as above
   */
  public ModelFiles(
      String name,
      Path folder,
      Path tokenizer,
      @Nullable Path config,
      @Nullable Path weights,
      @Nullable Path onnx,
      @Nullable Path torchscript,
      @Nullable Path sparseHead,
      @Nullable Path colbertHead,
      ModelDescription description) {
    this(
        name,
        folder,
        tokenizer,
        config,
        weights,
        onnx,
        torchscript,
        sparseHead,
        colbertHead,
        List.of(),
        description);
  }

  /** {@return whether the only weights are in the formats of backends of their own} */
  public boolean hasOnlyOwnWeights() {
    return weights == null && onnx == null && torchscript == null;
  }

  /**
   * Whether a folder has all files that a model takes: its tokenizer, and weights of one form with
   * all their shards or the files that an ONNX file names.
   *
   * @param folder a folder, which need not exist
   * @return true if all of them are there; their content is not checked
   * @throws ModelException if the folder or the index of a sharded checkpoint cannot be read
   */
  public static boolean areIn(Path folder) {
    return ModelFolder.isComplete(folder, List.of());
  }

  /** {@return the checkpoint, if there is one} */
  public Optional<Path> checkpoint() {
    return Optional.ofNullable(weights);
  }

  /** {@return the ONNX file, if there is one} */
  public Optional<Path> onnxFile() {
    return Optional.ofNullable(onnx);
  }

  /**
   * A positive whole number from {@code config.json}.
   *
   * @param key its name, such as {@code vocab_size}
   * @return the number, or empty if there is none of at least 1
   * @throws ModelException if the file cannot be read
   */
  public Optional<Integer> configNumber(String key) {
    int value = config == null ? 0 : ModelJson.read(config).path(key).asInt();
    return value > 0 ? Optional.of(value) : Optional.empty();
  }

  /**
   * The same model with a lower limit on the tokens of a text.
   *
   * @param maxTokens the largest number of tokens, special ones included
   * @return the changed copy
   * @throws IllegalArgumentException if the limit is below 2 or above the model's own
   */
  public ModelFiles withMaxTokens(int maxTokens) {
    if (maxTokens < 2 || maxTokens > description.maxTokens()) {
      throw new IllegalArgumentException(
          "the model "
              + name
              + " takes texts of 2 to "
              + description.maxTokens()
              + " tokens, got "
              + maxTokens);
    }
    return with(description.withMaxTokens(maxTokens));
  }

  /**
   * The same model with its dense vectors being the last states of the texts' first tokens, not
   * normalised, and without prompts: what the head of a reranker takes.
   *
   * @return the changed copy
   */
  public ModelFiles withStatesOfFirstTokens() {
    return with(
        new ModelDescription(
            description.hiddenSize(),
            description.maxTokens(),
            DenseRecipe.of(Pooling.CLS, false),
            Map.of(),
            Map.of(),
            description.unweightedTokens(),
            description.outlierChannels(),
            description.familiarity(),
            description.lowerCase()));
  }

  /**
   * The same model with another way to its dense vectors than its files say.
   *
   * @param pooling how token states become one vector; empty to leave it
   * @param normalize whether dense vectors are scaled to length 1; empty to leave it
   * @param dimensions how many components are kept, the first ones; empty to leave it
   * @return the changed copy
   * @throws IllegalArgumentException if dimensions are below 1
   */
  public ModelFiles withDense(
      Optional<TokenPooling> pooling, Optional<Boolean> normalize, OptionalInt dimensions) {
    return with(
        description.withDense(
            description.dense().with(pooling.orElse(null), normalize.orElse(null), dimensions)));
  }

  /**
   * The same model with another prompt for a role.
   *
   * @param role the role
   * @param prompt what is put before its texts; empty for nothing
   * @return the changed copy
   */
  public ModelFiles withPrompt(Role role, String prompt) {
    return with(
        description.withPrompt(requireNonNull(role, "role"), requireNonNull(prompt, "prompt")));
  }

  private ModelFiles with(ModelDescription changed) {
    return new ModelFiles(
        name,
        folder,
        tokenizer,
        config,
        weights,
        onnx,
        torchscript,
        sparseHead,
        colbertHead,
        ownWeights,
        changed);
  }

  /**
   * The files that the fingerprint is made of: the tokenizer, then the weights with their shards or
   * external tensors, and the heads. It is not checked whether named ones are there.
   *
   * @return the files, the tokenizer first
   * @throws ModelException if a file that names others cannot be read
   */
  public List<Path> fingerprinted() {
    List<Path> files = new ArrayList<>();
    files.add(tokenizer);
    if (weights != null) {
      files.addAll(FileDigests.withShards(weights));
    } else if (onnx != null) {
      files.addAll(FileDigests.withExternalData(onnx));
    } else if (torchscript != null) {
      files.add(torchscript);
    } else {
      files.addAll(ownWeights);
    }
    for (Path head : new Path[] {sparseHead, colbertHead}) {
      if (head != null) {
        files.add(head);
      }
    }
    return files;
  }

  /**
   * The fingerprint of this model's vectors. The first call reads the weights; their digest is kept
   * in Luciole's cache folder while their size and times stay the same.
   *
   * @param dimension the number of components of a dense vector, as the backend reports it
   * @param precision the arithmetic, as the backend reports it; empty where it does not matter
   * @return the fingerprint
   * @throws ModelException if a file cannot be read
   */
  public ModelFingerprint fingerprint(int dimension, String precision) {
    List<Path> files = fingerprinted();
    return new ModelFingerprint(
        name,
        dimension,
        FileDigests.sha256(files.subList(0, 1)),
        FileDigests.sha256(files.subList(1, files.size())),
        description.vectors(),
        precision);
  }
}
