package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.lucene.codecs.DocValuesFormat;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.LateInteractionField;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one embedding in documents of an application's own: adds them to a document, and
 * gives the queries for them. Needs no engine, so that vectors may be made anywhere.
 *
 * <pre>{@code
 * VectorFields vectors = VectorFields.builder(1024, true).build();
 * vectors.addTo(document, embedding);                              // before the writer gets it
 * searcher.search(vectors.queries().dense(query.dense(), 10), 10); // dense, by Lucene's score
 * }</pre>
 *
 * <p>A document can have several embeddings, say of its title and of its text: each has a {@code
 * VectorFields} with {@linkplain Builder#prefix names} of its own. {@link SchemaFields} describes
 * what each field holds; a {@link HybridSchema} uses this class with the names given there.
 *
 * <p>Lucene's default codec writes dense vectors of up to 1024 dimensions as 32-bit floats, or as
 * bytes with {@link DenseQuantization#BITS_8_ONLY}, in a graph of its own default shape. For
 * anything else an application's codec returns {@link #denseFormat} for the field {@link
 * #denseField}; readers need nothing. The other fields need no format.
 *
 * <p>Runs on Lucene 10.0 and later; quantised vectors need 10.5, and token vectors of the form
 * {@link MultiVectorForm#FLOAT32} need 10.3. Immutable.
 */
public final class VectorFields {
  private final HybridSchema.@Nullable Dense dense;
  private final HybridSchema.@Nullable Sparse sparse;
  private final HybridSchema.@Nullable MultiVectors multiVectors;
  private final Map<Output, String> names;

  private VectorFields(
      HybridSchema.@Nullable Dense dense,
      HybridSchema.@Nullable Sparse sparse,
      HybridSchema.@Nullable MultiVectors multiVectors,
      Map<Output, String> names) {
    this.dense = dense;
    this.sparse = sparse;
    this.multiVectors = multiVectors;
    this.names = names;
  }

  /** The vectors of a schema, in the fields of {@link SchemaFields}. */
  static VectorFields ofSchema(
      HybridSchema.@Nullable Dense dense,
      HybridSchema.@Nullable Sparse sparse,
      HybridSchema.@Nullable MultiVectors multiVectors) {
    return new VectorFields(dense, sparse, multiVectors, names(""));
  }

  private static Map<Output, String> names(String prefix) {
    Map<Output, String> names = new EnumMap<>(Output.class);
    names.put(Output.DENSE, prefix + SchemaFields.DENSE);
    names.put(Output.SPARSE, prefix + SchemaFields.SPARSE);
    names.put(Output.COLBERT, prefix + SchemaFields.COLBERT);
    return names;
  }

  /**
   * Returns a builder that starts with dense vectors and sparse weights as a {@link HybridSchema}
   * keeps them: dense vectors as 32-bit floats, sparse weights in the form {@link
   * SparseForm#IMPACTS} with a scale of 256 and exact weights beside them.
   *
   * @param dimension the components of a dense vector
   * @param normalized whether dense vectors have length 1
   * @return the builder
   */
  public static Builder builder(int dimension, boolean normalized) {
    return new Builder(EnumSet.of(Output.DENSE, Output.SPARSE), dimension, 0, normalized);
  }

  /**
   * Returns a builder for the vectors that an engine gives: those of its outputs, with their
   * dimensions; else as {@link #builder(int, boolean)}.
   *
   * @param engine the engine
   * @return the builder
   */
  public static Builder builder(EmbeddingEngine engine) {
    requireNonNull(engine, "engine");
    return new Builder(
        engine.outputs(),
        engine.backend().dimension(),
        engine.backend().colbertDimension(),
        engine.description().normalize());
  }

  /** {@return how dense vectors are kept, if they are} */
  public Optional<HybridSchema.Dense> dense() {
    return Optional.ofNullable(dense);
  }

  /** {@return how sparse weights are kept, if they are} */
  public Optional<HybridSchema.Sparse> sparse() {
    return Optional.ofNullable(sparse);
  }

  /** {@return how token vectors are kept, if they are} */
  public Optional<HybridSchema.MultiVectors> multiVectors() {
    return Optional.ofNullable(multiVectors);
  }

  /** {@return what an embedding must hold; never empty but for a schema that has only words} */
  public Set<Output> outputs() {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    dense().ifPresent(d -> outputs.add(Output.DENSE));
    sparse().ifPresent(s -> outputs.add(Output.SPARSE));
    multiVectors().ifPresent(m -> outputs.add(Output.COLBERT));
    return outputs;
  }

  /** {@return the field of the dense vector, as {@link SchemaFields#DENSE}} */
  public String denseField() {
    return name(Output.DENSE);
  }

  /** {@return the field of the sparse weights as postings, as {@link SchemaFields#SPARSE}} */
  public String sparseField() {
    return name(Output.SPARSE);
  }

  /** {@return the field of the exact sparse weights, as {@link SchemaFields#SPARSE_EXACT}} */
  public String exactField() {
    return sparseField() + SchemaFields.EXACT_SUFFIX;
  }

  /** {@return the field of the token vectors, as {@link SchemaFields#COLBERT}} */
  public String tokenVectorsField() {
    return name(Output.COLBERT);
  }

  private String name(Output output) {
    return requireNonNull(names.get(output));
  }

  /**
   * Adds an embedding's fields to a document.
   *
   * @param document the document, or the passage of a block; anything else in it is the caller's
   * @param embedding holds at least {@link #outputs}; others are left out
   * @throws IllegalArgumentException if a vector has another length than was said, or a component
   *     that is not a finite number, or larger than 1e15 in absolute value; or if the sum of the
   *     sparse weights, times the scale, is 2^31 or more. In the form {@link SparseForm#FEATURES},
   *     about 65,000 tokens of a document are too many
   * @throws IllegalStateException if the embedding lacks an output
   * @throws IndexException if this Lucene cannot keep token vectors in their form
   */
  public void addTo(Document document, Embedding embedding) {
    requireNonNull(document, "document");
    requireNonNull(embedding, "embedding");
    if (dense != null) {
      float[] vector = embedding.dense();
      VectorChecks.requireDense(vector, dense.dimension());
      if (dense.quantization().keepsFloats()) {
        document.add(new KnnFloatVectorField(denseField(), vector, similarity()));
      } else {
        DenseBytes.addTo(document, denseField(), vector, similarity());
      }
    }
    if (sparse != null) {
      SparseVector vector = embedding.sparse();
      sparse.postings().add(document, sparseField(), vector);
      if (sparse.exact()) {
        document.add(new BinaryDocValuesField(exactField(), SparseBytes.encode(vector)));
      }
    }
    if (multiVectors != null) {
      addTokenVectors(document, multiVectors, embedding.colbert());
    }
  }

  private void addTokenVectors(
      Document document, HybridSchema.MultiVectors how, MultiVector vectors) {
    float[][] rows = VectorChecks.requireTokenVectors(vectors, how.dimension());
    if (how.form() == MultiVectorForm.FLOAT32) {
      LuceneRange.FLOAT_TOKEN_VECTORS.require();
    }
    if (rows.length > 0) {
      document.add(
          new BinaryDocValuesField(
              tokenVectorsField(),
              switch (how.form()) {
                case FLOAT32 -> LateInteractionField.encode(rows);
                // The format compresses what it has many of.
                case INT8, RESIDUAL2 -> MultiVectorBytes.encode(rows, how.dimension());
              }));
    }
  }

  /** How dense vectors are compared; {@link VectorQueries#dotProduct} computes the dot product. */
  VectorSimilarityFunction similarity() {
    if (dense != null && !dense.quantization().keepsFloats()) {
      return VectorSimilarityFunction.COSINE; // Bytes have no common scale.
    }
    return dense == null || dense.normalized()
        ? VectorSimilarityFunction.DOT_PRODUCT
        : VectorSimilarityFunction.MAXIMUM_INNER_PRODUCT;
  }

  /**
   * Returns the format that a codec of the application's writes the dense vectors in, to be
   * returned by its {@code getKnnVectorsFormatForField} for {@link #denseField}: the shape of the
   * graph and the quantisation as they were set, and up to 4096 dimensions. It writes under
   * Lucene's own names, so that readers need nothing of it.
   *
   * @return the format; the same object for all fields of one writer that share files
   * @throws IllegalStateException if dense vectors are not kept
   * @throws IndexException if vectors are quantised beside floats and the Lucene of the class path
   *     is older than 10.5
   */
  public KnnVectorsFormat denseFormat() {
    if (dense == null) {
      throw new IllegalStateException("expected dense vectors among the fields, found none");
    }
    return LuceneFormats.dense(dense, 1, false);
  }

  /**
   * Returns the format that a codec of the application's writes the token vectors in, to be
   * returned by its {@code getDocValuesFormatForField} for {@link #tokenVectorsField}. Without it,
   * token vectors of the form {@link MultiVectorForm#RESIDUAL2} are kept as {@link
   * MultiVectorForm#INT8} has them; the other forms need no format.
   *
   * @return the format
   * @throws IllegalStateException if the form of token vectors is not RESIDUAL2
   * @throws IndexException if the Lucene of the class path is older than 10.4
   */
  public DocValuesFormat tokenVectorsFormat() {
    if (multiVectors == null || multiVectors.form() != MultiVectorForm.RESIDUAL2) {
      throw new IllegalStateException(
          "expected token vectors of the form RESIDUAL2 among the fields, found "
              + (multiVectors == null ? "none" : multiVectors.form()));
    }
    return LuceneFormats.residual(multiVectors.dimension());
  }

  /**
   * {@return the queries for these fields, in indexes where each document has one embedding in
   * them}
   */
  public VectorQueries queries() {
    return new VectorQueries(this, null);
  }

  /**
   * Returns the queries for these fields in blocks, where the passages of a document have the
   * vectors and stand before it (Lucene's block join). They find documents, each by its best
   * passage.
   *
   * @param documents matches the documents, the last of their blocks, and not their passages
   * @return the queries; keep them, because they remember which documents match
   */
  public VectorQueries queries(Query documents) {
    return new VectorQueries(this, requireNonNull(documents, "documents"));
  }

  /** Describes the fields of an embedding. Not safe for use by several threads. */
  public static final class Builder {
    private final int dimension;
    private final boolean normalized;
    private boolean dense;
    private DenseQuantization quantization = DenseQuantization.NONE;
    private int maxConnections = 16;
    private int beamWidth = 100;
    private boolean sparse;
    private SparseForm sparseForm = SparseForm.IMPACTS;
    private int sparseScale = 256;
    private boolean exactSparse = true;
    private boolean byPostings;
    private @Nullable MultiVectorForm multiVectors;
    private int rowDimension;
    private Map<Output, String> names = names("");

    private Builder(Set<Output> outputs, int dimension, int rowDimension, boolean normalized) {
      this.dimension = dimension;
      this.rowDimension = rowDimension;
      this.normalized = normalized;
      this.dense = outputs.contains(Output.DENSE);
      this.sparse = outputs.contains(Output.SPARSE);
      this.multiVectors = outputs.contains(Output.COLBERT) ? MultiVectorForm.INT8 : null;
    }

    /**
     * Puts something before the names of all fields: {@code title.} gives {@code title.dense},
     * {@code title.sparse}, {@code title.sparse.exact} and {@code title.colbert}. Names set before
     * by {@link #name} are replaced.
     *
     * @param prefix the beginning of the names; may be empty
     * @return this builder
     */
    public Builder prefix(String prefix) {
      this.names = names(requireNonNull(prefix, "prefix"));
      return this;
    }

    /**
     * Names the field of one kind of vectors. The field of the exact sparse weights has the name of
     * that of the sparse weights with {@code .exact} behind it.
     *
     * @param output the kind of vectors
     * @param field the field
     * @return this builder
     */
    public Builder name(Output output, String field) {
      names.put(requireNonNull(output, "output"), requireNonNull(field, "field"));
      return this;
    }

    /**
     * Sets whether dense vectors are kept.
     *
     * @param wanted whether they are
     * @return this builder
     */
    public Builder dense(boolean wanted) {
      this.dense = wanted;
      return this;
    }

    /**
     * Sets how the dense vectors of the graph are kept; as 32-bit floats by default. A quantised
     * field needs {@link VectorFields#denseFormat} in the writer's codec, but for {@link
     * DenseQuantization#BITS_8_ONLY}.
     *
     * @param quantization how
     * @return this builder
     */
    public Builder quantization(DenseQuantization quantization) {
      this.quantization = requireNonNull(quantization, "quantization");
      return this;
    }

    /**
     * Sets the shape of the graph of the dense vectors: HNSW's M and efConstruction; 16 and 100 by
     * default. Another shape needs {@link VectorFields#denseFormat} in the writer's codec.
     *
     * @param maxConnections as {@link HybridSchema.Dense#maxConnections}
     * @param beamWidth as {@link HybridSchema.Dense#beamWidth}
     * @return this builder
     */
    public Builder graph(int maxConnections, int beamWidth) {
      this.maxConnections = maxConnections;
      this.beamWidth = beamWidth;
      return this;
    }

    /**
     * Sets whether sparse weights are kept.
     *
     * @param wanted whether they are
     * @return this builder
     */
    public Builder sparse(boolean wanted) {
      this.sparse = wanted;
      return this;
    }

    /**
     * Sets how sparse weights are kept as postings; {@link SparseForm#IMPACTS} by default.
     *
     * @param form how
     * @return this builder
     */
    public Builder sparseForm(SparseForm form) {
      this.sparseForm = requireNonNull(form, "form");
      return this;
    }

    /**
     * Sets what a sparse weight is multiplied by before it is rounded; 256 by default.
     *
     * @param scale a power of two from 1 to 65536
     * @return this builder
     */
    public Builder sparseScale(int scale) {
      this.sparseScale = scale;
      return this;
    }

    /**
     * Sets whether the exact sparse weights are kept beside the rounded ones of the postings; by
     * default they are.
     *
     * @param exact whether they are
     * @return this builder
     */
    public Builder exactSparse(boolean exact) {
      this.exactSparse = exact;
      this.byPostings = false;
      return this;
    }

    /**
     * Sets how exactly sparse weights are kept, in place of {@link #sparseScale} and {@link
     * #exactSparse}: {@link SparseWeights#EXACT} by default.
     *
     * @param weights how
     * @return this builder
     */
    public Builder sparseWeights(SparseWeights weights) {
      this.sparseScale = requireNonNull(weights, "weights").scale();
      this.exactSparse = weights.exact();
      this.byPostings = !weights.exact();
      return this;
    }

    /**
     * Keeps token vectors.
     *
     * @param form how they are kept
     * @param dimension the components of a row
     * @return this builder
     */
    public Builder multiVectors(MultiVectorForm form, int dimension) {
      this.rowDimension = dimension;
      return multiVectors(form);
    }

    /** Keeps token vectors of the dimension that the model says. */
    Builder multiVectors(MultiVectorForm form) {
      this.multiVectors = requireNonNull(form, "form");
      return this;
    }

    /**
     * Builds the fields.
     *
     * @return the fields
     * @throws IllegalArgumentException if something is out of its range, no kind of vectors is
     *     kept, or two kinds have one name
     */
    public VectorFields build() {
      VectorFields fields = parts();
      if (fields.outputs().isEmpty()) {
        throw new IllegalArgumentException("expected at least one kind of vectors, got none");
      }
      List<String> used =
          List.of(
              fields.denseField(),
              fields.sparseField(),
              fields.exactField(),
              fields.tokenVectorsField());
      if (new HashSet<>(used).size() < used.size()) {
        throw new IllegalArgumentException("expected a name for each field, got " + used);
      }
      return fields;
    }

    /** The fields, of which there may be none. */
    VectorFields parts() {
      if (multiVectors != null && rowDimension == 0) {
        throw new IllegalArgumentException(
            "expected a model that gives token vectors, so that the index can keep them, or their"
                + " dimension (multiVectors(form, dimension)); found neither");
      }
      if (sparse && byPostings && sparseForm == SparseForm.FEATURES) {
        throw new IllegalArgumentException(
            "expected the form impacts or blocks for sparse weights of the postings alone, got"
                + " features, which keeps 9 significant bits of each weight: choose one of those"
                + " forms, or the weights exact");
      }
      return new VectorFields(
          dense
              ? new HybridSchema.Dense(
                  dimension, normalized, quantization, maxConnections, beamWidth)
              : null,
          sparse ? new HybridSchema.Sparse(sparseForm, sparseScale, exactSparse) : null,
          multiVectors == null ? null : new HybridSchema.MultiVectors(multiVectors, rowDimension),
          new EnumMap<>(names));
    }
  }
}
