package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;
import java.util.Arrays;
import java.util.Optional;

/**
 * How exactly an index keeps sparse weights, and where. All but {@link #EXACT} keep them in the
 * postings alone, for the forms {@link SparseForm#IMPACTS} and {@link SparseForm#BLOCKS}: searches,
 * rescoring and matched tokens then have the weights of the postings, each off by at most half a
 * step, and a score by at most half a step times the sum of the query's weights.
 */
public enum SparseWeights {
  /**
   * As floats, in a second copy beside postings of steps of 1/256 (or of the {@linkplain
   * SchemaBuilder#sparseScale scale} that is set), which takes about twice their room. The default.
   */
  EXACT("exact", 8, true),
  /** In steps of 1/4096, in the postings alone. */
  BITS_12("12bit", 12, false),
  /** In steps of 1/1024, in the postings alone. */
  BITS_10("10bit", 10, false),
  /** In steps of 1/256, in the postings alone. */
  BITS_8("8bit", 8, false);

  private final String id;
  private final int bits;
  private final boolean exact;

  SparseWeights(String id, int bits, boolean exact) {
    this.id = id;
    this.bits = bits;
    this.exact = exact;
  }

  /**
   * {@return the name used in options: {@code exact}, {@code 12bit}, {@code 10bit} or {@code 8bit}}
   */
  public String id() {
    return id;
  }

  /** {@return what weights are multiplied by before they are rounded for the postings} */
  int scale() {
    return 1 << bits;
  }

  /** {@return whether floats are kept beside the postings} */
  boolean exact() {
    return exact;
  }

  /** The weights of a schema that has a scale and maybe floats; empty for scales of no name. */
  static Optional<SparseWeights> of(HybridSchema.Sparse sparse) {
    if (sparse.exact()) {
      return Optional.of(EXACT);
    }
    return sparse.form() == SparseForm.FEATURES
        ? Optional.empty()
        : Arrays.stream(values())
            .filter(weights -> !weights.exact && weights.scale() == sparse.scale())
            .findFirst();
  }

  /**
   * Reads a name.
   *
   * @param name an {@link #id}, in any case
   * @return the constant
   * @throws IllegalArgumentException if there is no such name
   */
  public static SparseWeights parse(String name) {
    return EnumNames.parse(values(), SparseWeights::id, requireNonNull(name, "name"));
  }
}
