package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.model.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of an encoder's checkpoint by what they are for, each of the shape that the
 * configuration demands. Prefixes such as {@code roberta.} or {@code bert.} may be there or not.
 *
 * <p>Matrices are {@code [out, in]}, as PyTorch's {@code nn.Linear} keeps them.
 */
final class EncoderWeights implements AutoCloseable {
  private static final String WORDS = "embeddings.word_embeddings.weight";

  /** {@code y = x·weightᵀ + bias} */
  record Linear(Tensor weight, Tensor bias) {
    int outputs() {
      return Math.toIntExact(weight.shape()[0]);
    }
  }

  /** Layer normalisation. */
  record Norm(Tensor scale, Tensor shift) {}

  /** One transformer layer. */
  record Layer(
      Linear query,
      Linear key,
      Linear value,
      Linear attentionOutput,
      Norm attentionNorm,
      Linear intermediate,
      Linear output,
      Norm outputNorm) {}

  private final EncoderConfig config;
  private final Path file;
  private final Checkpoint checkpoint;
  private final String prefix;
  private final @Nullable Checkpoint sparseFile;
  private final @Nullable Checkpoint colbertFile;

  /** Opens the checkpoint of a model, and the heads beside it where there are such. */
  EncoderWeights(ModelFiles files, EncoderConfig config) {
    this.config = config;
    this.file = requireNonNull(files.weights());
    List<Checkpoint> opened = new ArrayList<>();
    try {
      this.checkpoint = open(file, opened);
      this.sparseFile = files.sparseHead() == null ? null : open(files.sparseHead(), opened);
      this.colbertFile = files.colbertHead() == null ? null : open(files.colbertHead(), opened);
      this.prefix = prefix();
      checkLayers();
    } catch (RuntimeException e) {
      opened.forEach(Checkpoint::close);
      throw e;
    }
  }

  private static Checkpoint open(Path path, List<Checkpoint> opened) {
    Checkpoint checkpoint = Checkpoint.open(path);
    opened.add(checkpoint);
    return checkpoint;
  }

  private String prefix() {
    for (String name : checkpoint.names()) {
      if (name.equals(WORDS) || name.endsWith("." + WORDS)) {
        return name.substring(0, name.length() - WORDS.length());
      }
    }
    throw new ModelException(
        "Expected an encoder's weights with a tensor "
            + WORDS
            + " (with a prefix or without), found "
            + checkpoint.names().stream().limit(5).toList()
            + " and others in "
            + file);
  }

  private void checkLayers() {
    String next = prefix + "encoder.layer." + config.layers() + ".";
    if (checkpoint.names().stream().anyMatch(name -> name.startsWith(next))) {
      throw new ModelException(
          "Expected "
              + config.layers()
              + " layers (num_hidden_layers of config.json), found more in "
              + file);
    }
  }

  Tensor words() {
    return tensor(WORDS, config.vocabulary(), config.hidden());
  }

  Tensor positions() {
    return tensor("embeddings.position_embeddings.weight", config.positions(), config.hidden());
  }

  Tensor tokenTypes() {
    return tensor("embeddings.token_type_embeddings.weight", config.tokenTypes(), config.hidden());
  }

  Norm embeddingNorm() {
    return norm("embeddings.LayerNorm");
  }

  Layer layer(int index) {
    String layer = "encoder.layer." + index + ".";
    int h = config.hidden();
    return new Layer(
        linear(layer + "attention.self.query", h, h),
        linear(layer + "attention.self.key", h, h),
        linear(layer + "attention.self.value", h, h),
        linear(layer + "attention.output.dense", h, h),
        norm(layer + "attention.output.LayerNorm"),
        linear(layer + "intermediate.dense", config.feedForward(), h),
        linear(layer + "output.dense", h, config.feedForward()),
        norm(layer + "output.LayerNorm"));
  }

  /** BGE-M3's head for token weights, {@code [1, H]}, if the model has one. */
  Optional<Linear> sparseHead() {
    return Optional.ofNullable(sparseFile).map(f -> Heads.sparse(f, config.hidden()));
  }

  /** BGE-M3's head for token vectors, {@code [D', H]}, if the model has one. */
  Optional<Linear> colbertHead() {
    return Optional.ofNullable(colbertFile).map(f -> Heads.colbert(f, config.hidden()));
  }

  private Linear linear(String name, int out, int in) {
    return new Linear(tensor(name + ".weight", out, in), tensor(name + ".bias", out));
  }

  private Norm norm(String name) {
    // Checkpoints converted from TensorFlow call scale and shift gamma and beta.
    boolean old = checkpoint.tensor(prefix + name + ".gamma").isPresent();
    return new Norm(
        tensor(name + (old ? ".gamma" : ".weight"), config.hidden()),
        tensor(name + (old ? ".beta" : ".bias"), config.hidden()));
  }

  private Tensor tensor(String name, long... shape) {
    return checkpoint.requireShape(prefix + name, shape);
  }

  @Override
  public void close() {
    checkpoint.close();
    if (sparseFile != null) {
      sparseFile.close();
    }
    if (colbertFile != null) {
      colbertFile.close();
    }
  }
}
