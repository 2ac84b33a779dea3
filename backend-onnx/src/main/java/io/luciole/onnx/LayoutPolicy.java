package io.luciole.onnx;

import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.TokenBatch;
import java.util.Locale;

/**
 * Chooses the graph's layout, a batch at a time, unless {@link OnnxOptions#FORM} names one.
 *
 * <p>On CPUs it is the loop, always; on CUDA devices the fused layout where it can be had. The
 * costs of the other two are estimated by {@code linear·n + square·n²} a text of n tokens, where
 * padding makes every text as long as the longest. The factors fit measurements of BGE-M3 in fp16
 * on an H200 (packed 706k tokens/s at 512 tokens a text and 273k at 8192; padded, in cuDNN's
 * attention, 727k and 335k); other cards shift them together, and only their ratios count.
 */
final class LayoutPolicy {
  /** Microseconds a token outside attention. */
  private static final double LINEAR = 1.27;

  /** Microseconds a pair of tokens in attention. */
  private static final double SQUARE = 2.93e-4;

  private static final double PADDED_SQUARE = 2.10e-4;

  /** Below this the difference is noise, and a second session is not worth its memory. */
  private static final double WORTHWHILE = 0.95;

  private final AttentionLayout usual;
  private final boolean chooses;

  private LayoutPolicy(AttentionLayout usual, boolean chooses) {
    this.usual = usual;
    this.chooses = chooses;
  }

  /**
   * The policy for a device and its options.
   *
   * @param fusible whether this project's operators can be had for the model in its precision
   * @param packable whether the packed layout can: its operator knows BERT's attention alone
   * @throws BackendException if the layout that is named is not for this device or model
   */
  static LayoutPolicy on(BackendConfig config, boolean fusible, boolean packable) {
    String form = config.option(OnnxOptions.FORM);
    if (!form.equals("auto")) {
      AttentionLayout layout = AttentionLayout.valueOf(form.toUpperCase(Locale.ROOT));
      if (!config.device().isAccelerator()) {
        return onCpu(config, form, fusible);
      }
      if (!packable && layout != AttentionLayout.LOOP && layout != AttentionLayout.PADDED) {
        throw new BackendException(
            "Expected "
                + OnnxOptions.FORM
                + "=padded or auto for a model whose attention is not BERT's, found "
                + form
                + ".");
      }
      return new LayoutPolicy(layout, false);
    }
    if (config.device().isAccelerator() && !packable) {
      return new LayoutPolicy(AttentionLayout.PADDED, false);
    }
    return config.device().isAccelerator()
        ? new LayoutPolicy(fusible ? AttentionLayout.FUSED : AttentionLayout.PACKED, !fusible)
        : new LayoutPolicy(fusible ? AttentionLayout.LAYERS : AttentionLayout.LOOP, false);
  }

  private static LayoutPolicy onCpu(BackendConfig config, String form, boolean fusible) {
    if (form.equals("loop")) {
      return new LayoutPolicy(AttentionLayout.LOOP, false);
    }
    if (form.equals("fused") && fusible) {
      return new LayoutPolicy(AttentionLayout.LAYERS, false);
    }
    throw new BackendException(
        "Expected "
            + (form.equals("fused")
                ? "a model, a precision and a processor that Luciole's own kernels for CPUs are for"
                : "a CUDA device")
            + " for "
            + OnnxOptions.FORM
            + "="
            + form
            + ", found "
            + config.device()
            + ": leave the setting out, or set auto or loop.");
  }

  /** The layout most batches take; its session is opened at once, others when first needed. */
  AttentionLayout usual() {
    return usual;
  }

  /** The layout for a batch. */
  AttentionLayout choose(TokenBatch batch) {
    if (!chooses) {
      return usual;
    }
    double packed = 0;
    for (int i = 0; i < batch.size(); i++) {
      double n = batch.length(i);
      packed += n * (LINEAR + SQUARE * n);
    }
    double longest = batch.maxLength();
    double padded = batch.size() * longest * (LINEAR + PADDED_SQUARE * longest);
    return padded < WORTHWHILE * packed ? AttentionLayout.PADDED : usual;
  }
}
