package io.luciole.model;

import static io.luciole.model.EncoderNames.ATTENTION_NORM;
import static io.luciole.model.EncoderNames.ATTENTION_OUTPUT;
import static io.luciole.model.EncoderNames.EMBEDDING_NORM;
import static io.luciole.model.EncoderNames.GATE;
import static io.luciole.model.EncoderNames.INTERMEDIATE;
import static io.luciole.model.EncoderNames.KEY;
import static io.luciole.model.EncoderNames.LAYER;
import static io.luciole.model.EncoderNames.OUTPUT;
import static io.luciole.model.EncoderNames.OUTPUT_NORM;
import static io.luciole.model.EncoderNames.QUERY;
import static io.luciole.model.EncoderNames.VALUE;
import static io.luciole.model.EncoderNames.WORDS;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.model.Architecture.LayerAttention;
import io.luciole.model.EncoderConfig.Activation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * The families of encoders that run from their checkpoint: for each, what its {@code config.json}
 * means and how its weights are named. What a configuration says beyond that is refused by name.
 */
record EncoderFamily(EncoderConfig config, EncoderNames names) {
  /** ModernBERT's kinds of layers. */
  private static final String FULL = "full_attention";

  private static final String SLIDING = "sliding_attention";

  /** By the {@code model_type} of Transformers. */
  private static final Map<String, Function<ConfigReader, EncoderFamily>> TYPES =
      new TreeMap<>(
          Map.of(
              "bert", EncoderFamily::bert,
              "roberta", EncoderFamily::bert,
              "xlm-roberta", EncoderFamily::bert,
              "camembert", EncoderFamily::bert,
              "electra", EncoderFamily::electra,
              "distilbert", EncoderFamily::distilBert,
              "mpnet", EncoderFamily::mpNet,
              "modernbert", EncoderFamily::modernBert,
              "nomic_bert", EncoderFamily::nomicBert));

  /** {@return the model types there are} */
  static Set<String> types() {
    return Collections.unmodifiableSet(TYPES.keySet());
  }

  /**
   * Reads {@code config.json}.
   *
   * @throws ModelException if it describes no encoder of these families: "expected … found …"
   */
  static EncoderFamily read(Path file) {
    ConfigReader reader = new ConfigReader(ModelJson.read(file), file);
    JsonNode type = reader.json().path("model_type");
    Function<ConfigReader, EncoderFamily> family = TYPES.get(type.asText());
    if (family == null) {
      throw reader.wrong("\"model_type\" of " + TYPES.keySet(), type);
    }
    reader.refuseFlags("is_decoder", "add_cross_attention");
    reader.refuseValues("quantization_config", "compression_config");
    return family.apply(reader);
  }

  private static EncoderFamily bert(ConfigReader json) {
    Architecture architecture =
        Architecture.bert(json.size("hidden_size"), json.size("num_hidden_layers"));
    return new EncoderFamily(withPositions(json, architecture), EncoderNames.bert());
  }

  private static EncoderFamily electra(ConfigReader json) {
    Architecture architecture =
        new Architecture(
            json.sizeOr(128, "embedding_size"),
            true,
            0,
            false,
            false,
            plain(json.size("num_hidden_layers")));
    return new EncoderFamily(withPositions(json, architecture), EncoderNames.bert());
  }

  private static EncoderConfig withPositions(ConfigReader json, Architecture architecture) {
    json.refuseUnless(
        "position_embedding_type", "absolute", value -> value.asText().equals("absolute"));
    return sized(
        json,
        json.epsilon("layer_norm_eps", 1e-12),
        json.activation("hidden_act", "gelu"),
        firstPosition(json),
        json.sizeOr(1, "type_vocab_size"),
        architecture);
  }

  /** A configuration whose sizes have the names that most families give them. */
  private static EncoderConfig sized(
      ConfigReader json,
      float epsilon,
      Activation activation,
      int firstPosition,
      int tokenTypes,
      Architecture architecture) {
    int hidden = json.size("hidden_size");
    return new EncoderConfig(
        hidden,
        json.heads(hidden, "hidden_size", "num_attention_heads"),
        architecture.attention().size(),
        json.size("intermediate_size"),
        epsilon,
        activation,
        json.size("vocab_size"),
        json.size("max_position_embeddings"),
        firstPosition,
        tokenTypes,
        architecture);
  }

  private static int firstPosition(ConfigReader json) {
    int first = EncoderConfig.firstPosition(json.json());
    int positions = json.size("max_position_embeddings");
    if (first < 0 || first >= positions) {
      throw json.wrong(
          "\"pad_token_id\" inside the position table of " + positions + " rows",
          json.first("pad_token_id"));
    }
    return first;
  }

  private static EncoderFamily distilBert(ConfigReader json) {
    int hidden = json.size("dim");
    int layers = json.size("n_layers");
    EncoderConfig config =
        new EncoderConfig(
            hidden,
            json.heads(hidden, "dim", "n_heads"),
            layers,
            json.size("hidden_dim"),
            1e-12f,
            json.activation("activation", "gelu"),
            json.size("vocab_size"),
            json.size("max_position_embeddings"),
            0,
            0,
            Architecture.bert(hidden, layers));
    Map<String, String> names =
        Map.of(
            LAYER, "transformer.layer.",
            QUERY, "attention.q_lin",
            KEY, "attention.k_lin",
            VALUE, "attention.v_lin",
            ATTENTION_OUTPUT, "attention.out_lin",
            ATTENTION_NORM, "sa_layer_norm",
            INTERMEDIATE, "ffn.lin1",
            OUTPUT, "ffn.lin2",
            OUTPUT_NORM, "output_layer_norm");
    return new EncoderFamily(config, EncoderNames.withBiases(names));
  }

  private static EncoderFamily mpNet(ConfigReader json) {
    int hidden = json.size("hidden_size");
    int layers = json.size("num_hidden_layers");
    int buckets = json.sizeOr(32, "relative_attention_num_buckets");
    if (buckets % 4 != 0) {
      throw json.wrong(
          "\"relative_attention_num_buckets\" to be a multiple of 4",
          json.first("relative_attention_num_buckets"));
    }
    EncoderConfig config =
        sized(
            json,
            json.epsilon("layer_norm_eps", 1e-12),
            json.activation("hidden_act", "gelu"),
            firstPosition(json),
            0,
            new Architecture(hidden, true, buckets, false, false, plain(layers)));
    Map<String, String> names =
        Map.of(
            QUERY, "attention.attn.q",
            KEY, "attention.attn.k",
            VALUE, "attention.attn.v",
            ATTENTION_OUTPUT, "attention.attn.o",
            ATTENTION_NORM, "attention.LayerNorm");
    return new EncoderFamily(config, EncoderNames.withBiases(names));
  }

  private static List<LayerAttention> plain(int layers) {
    return Collections.nCopies(layers, LayerAttention.PLAIN);
  }

  private static EncoderFamily modernBert(ConfigReader json) {
    int hidden = json.size("hidden_size");
    int layers = json.size("num_hidden_layers");
    EncoderConfig config =
        sized(
            json,
            json.epsilon("norm_eps", 1e-5),
            json.activation("hidden_activation", "gelu"),
            0,
            0,
            new Architecture(hidden, false, 0, true, true, modernAttention(json, layers)));
    requireEvenHeads(json, config);
    Map<String, String> names =
        Map.ofEntries(
            Map.entry(WORDS, "embeddings.tok_embeddings"),
            Map.entry(EMBEDDING_NORM, "embeddings.norm"),
            Map.entry(LAYER, "layers."),
            Map.entry(QUERY, "attn.Wqkv[0/3]"),
            Map.entry(KEY, "attn.Wqkv[1/3]"),
            Map.entry(VALUE, "attn.Wqkv[2/3]"),
            Map.entry(ATTENTION_OUTPUT, "attn.Wo"),
            Map.entry(ATTENTION_NORM, "attn_norm"),
            Map.entry(INTERMEDIATE, "mlp.Wi[0/2]"),
            Map.entry(GATE, "mlp.Wi[1/2]"),
            Map.entry(OUTPUT, "mlp.Wo"),
            Map.entry(OUTPUT_NORM, "mlp_norm"));
    return new EncoderFamily(
        config,
        new EncoderNames(
            names, json.flag("attention_bias"), json.flag("mlp_bias"), json.flag("norm_bias")));
  }

  /** Transformers 5 lists the layers' types and their bases; before, both followed from numbers. */
  private static List<LayerAttention> modernAttention(ConfigReader json, int layers) {
    json.refuseValues("rope_scaling");
    json.refuseUnless(
        "rope_parameters",
        "of full_attention and sliding_attention",
        value -> Set.of(FULL, SLIDING).containsAll(names(value)));
    int wide = json.sizeOr(128, "local_attention");
    json.refuseUnless(
        "sliding_window", "half of \"local_attention\"", value -> value.asInt() == wide / 2);
    if (wide < 2) {
      throw json.wrong("\"local_attention\" of at least 2", json.first("local_attention"));
    }
    LayerAttention global =
        new LayerAttention(rotaryBase(json, FULL, "global_rope_theta", 160_000), 0);
    LayerAttention local =
        new LayerAttention(rotaryBase(json, SLIDING, "local_rope_theta", 10_000), wide / 2);
    int every = json.sizeOr(3, "global_attn_every_n_layers");
    List<LayerAttention> attention = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      String type =
          json.has("layer_types")
              ? json.json().path("layer_types").path(i).asText()
              : i % every == 0 ? FULL : SLIDING;
      attention.add(
          switch (type) {
            case FULL -> global;
            case SLIDING -> local;
            default ->
                throw json.wrong(
                    "\"layer_types\" of full_attention or sliding_attention for each of "
                        + layers
                        + " layers",
                    json.first("layer_types"));
          });
    }
    return attention;
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** The base of a kind of layers, or of all where {@code kind} is empty. */
  private static double rotaryBase(
      ConfigReader json, String kind, String oldKey, double otherwise) {
    JsonNode all = json.json().path("rope_parameters");
    JsonNode own = kind.isEmpty() ? all : all.path(kind);
    if (!own.path("rope_type").asText("default").equals("default")
        || own.path("partial_rotary_factor").asDouble(1) != 1) {
      throw json.wrong("\"rope_parameters\" of the type default", all);
    }
    if (!own.has("rope_theta")) {
      return json.positive(otherwise, oldKey);
    }
    double base = own.path("rope_theta").asDouble();
    if (!(base > 0)) {
      throw json.wrong("\"rope_theta\" above 0", own.path("rope_theta"));
    }
    return base;
  }

  private static void requireEvenHeads(ConfigReader json, EncoderConfig config) {
    if (config.headSize() % 2 != 0) {
      throw json.wrong(
          "heads of an even number of components, whose pairs rotary positions rotate",
          json.first("hidden_size", "n_embd"));
    }
  }

  /** The keys are those of Transformers 5, or those of nomic-ai/nomic-bert-2048's own code. */
  private static EncoderFamily nomicBert(ConfigReader json) {
    json.refuseFlags(
        "prenorm",
        "causal",
        "parallel_block",
        "parallel_block_tied_norm",
        "use_rms_norm",
        "qkv_proj_bias",
        "mlp_fc1_bias",
        "mlp_fc2_bias",
        "rotary_emb_interleaved");
    json.refuseValues(
        "rope_scaling",
        "rotary_emb_scale_base",
        "rotary_scaling_factor",
        "moe_every_n_layers",
        "num_experts");
    json.refuseUnless("rotary_emb_fraction", "1.0", value -> value.asDouble() == 1);
    int hidden = json.size("hidden_size", "n_embd");
    int layers = json.size("num_hidden_layers", "n_layer");
    boolean old = json.has("n_embd");
    LayerAttention attention =
        new LayerAttention(rotaryBase(json, "", "rotary_emb_base", old ? 10_000 : 1000), 0);
    EncoderConfig config =
        new EncoderConfig(
            hidden,
            json.heads(
                hidden, old ? "n_embd" : "hidden_size", old ? "n_head" : "num_attention_heads"),
            layers,
            json.size("intermediate_size", "n_inner"),
            json.epsilon(old ? "layer_norm_epsilon" : "layer_norm_eps", old ? 1e-5 : 1e-12),
            old ? gate(json) : json.activation("hidden_act", "silu"),
            json.size("vocab_size"),
            json.size("max_position_embeddings", "n_positions"),
            0,
            json.sizeOr(2, "type_vocab_size"),
            new Architecture(
                hidden, false, 0, false, true, Collections.nCopies(layers, attention)));
    requireEvenHeads(json, config);
    Map<String, String> names =
        Map.ofEntries(
            Map.entry(EMBEDDING_NORM, "emb_ln"),
            Map.entry(LAYER, "encoder.layers."),
            Map.entry(QUERY, "attn.Wqkv[0/3]"),
            Map.entry(KEY, "attn.Wqkv[1/3]"),
            Map.entry(VALUE, "attn.Wqkv[2/3]"),
            Map.entry(ATTENTION_OUTPUT, "attn.out_proj"),
            Map.entry(ATTENTION_NORM, "norm1"),
            Map.entry(INTERMEDIATE, "mlp.fc12"),
            Map.entry(GATE, "mlp.fc11"),
            Map.entry(OUTPUT, "mlp.fc2"),
            Map.entry(OUTPUT_NORM, "norm2"));
    return new EncoderFamily(config, new EncoderNames(names, false, false, true));
  }

  /** The activation of a gated block in the words of nomic-bert-2048's code. */
  private static Activation gate(ConfigReader json) {
    JsonNode value = json.first("activation_function");
    return switch (value.asText()) {
      case "swiglu" -> Activation.SILU;
      case "geglu" -> Activation.GELU;
      default -> throw json.wrong("\"activation_function\" of swiglu or geglu", value);
    };
  }
}
