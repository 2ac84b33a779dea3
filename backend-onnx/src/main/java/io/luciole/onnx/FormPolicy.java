package io.luciole.onnx;

import io.luciole.model.ModelException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.Locale;

/**
 * Chooses the graph's form, a batch at a time. The system property {@value #PROPERTY} forces one:
 * {@code auto} (the default), {@code loop}, {@code packed}, {@code fused} or {@code padded}.
 *
 * <p>On CPUs it is the loop, always. On CUDA devices the costs of the others are estimated by
 * {@code linear·n + square·n²} a text of n tokens, where padding makes every text as long as the
 * longest. The factors fit measurements of BGE-M3 in fp16 on an H200, where padded texts in cuDNN's
 * attention are a quarter faster than packed ones at 8192 tokens a text, and the fused form's
 * attention is ahead of both; other cards shift them together, and only their ratios count.
 */
final class FormPolicy {
  static final String PROPERTY = "luciole.onnx.form";

  /** Microseconds a token outside attention. */
  private static final double LINEAR = 1.13;

  private static final double PADDED_LINEAR = 1.17;

  /** Microseconds a pair of tokens in attention. */
  private static final double SQUARE = 3.38e-4;

  private static final double FUSED_SQUARE = 1.9e-4;

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
          ? new FormPolicy(fusible ? Form.FUSED : Form.PACKED, true)
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

  /** A policy that takes the usual form for every batch. */
  FormPolicy withoutChoice() {
    return new FormPolicy(usual, false);
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
    double square = usual == Form.FUSED ? FUSED_SQUARE : SQUARE;
    double packed = 0;
    for (int i = 0; i < batch.size(); i++) {
      double n = batch.length(i);
      packed += n * (LINEAR + square * n);
    }
    double longest = batch.maxLength();
    double padded = batch.size() * longest * (PADDED_LINEAR + PADDED_SQUARE * longest);
    return padded < WORTHWHILE * packed ? Form.PADDED : usual;
  }
}
