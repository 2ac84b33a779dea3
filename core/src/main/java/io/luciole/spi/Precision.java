package io.luciole.spi;

import io.luciole.internal.EnumNames;
import java.util.Arrays;
import java.util.Locale;

/** The arithmetic of the linear layers; results are fp32 in any case. */
public enum Precision {
  /** 32-bit floats: exact, the default on CPU. */
  FP32,
  /** 16-bit floats: the default on CUDA devices. */
  FP16,
  /** Brain floats: 16 bits with the range of fp32 and fewer digits than fp16. */
  BF16,
  /** 8-bit integers with weights quantised at load and activations as they come. */
  INT8,
  /**
   * 8-bit floats (e4m3) in large batches, 16-bit floats in small ones, on GPUs of NVIDIA's Hopper
   * generation and later: up to 1.5 times as fast as fp16, about as far from fp32 as int8.
   */
  FP8;

  /**
   * {@return the name used in configuration: {@code fp32}, {@code fp16}, {@code bf16}, {@code
   * int8}, {@code fp8}}
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a name as {@link #id} writes it.
   *
   * @param text the name, in upper or lower case; white space around it does not count
   * @return the precision of that name
   * @throws IllegalArgumentException if there is no such precision; the message lists all
   */
  public static Precision parse(String text) {
    return EnumNames.find(values(), Precision::id, text)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "expected a precision of "
                    + Arrays.stream(values()).map(Precision::id).toList()
                    + ", got \""
                    + text
                    + '"'));
  }
}
