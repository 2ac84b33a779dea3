package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;

/**
 * How the dense vectors are kept for the search of their graph. With less than 32 bits a search
 * collects more candidates than it needs ({@link #oversampling}) and rescores them by the
 * full-precision vectors, which are kept on disk too.
 */
public enum DenseQuantization {
  /** 32-bit floats, nothing lost. */
  NONE(32, 1),
  /** 8 bits a component. */
  BITS_8(8, 1.5f),
  /** 4 bits a component. */
  BITS_4(4, 2),
  /** 1 bit a component. */
  BITS_1(1, 4);

  private final int bits;
  private final float oversampling;

  DenseQuantization(int bits, float oversampling) {
    this.bits = bits;
    this.oversampling = oversampling;
  }

  /** {@return the bits of a component} */
  public int bits() {
    return bits;
  }

  /**
   * {@return how many candidates a search collects for each document that it returns, to rescore
   * them by the full-precision vectors; 1 where nothing is rescored}
   */
  public float oversampling() {
    return oversampling;
  }

  /**
   * {@return the name used in options and formats: {@code none}, {@code 8bit}, {@code 4bit} or
   * {@code 1bit}}
   */
  public String id() {
    return this == NONE ? "none" : bits + "bit";
  }

  /**
   * Reads a name.
   *
   * @param name a quantization's {@link #id}, in any case
   * @return the quantization
   * @throws IllegalArgumentException if there is no such quantization
   */
  public static DenseQuantization parse(String name) {
    return EnumNames.parse(values(), DenseQuantization::id, requireNonNull(name, "name"));
  }
}
