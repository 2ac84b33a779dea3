package io.luciole.onnx;

import io.luciole.model.ModelException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.Locale;

/**
 * Chooses the graph's form, a batch at a time. The system property {@value #PROPERTY} forces one:
 * {@code auto} (the default), {@code loop}, {@code packed}, {@code fused} or {@code padded}.
 *
 * <p>On CPUs it is the loop, always; on CUDA devices the fused form where it can be had. The costs
 * of the other two are estimated by {@code linear·n + square·n²} a text of n tokens, where padding
 * makes every text as long as the longest. The factors fit measurements of BGE-M3 in fp16 on an
 * H200 (packed 706k tokens/s at 512 tokens a text and 273k at 8192; padded, in cuDNN's attention,
 * 727k and 335k); other cards shift them together, and only their ratios count.
 */
final class FormPolicy {
  static final String PROPERTY = "luciole.onnx.form";

  /** Microseconds a token outside attention. */
  private static final double LINEAR = 1.27;

  /** Microseconds a pair of tokens in attention. */
  private static final double SQUARE = 2.93e-4;

  private static final double PADDED_SQUARE = 2.10e-4;

  /** Below this the difference is noise, and a second session is not worth its memory. */
  private static final double WORTHWHILE = 0.95;

  private final Form usual;
  private final boolean chooses;

  private FormPolicy(Form usual, boolean chooses) {
    this.usual = usual;
    this.chooses = chooses;
  }

  /**
   * The policy on a device, by the system property.
   *
   * @param fusible whether the fused form can be had for the model in its precision
   */
  static FormPolicy on(Device device, boolean fusible) {
    String forced = System.getProperty(PROPERTY, "auto").strip();
    if (forced.equalsIgnoreCase("auto")) {
      return device.isAccelerator()
          ? new FormPolicy(fusible ? Form.FUSED : Form.PACKED, !fusible)
          : new FormPolicy(Form.LOOP, false);
    }
    try {
      return new FormPolicy(Form.valueOf(forced.toUpperCase(Locale.ROOT)), false);
    } catch (IllegalArgumentException e) {
      throw new ModelException(
          "Expected auto, loop, packed, fused or padded for the system property "
              + PROPERTY
              + ", found \""
              + forced
              + "\".",
          e);
    }
  }

  /** The form most batches take; its session is opened at once, others when first needed. */
  Form usual() {
    return usual;
  }

  /** The form for a batch. */
  Form choose(TokenBatch batch) {
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
    return padded < WORTHWHILE * packed ? Form.PADDED : usual;
  }
}
