package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;

/**
 * How the dense vectors are kept for the search of their graph. With less than 32 bits a search
 * collects more candidates than it needs ({@link #oversampling}) and rescores them: by the
 * full-precision vectors, which are kept on disk too, or with {@link #BITS_8_ONLY} by the query's
 * floats and the vectors' bytes.
 */
public enum DenseQuantization {
  /** 32-bit floats, nothing lost. */
  NONE("none", 32, 1, true),
  /** 8 bits a component. */
  BITS_8("8bit", 8, 1.5f, true),
  /** 4 bits a component. */
  BITS_4("4bit", 4, 2, true),
  /** 1 bit a component. */
  BITS_1("1bit", 1, 4, true),
  /**
   * 8 bits a component and no floats beside them: a fifth of the room of {@link #BITS_8}. For
   * models that normalise their vectors. Scores are those of the rounded vectors: there are no more
   * exact ones, vectors that are read back are rounded, and the index cannot be quantised otherwise
   * without embedding its texts anew. A vector all of whose components are 0 is not found.
   */
  BITS_8_ONLY("8bit-only", 8, 1.5f, false);

  private final String id;
  private final int bits;
  private final float oversampling;
  private final boolean floats;

  DenseQuantization(String id, int bits, float oversampling, boolean floats) {
    this.id = id;
    this.bits = bits;
    this.oversampling = oversampling;
    this.floats = floats;
  }

  /** {@return whether the vectors are kept in full precision, too, to rescore by them} */
  public boolean keepsFloats() {
    return floats;
  }

  /** {@return the bits of a component} */
  public int bits() {
    return bits;
  }

  /**
   * {@return how many candidates a search collects for each document that it returns, to rescore
   * them; 1 where nothing is rescored}
   */
  public float oversampling() {
    return oversampling;
  }

  /**
   * {@return the name used in options and formats: {@code none}, {@code 8bit}, {@code 4bit}, {@code
   * 1bit} or {@code 8bit-only}}
   */
  public String id() {
    return id;
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
