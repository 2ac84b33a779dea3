package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.model.checkpoint.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The weights of an encoder of the BERT and XLM-RoBERTa kind, and of BGE-M3's two heads, named by
 * their part in the arithmetic and not as in their files. Opening checks all names and shapes
 * against {@link #config} and reads no weight. H is the number of components of a token's state.
 *
 * <pre>
 * h   = norm(words[id] + positions[firstPosition + t] + tokenTypes[0])
 * a   = attention(query(h), key(h), value(h))
 * h   = attentionNorm(h + attentionOutput(a))               } each layer
 * h   = outputNorm(h + output(activation(intermediate(h)))) }
 * w_t = relu(sparse(h_t)),   c_t = colbert(h_t)
 * </pre>
 *
 * <p>A {@link Linear} is {@code x·weightᵀ + bias}, as PyTorch stores it. Safe for use by many
 * threads, except {@link #close}; the tensors' buffers stay valid after it.
 */
public final class EncoderWeights implements AutoCloseable {
  private static final String WORDS = "embeddings.word_embeddings.weight";

  private final EncoderConfig config;
  private final List<Checkpoint> open = new ArrayList<>();
  private final Checkpoint encoder;
  private final String prefix;
  private final List<Layer> layers = new ArrayList<>();

  /** Names of the encoder's tensors that were asked for. */
  private final Set<String> used = new HashSet<>();

  private final @Nullable Linear sparse;
  private final @Nullable Linear colbert;

  /**
   * A linear map.
   *
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}
   */
  public record Linear(Tensor weight, Tensor bias) {
    /** {@return the number of components of the result, which are the rows of the weight} */
    public int outputs() {
      return Math.toIntExact(weight.shape()[0]);
    }

    /**
     * BGE-M3's head for token weights, {@code [1, H]}: a state dict {@code {weight, bias}}.
     *
     * @param file the open file
     * @param hidden the number of components of a token's state, H
     * @return the head
     * @throws io.luciole.model.checkpoint.CheckpointException if the tensors are missing or of
     *     another shape
     */
    public static Linear sparseHead(Checkpoint file, int hidden) {
      return new Linear(file.requireShape("weight", 1, hidden), file.requireShape("bias", 1));
    }

    /**
     * BGE-M3's head for token vectors, {@code [D', H]}: a state dict {@code {weight, bias}}.
     *
     * @param file the open file
     * @param hidden the number of components of a token's state, H
     * @return the head
     * @throws io.luciole.model.checkpoint.CheckpointException if the tensors are missing or of
     *     another shape
     */
    public static Linear colbertHead(Checkpoint file, int hidden) {
      long rows = file.require("bias").elementCount();
      return new Linear(file.requireShape("weight", rows, hidden), file.requireShape("bias", rows));
    }
  }

  /**
   * A layer normalisation over H components.
   *
   * @param scale {@code [H]}
   * @param shift {@code [H]}
   */
  public record Norm(Tensor scale, Tensor shift) {}

  /**
   * One transformer layer, its norms behind the residual sums.
   *
   * @param query {@code [H, H]}
   * @param key {@code [H, H]}
   * @param value {@code [H, H]}
   * @param attentionOutput {@code [H, H]}
   * @param attentionNorm behind the attention
   * @param intermediate {@code [feedForward, H]}
   * @param output {@code [H, feedForward]}
   * @param outputNorm behind the feed-forward block
   */
  public record Layer(
      Linear query,
      Linear key,
      Linear value,
      Linear attentionOutput,
      Norm attentionNorm,
      Linear intermediate,
      Linear output,
      Norm outputNorm) {}

  private EncoderWeights(ModelFiles model, EncoderConfig config, Path file) {
    this.config = config;
    try {
      this.encoder = keep(Checkpoint.open(file));
      this.prefix = findPrefix(encoder, file);
      checkLayers(file);
      words();
      positions();
      tokenTypes();
      embeddingNorm();
      for (int i = 0; i < config.layers(); i++) {
        layers.add(readLayer("encoder.layer." + i + "."));
      }
      if (model.weights() == null) {
        checkAllUsed(file);
      }
      this.sparse = head(model.sparseHead(), Linear::sparseHead);
      this.colbert = head(model.colbertHead(), Linear::colbertHead);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Opens a model's checkpoint, with its heads if it has them; of a model that has none, its ONNX
   * file, if that is one whose weights {@link Checkpoint} can read.
   *
   * @param model the model's files
   * @return the open weights; the caller closes them
   * @throws ModelException if {@code config.json} or the checkpoint is missing, describes an
   *     encoder of another kind, or takes fewer tokens than the model is said to
   * @throws io.luciole.model.checkpoint.CheckpointException if a file cannot be read, or a tensor
   *     is missing or has another shape than the configuration says
   */
  public static EncoderWeights open(ModelFiles model) {
    requireNonNull(model, "model");
    Path weights = model.weights() != null ? model.weights() : model.onnx();
    if (weights == null) {
      throw new ModelException(
          "Expected a checkpoint (model.safetensors or pytorch_model.bin) in "
              + model.folder()
              + ", found none.");
    }
    Path file = model.config();
    if (file == null) {
      throw new ModelException(
          "Expected config.json beside the checkpoint "
              + weights
              + ", found none. It says how many layers and heads the model has; copy it from the"
              + " model's page.");
    }
    EncoderConfig config = EncoderConfig.read(file);
    if (model.description().maxTokens() > config.maxTokens()) {
      throw new ModelException(
          "Expected a limit of at most "
              + config.maxTokens()
              + " tokens, for which the position table has rows, found "
              + model.description().maxTokens()
              + " in the files of "
              + model.folder());
    }
    return new EncoderWeights(model, config, weights);
  }

  private static String findPrefix(Checkpoint encoder, Path file) {
    for (String name : encoder.names()) {
      if (name.equals(WORDS) || name.endsWith("." + WORDS)) {
        return name.substring(0, name.length() - WORDS.length());
      }
    }
    throw new ModelException(
        "Expected an encoder's weights with a tensor "
            + WORDS
            + " (with a prefix or without), found "
            + encoder.names().stream().limit(5).toList()
            + " and others in "
            + file);
  }

  private void checkLayers(Path file) {
    String next = prefix + "encoder.layer." + config.layers() + ".";
    if (encoder.names().stream().anyMatch(name -> name.startsWith(next))) {
      throw new ModelException(
          "Expected "
              + config.layers()
              + " layers (num_hidden_layers of config.json), found more in "
              + file);
    }
  }

  /**
   * A graph runs all of its weights: one that has more than an encoder's computes something else. A
   * checkpoint may have more, such as a pooler, that nobody runs.
   */
  private void checkAllUsed(Path file) {
    for (String name : encoder.names()) {
      if (!used.contains(name)) {
        throw new ModelException(
            "Expected an export of an encoder alone, found the weight "
                + name
                + " besides in "
                + file
                + ". Such a file is run as it is, by the backend onnx.");
      }
    }
  }

  private Checkpoint keep(Checkpoint checkpoint) {
    open.add(checkpoint);
    return checkpoint;
  }

  private synchronized Tensor tensor(String name, long... shape) {
    used.add(prefix + name);
    return encoder.requireShape(prefix + name, shape);
  }

  private Linear linear(String name, int outputs, int inputs) {
    return new Linear(tensor(name + ".weight", outputs, inputs), tensor(name + ".bias", outputs));
  }

  private Norm norm(String name) {
    // Checkpoints converted from TensorFlow call scale and shift gamma and beta.
    boolean old = encoder.tensor(prefix + name + ".gamma").isPresent();
    return new Norm(
        tensor(name + (old ? ".gamma" : ".weight"), config.hidden()),
        tensor(name + (old ? ".beta" : ".bias"), config.hidden()));
  }

  private Layer readLayer(String at) {
    int hidden = config.hidden();
    return new Layer(
        linear(at + "attention.self.query", hidden, hidden),
        linear(at + "attention.self.key", hidden, hidden),
        linear(at + "attention.self.value", hidden, hidden),
        linear(at + "attention.output.dense", hidden, hidden),
        norm(at + "attention.output.LayerNorm"),
        linear(at + "intermediate.dense", config.feedForward(), hidden),
        linear(at + "output.dense", hidden, config.feedForward()),
        norm(at + "output.LayerNorm"));
  }

  private @Nullable Linear head(
      @Nullable Path file, BiFunction<Checkpoint, Integer, Linear> linear) {
    return file == null ? null : linear.apply(keep(Checkpoint.open(file)), config.hidden());
  }

  /** {@return the sizes} */
  public EncoderConfig config() {
    return config;
  }

  /** {@return the token table, {@code [vocabulary, H]}} */
  public Tensor words() {
    return tensor(WORDS, config.vocabulary(), config.hidden());
  }

  /** {@return the position table, {@code [positions, H]}} */
  public Tensor positions() {
    return tensor("embeddings.position_embeddings.weight", config.positions(), config.hidden());
  }

  /** {@return the token type table, {@code [tokenTypes, H]}, of which the first row is used} */
  public Tensor tokenTypes() {
    return tensor("embeddings.token_type_embeddings.weight", config.tokenTypes(), config.hidden());
  }

  /** {@return the normalisation of the sum of the rows of the three tables} */
  public Norm embeddingNorm() {
    return norm("embeddings.LayerNorm");
  }

  /**
   * A layer.
   *
   * @param index its index, {@code 0 <= index < config().layers()}; 0 is the first to run
   * @return the layer
   */
  public Layer layer(int index) {
    return layers.get(index);
  }

  /** {@return the sparse head, {@code [1, H]}, if the model has one} */
  public Optional<Linear> sparseHead() {
    return Optional.ofNullable(sparse);
  }

  /** {@return the ColBERT head, {@code [D', H]}, if the model has one} */
  public Optional<Linear> colbertHead() {
    return Optional.ofNullable(colbert);
  }

  /** Closes the files. Buffers that were mapped stay valid. Closing twice does nothing. */
  @Override
  public void close() {
    open.forEach(Checkpoint::close);
  }
}
