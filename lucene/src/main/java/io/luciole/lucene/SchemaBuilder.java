package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Describes a {@link HybridSchema}; see {@link HybridSchema#builder}. Not safe for use by several
 * threads.
 */
public final class SchemaBuilder {
  private final VectorFields.Builder vectors;
  private String analyzer = Analyzers.MULTILINGUAL;
  private float k1 = 1.2f;
  private float b = 0.75f;
  private HybridSchema.@Nullable Chunks chunks;
  private final Map<String, MetadataType> metadata = new TreeMap<>();

  SchemaBuilder(VectorFields.Builder vectors) {
    this.vectors = vectors;
  }

  /**
   * Sets whether dense vectors are kept.
   *
   * @param wanted whether they are
   * @return this builder
   */
  public SchemaBuilder dense(boolean wanted) {
    vectors.dense(wanted);
    return this;
  }

  /**
   * Sets how the dense vectors of the graph are kept; as 32-bit floats by default.
   *
   * @param quantization how
   * @return this builder
   */
  public SchemaBuilder quantization(DenseQuantization quantization) {
    vectors.quantization(quantization);
    return this;
  }

  /**
   * Sets the shape of the graph of the dense vectors: HNSW's M and efConstruction; 16 and 100 by
   * default.
   *
   * @param maxConnections as {@link HybridSchema.Dense#maxConnections}
   * @param beamWidth as {@link HybridSchema.Dense#beamWidth}
   * @return this builder
   */
  public SchemaBuilder graph(int maxConnections, int beamWidth) {
    vectors.graph(maxConnections, beamWidth);
    return this;
  }

  /**
   * Sets whether sparse weights are kept.
   *
   * @param wanted whether they are
   * @return this builder
   */
  public SchemaBuilder sparse(boolean wanted) {
    vectors.sparse(wanted);
    return this;
  }

  /**
   * Sets how sparse weights are kept as postings; {@link SparseForm#IMPACTS} by default.
   *
   * @param form how
   * @return this builder
   */
  public SchemaBuilder sparseForm(SparseForm form) {
    vectors.sparseForm(form);
    return this;
  }

  /**
   * Sets what a sparse weight is multiplied by before it is rounded; 256 by default.
   *
   * @param scale a power of two from 1 to 65536
   * @return this builder
   */
  public SchemaBuilder sparseScale(int scale) {
    vectors.sparseScale(scale);
    return this;
  }

  /**
   * Sets whether the exact sparse weights are kept beside the rounded ones of the postings; by
   * default they are.
   *
   * @param exact whether they are
   * @return this builder
   */
  public SchemaBuilder exactSparse(boolean exact) {
    vectors.exactSparse(exact);
    return this;
  }

  /**
   * Sets how exactly sparse weights are kept, in place of {@link #sparseScale} and {@link
   * #exactSparse}; {@link SparseWeights#EXACT} by default.
   *
   * @param how how
   * @return this builder
   */
  public SchemaBuilder sparseWeights(SparseWeights how) {
    vectors.sparseWeights(how);
    return this;
  }

  /**
   * Keeps token vectors. The model must give them.
   *
   * @param form how they are kept
   * @return this builder
   */
  public SchemaBuilder multiVectors(MultiVectorForm form) {
    vectors.multiVectors(form);
    return this;
  }

  /**
   * Keeps token vectors of a given size, for vectors that are made elsewhere.
   *
   * @param form how they are kept
   * @param dimension the components of a row
   * @return this builder
   */
  public SchemaBuilder multiVectors(MultiVectorForm form, int dimension) {
    vectors.multiVectors(form, dimension);
    return this;
  }

  /**
   * Sets how texts are cut into words, for BM25: {@code multilingual} (any language, beginnings of
   * words; the default), {@code standard} (any language, whole words), or a language's code such as
   * {@code en} or {@code de}, which is best where all texts are in that language; or {@code own:}
   * and a name, for an analyzer of your own ({@link HybridSchema#withAnalyzer}). {@code
   * multilingual-1} is what {@code multilingual} was until November 2026; indexes that were made
   * with it keep it.
   *
   * @param name the analyzer's name, in any case
   * @return this builder
   * @throws IllegalArgumentException if there is no such analyzer; the message lists them
   */
  public SchemaBuilder analyzer(String name) {
    String form = requireNonNull(name, "name").strip().toLowerCase(Locale.ROOT);
    this.analyzer = new HybridSchema.Words(form, k1, b).analyzer();
    return this;
  }

  /**
   * Sets the parameters of BM25; 1.2 and 0.75 by default.
   *
   * @param k1 how much the repetition of a word counts, 0 or more
   * @param b how much the length of a document counts, 0 to 1
   * @return this builder
   */
  public SchemaBuilder bm25(float k1, float b) {
    this.k1 = k1;
    this.b = b;
    return this;
  }

  /**
   * Cuts texts into passages, each with vectors of its own; by default texts are kept whole. A
   * document is then found by its best passage, which {@link Hit#passage} names.
   *
   * @param tokens as {@link HybridSchema.Chunks#tokens}
   * @param overlap as {@link HybridSchema.Chunks#overlap}
   * @return this builder
   * @throws IllegalArgumentException if one is out of range
   */
  public SchemaBuilder chunks(int tokens, int overlap) {
    this.chunks = new HybridSchema.Chunks(tokens, overlap);
    return this;
  }

  /**
   * Gives a metadata field an index of its own, to filter and sort by it as its type.
   *
   * @param field the metadata's name, with dots where objects are nested
   * @param type the type of its values
   * @return this builder
   */
  public SchemaBuilder metadata(String field, MetadataType type) {
    metadata.put(requireNonNull(field, "field"), requireNonNull(type, "type"));
    return this;
  }

  /**
   * Builds the schema.
   *
   * @return the schema
   * @throws IllegalArgumentException if something is out of its range, token vectors are to be kept
   *     and the model gives none, or two settings do not go together
   */
  public HybridSchema build() {
    return new HybridSchema(
        vectors.parts(),
        new HybridSchema.Words(analyzer, k1, b),
        chunks,
        MetadataLayout.newest(metadata));
  }
}
