package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.util.Optional;
import org.apache.lucene.index.ByteVectorValues;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.KnnVectorValues;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.util.VectorUtil;
import org.jspecify.annotations.Nullable;

/**
 * Reads the dense vectors of a segment's documents: as they were written where the index keeps
 * floats, else those of length 1 that its 8 bits a component stand for ({@link
 * DenseQuantization#BITS_8_ONLY}). Documents are numbered as in the segment and must come in
 * ascending order; a document may be asked for again. For one thread.
 */
public final class DenseVectors {
  private final @Nullable FloatVectorValues floats;
  private final @Nullable ByteVectorValues bytes;
  private final KnnVectorValues.@Nullable DocIndexIterator at;
  private final float[] scratch;

  /**
   * Opens a segment's dense vectors.
   *
   * @param segment the segment
   * @param fields the fields of the vectors; where the segment has no dense vectors as they say, no
   *     document has any
   * @throws IOException if the index cannot be read
   */
  public DenseVectors(LeafReader segment, VectorFields fields) throws IOException {
    requireNonNull(segment, "segment");
    HybridSchema.Dense dense = fields.dense().orElse(null);
    boolean withFloats = dense != null && dense.quantization().keepsFloats();
    String field = fields.denseField();
    floats = withFloats ? segment.getFloatVectorValues(field) : null;
    bytes = dense != null && !withFloats ? segment.getByteVectorValues(field) : null;
    KnnVectorValues values = floats != null ? floats : bytes;
    at = values == null ? null : values.iterator();
    scratch = new float[bytes == null || dense == null ? 0 : dense.dimension()];
  }

  private boolean has(int document) throws IOException {
    if (at == null) {
      return false;
    }
    int here = at.docID();
    return (here < document ? at.advance(document) : here) == document;
  }

  /**
   * Reads the vector of a document.
   *
   * @param document its number in the segment, not less than that of the call before
   * @return the vector, in a new array; empty if it has none
   * @throws IOException if the index cannot be read
   */
  public Optional<float[]> vector(int document) throws IOException {
    if (!has(document) || at == null) {
      return Optional.empty();
    }
    if (floats != null) {
      return Optional.of(floats.vectorValue(at.index()).clone());
    }
    return Optional.of(DenseBytes.decode(requireNonNull(bytes).vectorValue(at.index())));
  }

  /** The dot product with a document's vector; 0 if it has none. */
  float dot(int document, float[] query) throws IOException {
    if (!has(document) || at == null) {
      return 0;
    }
    return floats != null
        ? VectorUtil.dotProduct(query, floats.vectorValue(at.index()))
        : DenseBytes.dot(query, requireNonNull(bytes).vectorValue(at.index()), scratch);
  }
}
