package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.TensorInfo;
import io.luciole.model.ModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the outputs of an exported encoder are: by their names where these are known, and else by
 * the shapes that they have in a trial run. Beside token states nothing is told by its shape: a row
 * a text can be the pooler of another task, and a second row a token the states of another layer.
 * Exports that people have:
 *
 * <pre>
 * states   last_hidden_state, token_embeddings              [B, S, H]
 * dense    dense_vecs, dense_embeddings, dense              [B, H]
 * sparse   sparse_vecs, sparse_weights, sparse              [B, S, 1] or [B, S]
 * colbert  colbert_vecs, colbert_vectors, colbert           [B, S−1, D'] without the first token,
 *                                                           or [B, S, D']
 * </pre>
 *
 * <p>Normalised or not makes no difference: the engine normalises.
 */
final class ExportLayout {
  /** Outputs that are no embeddings, whatever their shapes. */
  private static final String NO_EMBEDDINGS = "pooler_output|logits|hidden_states.*|attentions.*";

  /** Texts and tokens of the trial; no model has so few components, so shapes tell. */
  static final int TRIAL_TEXTS = 2;

  static final int TRIAL_TOKENS = 5;

  /** What an output is. */
  enum Kind {
    STATES("last_hidden_state|token_embeddings"),
    DENSE("dense|dense_vecs?|dense_embeddings?|sentence_embedding"),
    SPARSE("sparse|sparse_vecs?|sparse_weights?"),
    COLBERT("colbert|colbert_vecs?|colbert_vectors?");

    private final String names;

    Kind(String names) {
      this.names = names;
    }
  }

  /**
   * An output that is used.
   *
   * @param components of a row: H, 1 or D'
   * @param perText rows a text of the trial has, or 0 where there is one row and no such dimension
   * @param rank dimensions
   */
  record Found(String name, OnnxJavaType type, int components, int perText, int rank) {
    /** Whether a text's first token has no row. */
    boolean skipsFirst() {
      return perText == TRIAL_TOKENS - 1;
    }

    /** The shape in a batch. */
    long[] shape(int texts, int tokens) {
      if (perText == 0) {
        return new long[] {texts, components};
      }
      long rows = skipsFirst() ? tokens - 1 : tokens;
      return rank == 2 ? new long[] {texts, rows} : new long[] {texts, rows, components};
    }
  }

  private final Map<Kind, Found> found = new EnumMap<>(Kind.class);

  /**
   * Recognises outputs.
   *
   * @param trial the shapes of all outputs in a run of {@link #TRIAL_TEXTS} texts of {@link
   *     #TRIAL_TOKENS} tokens, in the graph's order
   * @throws ModelException if a known name has a shape it cannot have, or nothing is recognised
   */
  ExportLayout(Map<String, TensorInfo> trial, Path file) {
    List<String> unknown = new ArrayList<>();
    trial.forEach((name, info) -> {
      Kind kind = byName(name);
      if (kind == null) {
        unknown.add(name);
        return;
      }
      Found output = as(kind, name, info);
      if (output == null) {
        throw new ModelException(
            "Expected "
                + expected(kind)
                + " for the output "
                + name
                + " of "
                + TRIAL_TEXTS
                + " texts of "
                + TRIAL_TOKENS
                + " tokens, found "
                + describe(info)
                + " in "
                + file);
      }
      found.putIfAbsent(kind, output);
    });
    if (!found.containsKey(Kind.STATES)) {
      findByShape(trial, unknown);
    }
    if (!found.containsKey(Kind.STATES) && !found.containsKey(Kind.DENSE)) {
      throw new ModelException(
          "Expected token states (last_hidden_state, floats [B, S, H]) or dense vectors"
              + " (dense_vecs, floats [B, H]), found "
              + describe(trial)
              + " for 2 texts of 5 tokens in "
              + file
              + ". Export the model with one of these outputs.");
    }
  }

  private void findByShape(Map<String, TensorInfo> trial, List<String> unknown) {
    for (String name : unknown) {
      TensorInfo info = trial.get(name);
      if (info == null || name.toLowerCase(Locale.ROOT).matches(NO_EMBEDDINGS)) {
        continue;
      }
      for (Kind kind : Kind.values()) {
        Found output = as(kind, name, info);
        if (output != null && !found.containsKey(kind)) {
          found.put(kind, output);
          break;
        }
      }
    }
  }

  /** The output of a kind, if there is one. */
  @Nullable Found get(Kind kind) {
    return found.get(kind);
  }

  private static @Nullable Kind byName(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    for (Kind kind : Kind.values()) {
      if (lower.matches(kind.names)) {
        return kind;
      }
    }
    return null;
  }

  /** The output taken as one of a kind, or null if its type or shape forbids. */
  private static @Nullable Found as(Kind kind, String name, TensorInfo info) {
    long[] shape = info.getShape();
    boolean floats = info.type == OnnxJavaType.FLOAT || info.type == OnnxJavaType.FLOAT16;
    if (!floats || shape.length < 2 || shape.length > 3 || shape[0] != TRIAL_TEXTS) {
      return null;
    }
    int second = (int) shape[1];
    int last = (int) shape[shape.length - 1];
    boolean fits =
        switch (kind) {
          case STATES -> shape.length == 3 && second == TRIAL_TOKENS && last > 1;
          case DENSE -> shape.length == 2 && second != TRIAL_TOKENS;
          case SPARSE -> second == TRIAL_TOKENS && (shape.length == 2 || last == 1);
          case COLBERT ->
              shape.length == 3
                  && (second == TRIAL_TOKENS || second == TRIAL_TOKENS - 1)
                  && last > 1;
        };
    if (!fits) {
      return null;
    }
    return switch (kind) {
      case DENSE -> new Found(name, info.type, last, 0, 2);
      case SPARSE -> new Found(name, info.type, 1, second, shape.length);
      default -> new Found(name, info.type, last, second, 3);
    };
  }

  private static String expected(Kind kind) {
    return switch (kind) {
      case STATES -> "floats [2, 5, H]";
      case DENSE -> "floats [2, H]";
      case SPARSE -> "floats [2, 5, 1] or [2, 5]";
      case COLBERT -> "floats [2, 4, D] or [2, 5, D]";
    };
  }

  static String describe(Map<String, TensorInfo> tensors) {
    List<String> all = new ArrayList<>();
    tensors.forEach((name, info) -> all.add(name + " " + describe(info)));
    return String.join(", ", all);
  }

  static String describe(TensorInfo info) {
    return info.type + " " + Arrays.toString(info.getShape()).replace("-1", "?");
  }
}
