package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.model.Architecture.LayerAttention;
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
 * The weights of an encoder, and of BGE-M3's two heads, named by their part in the arithmetic and
 * not as in their files. Opening checks all names and shapes against {@link #config} and reads no
 * weight. H is the number of components of a token's state, E that of a row of the tables.
 *
 * <pre>
 * h   = norm(words[id] + positions[firstPosition + t] + tokenTypes[0])
 * h   = projection(h)                                        where E is not H
 *
 * each layer of BERT, RoBERTa, DistilBERT, ELECTRA, MPNet, NomicBERT:
 * a   = attention(query(h), key(h), value(h))
 * h   = attentionNorm(h + attentionOutput(a))
 * h   = outputNorm(h + output(inner(h)))
 *
 * each layer of ModernBERT, whose norms come first:
 * n   = attentionNorm(h), or h where the layer has none
 * h   = h + attentionOutput(attention(query(n), key(n), value(n)))
 * h   = h + output(inner(outputNorm(h)))
 * and behind the last h = finalNorm(h)
 *
 * inner(x) = activation(intermediate(x)), times gate(x) where the architecture is gated
 * w_t = relu(sparse(h_t)),   c_t = colbert(h_t)
 * </pre>
 *
 * <p>{@link Architecture} says which of these an encoder has, and what attention adds to its
 * scores. A {@link Linear} is {@code x·weightᵀ + bias}, as PyTorch stores it; a bias that the
 * architecture lacks is zeros. Safe for use by many threads, except {@link #close}; the tensors'
 * buffers stay valid after it.
 */
public final class EncoderWeights implements AutoCloseable {
  /** The distance from which on {@link #relativeBias} is one value for each side. */
  public static final int FARTHEST = RelativePositions.FARTHEST;

  private final EncoderConfig config;
  private final EncoderNames names;
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
   * One transformer layer.
   *
   * @param attention what is particular to its attention
   * @param query {@code [H, H]}
   * @param key {@code [H, H]}
   * @param value {@code [H, H]}
   * @param attentionOutput {@code [H, H]}
   * @param attentionNorm behind the attention, or before it; null in a first layer without one
   * @param intermediate {@code [feedForward, H]}, followed by the activation
   * @param gate {@code [feedForward, H]}; null unless the architecture is gated
   * @param output {@code [H, feedForward]}
   * @param outputNorm behind the feed-forward block, or before it
   */
  public record Layer(
      LayerAttention attention,
      Linear query,
      Linear key,
      Linear value,
      Linear attentionOutput,
      @Nullable Norm attentionNorm,
      Linear intermediate,
      @Nullable Linear gate,
      Linear output,
      Norm outputNorm) {
    /**
     * The norm of the attention, where every layer has one.
     *
     * @return the norm
     * @throws NullPointerException if it has none, which only those have whose norms come first
     */
    public Norm requireAttentionNorm() {
      return requireNonNull(attentionNorm, "attentionNorm");
    }
  }

  private EncoderWeights(ModelFiles model, EncoderFamily family, Path file) {
    this.config = family.config();
    this.names = family.names();
    try {
      this.encoder = keep(Checkpoint.open(file));
      this.prefix = findPrefix(file);
      checkLayers(file);
      words();
      positions();
      tokenTypes();
      embeddingNorm();
      projection();
      relativeBias();
      finalNorm();
      for (int i = 0; i < config.layers(); i++) {
        layers.add(readLayer(i));
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
    EncoderFamily family = EncoderFamily.read(file);
    EncoderConfig config = family.config();
    if (model.description().maxTokens() > config.maxTokens()) {
      throw new ModelException(
          "Expected a limit of at most "
              + config.maxTokens()
              + " tokens, for which there are positions, found "
              + model.description().maxTokens()
              + " in the files of "
              + model.folder());
    }
    return new EncoderWeights(model, family, weights);
  }

  private String findPrefix(Path file) {
    String words = names.of(EncoderNames.WORDS) + ".weight";
    for (String name : encoder.names()) {
      if (name.equals(words) || name.endsWith("." + words)) {
        return name.substring(0, name.length() - words.length());
      }
    }
    throw new ModelException(
        "Expected an encoder's weights with a tensor "
            + words
            + " (with a prefix or without), found "
            + encoder.names().stream().limit(5).toList()
            + " and others in "
            + file);
  }

  private void checkLayers(Path file) {
    String next = prefix + names.of(EncoderNames.LAYER) + config.layers() + ".";
    if (encoder.names().stream().anyMatch(name -> name.startsWith(next))) {
      throw new ModelException(
          "Expected " + config.layers() + " layers (as config.json says), found more in " + file);
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

  /** A tensor of this name, or the part of one that the name says: {@code name[1/3]}. */
  private Tensor tensorOrPart(String name, String kind, long... shape) {
    int bracket = name.indexOf('[');
    if (bracket < 0) {
      return tensor(name + kind, shape);
    }
    int part = name.charAt(bracket + 1) - '0';
    int parts = name.charAt(bracket + 3) - '0';
    long[] whole = shape.clone();
    whole[0] *= parts;
    int rows = Math.toIntExact(shape[0]);
    return tensor(name.substring(0, bracket) + kind, whole).rows(part * rows, rows);
  }

  private Tensor bias(boolean there, String name, Tensor weight, long size) {
    return there
        ? tensorOrPart(name, ".bias", size)
        : weight.zerosBeside(prefix + name + ".bias", size);
  }

  private Linear linear(boolean bias, String name, int outputs, int inputs) {
    Tensor weight = tensorOrPart(name, ".weight", outputs, inputs);
    return new Linear(weight, bias(bias, name, weight, outputs));
  }

  private Norm norm(String name, int size) {
    // Checkpoints converted from TensorFlow call scale and shift gamma and beta.
    if (encoder.tensor(prefix + name + ".gamma").isPresent()) {
      return new Norm(tensor(name + ".gamma", size), tensor(name + ".beta", size));
    }
    Tensor scale = tensor(name + ".weight", size);
    return new Norm(scale, bias(names.normBias(), name, scale, size));
  }

  private Layer readLayer(int index) {
    String at = names.of(EncoderNames.LAYER) + index + ".";
    String attentionNorm = at + names.of(EncoderNames.ATTENTION_NORM);
    boolean hasNorm = index > 0 || !config.architecture().normFirst();
    int hidden = config.hidden();
    int inner = config.feedForward();
    boolean gated = config.architecture().gated();
    return new Layer(
        config.architecture().attention().get(index),
        attention(at, EncoderNames.QUERY),
        attention(at, EncoderNames.KEY),
        attention(at, EncoderNames.VALUE),
        attention(at, EncoderNames.ATTENTION_OUTPUT),
        hasNorm ? norm(attentionNorm, hidden) : null,
        feedForward(at, EncoderNames.INTERMEDIATE, inner, hidden),
        gated ? feedForward(at, EncoderNames.GATE, inner, hidden) : null,
        feedForward(at, EncoderNames.OUTPUT, hidden, inner),
        norm(at + names.of(EncoderNames.OUTPUT_NORM), hidden));
  }

  private Linear attention(String layer, String part) {
    return linear(names.attentionBias(), layer + names.of(part), config.hidden(), config.hidden());
  }

  private Linear feedForward(String layer, String part, int outputs, int inputs) {
    return linear(names.feedForwardBias(), layer + names.of(part), outputs, inputs);
  }

  private @Nullable Linear head(
      @Nullable Path file, BiFunction<Checkpoint, Integer, Linear> linear) {
    return file == null ? null : linear.apply(keep(Checkpoint.open(file)), config.hidden());
  }

  /** {@return the sizes} */
  public EncoderConfig config() {
    return config;
  }

  /** {@return the token table, {@code [vocabulary, E]}} */
  public Tensor words() {
    return tensor(
        names.of(EncoderNames.WORDS) + ".weight",
        config.vocabulary(),
        config.architecture().embedding());
  }

  /** {@return the position table, {@code [positions, E]}, if the architecture has one} */
  public Optional<Tensor> positions() {
    return config.architecture().positionTable()
        ? Optional.of(
            tensor(
                names.of(EncoderNames.POSITIONS) + ".weight",
                config.positions(),
                config.architecture().embedding()))
        : Optional.empty();
  }

  /**
   * The token type table.
   *
   * @return {@code [tokenTypes, E]}, of which the first row is used; one row of zeros if the
   *     architecture has no token types
   */
  public Tensor tokenTypes() {
    String name = names.of(EncoderNames.TOKEN_TYPES) + ".weight";
    int size = config.architecture().embedding();
    return config.tokenTypes() > 0
        ? tensor(name, config.tokenTypes(), size)
        : words().zerosBeside(prefix + name, 1, size);
  }

  /** {@return the normalisation of the sum of the rows of the tables, over E components} */
  public Norm embeddingNorm() {
    return norm(names.of(EncoderNames.EMBEDDING_NORM), config.architecture().embedding());
  }

  /** {@return the map of the normalised sum to the first state, {@code [H, E]}, if E is not H} */
  public Optional<Linear> projection() {
    int embedding = config.architecture().embedding();
    return embedding == config.hidden()
        ? Optional.empty()
        : Optional.of(
            linear(true, names.of(EncoderNames.EMBEDDING_PROJECTION), config.hidden(), embedding));
  }

  /**
   * What is added to attention scores by the distance of key and query, in all layers.
   *
   * @return {@code [heads, 2·}{@link #FARTHEST}{@code + 1]}: the value for a key that is {@code i −
   *     FARTHEST} tokens behind its query, the first and last value for all that are farther; empty
   *     if the architecture adds nothing
   */
  public Optional<float[]> relativeBias() {
    int buckets = config.architecture().relativeBuckets();
    if (buckets == 0) {
      return Optional.empty();
    }
    Tensor table =
        tensor(names.of(EncoderNames.RELATIVE_BIAS) + ".weight", buckets, config.heads());
    return Optional.of(RelativePositions.byDistance(table.toFloats(), buckets, config.heads()));
  }

  /** {@return the norm behind the last layer, if the layers' norms come first} */
  public Optional<Norm> finalNorm() {
    return config.architecture().normFirst()
        ? Optional.of(norm(names.of(EncoderNames.FINAL_NORM), config.hidden()))
        : Optional.empty();
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
