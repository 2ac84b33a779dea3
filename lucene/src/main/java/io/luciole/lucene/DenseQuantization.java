package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;

/**
 * How the dense vectors that a search walks over are kept. With fewer bits a search finds more than
 * it needs ({@link #oversampling}) and scores those again by the vectors as they were, which are
 * kept on disk as well.
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

  /** Bits a component. */
  public int bits() {
    return bits;
  }

  /** Vectors that a search collects for each one it returns; 1 where nothing is scored again. */
  public float oversampling() {
    return oversampling;
  }

  /**
   * The name used in options and formats: {@code none}, {@code 8bit}, {@code 4bit}, {@code 1bit}.
   */
  public String id() {
    return this == NONE ? "none" : bits + "bit";
  }

  /**
   * Reads a name.
   *
   * @throws IllegalArgumentException if there is no such quantisation
   */
  public static DenseQuantization parse(String name) {
    return EnumNames.parse(values(), DenseQuantization::id, requireNonNull(name, "name"));
  }
}
