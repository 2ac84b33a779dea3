package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.model.Chunker.Chunk;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.document.Document;
import org.jspecify.annotations.Nullable;

/**
 * Which fields an index has and how they are kept. Written into every commit and read back from it,
 * so that opening an index needs no configuration. Immutable.
 *
 * <p>{@link SchemaFields} describes the layout of the fields.
 */
public final class HybridSchema {
  private final @Nullable Dense dense;
  private final @Nullable Sparse sparse;
  private final @Nullable MultiVectors multiVectors;
  private final Words words;
  private final @Nullable Chunks chunks;
  private final Map<String, MetadataType> metadata;

  /**
   * How dense vectors are kept.
   *
   * @param dimension components of a vector
   * @param normalized whether vectors have length 1; if not, they are compared by their dot product
   *     all the same
   * @param quantization how the vectors of the graph are kept
   * @param maxConnections links of a node of the graph, 2 to 512
   * @param beamWidth candidates that are looked at when a node is linked, 1 to 3200
   */
  public record Dense(
      int dimension,
      boolean normalized,
      DenseQuantization quantization,
      int maxConnections,
      int beamWidth) {
    /** Checks the components. */
    public Dense {
      requireNonNull(quantization, "quantization");
      inRange("dimension", dimension, 1, 4096);
      inRange("maxConnections", maxConnections, 2, 512);
      inRange("beamWidth", beamWidth, 1, 3200);
    }
  }

  /**
   * How sparse weights are kept.
   *
   * @param form how they are kept as postings
   * @param scale what a weight is multiplied by before it is rounded to a frequency, a power of two
   *     from 1 to 65536; without meaning for {@link SparseForm#FEATURES}
   * @param exact whether the exact weights are kept beside the rounded ones of the postings, for
   *     exact scores
   */
  public record Sparse(SparseForm form, int scale, boolean exact) {
    /** Checks the components. */
    public Sparse {
      requireNonNull(form, "form");
      inRange("scale", scale, 1, 1 << 16);
      if (Integer.bitCount(scale) != 1) {
        throw new IllegalArgumentException("scale must be a power of two, got " + scale);
      }
    }

    SparsePostings postings() {
      return form.postings(scale);
    }
  }

  /**
   * How token vectors are kept.
   *
   * @param form their form
   * @param dimension components of a row
   */
  public record MultiVectors(MultiVectorForm form, int dimension) {
    /** Checks the components. */
    public MultiVectors {
      requireNonNull(form, "form");
      inRange("dimension", dimension, 1, 1 << 16);
    }
  }

  /**
   * How words are kept, for BM25.
   *
   * @param analyzer the name of the analyzer, which cuts texts into words
   * @param k1 BM25's k1, 0 or more: how much the repetition of a word counts
   * @param b BM25's b, 0 to 1: how much the length of a document counts
   * @param titles whether the words of titles are kept in a field of their own, too, for {@link
   *     WordBoosts}; new indexes do, those made before November 2026 do not
   */
  public record Words(String analyzer, float k1, float b, boolean titles) {
    /**
     * Words with those of titles.
     *
     * @param analyzer as {@link #analyzer}
     * @param k1 as {@link #k1}
     * @param b as {@link #b}
     */
    public Words(String analyzer, float k1, float b) {
      this(analyzer, k1, b, true);
    }

    /** Checks the components. */
    public Words {
      requireNonNull(analyzer, "analyzer");
      if (!Analyzers.names().contains(analyzer)) {
        throw new IllegalArgumentException(
            "expected an analyser of " + Analyzers.names() + ", got \"" + analyzer + '"');
      }
      if (!(k1 >= 0 && k1 < Float.POSITIVE_INFINITY && b >= 0 && b <= 1)) {
        throw new IllegalArgumentException(
            "expected k1 of 0 or more and b from 0 to 1, got " + k1 + " and " + b);
      }
    }
  }

  /**
   * How long texts are cut into passages, each with vectors of its own. A passage is embedded with
   * the document's title before it if that leaves at least half of the tokens to the text.
   *
   * @param tokens the most tokens of a passage, special ones and the title included, at least 16
   * @param overlap the most tokens that a passage repeats of the one before, at most a quarter of
   *     {@code tokens}
   */
  public record Chunks(int tokens, int overlap) {
    /** Checks the components. */
    public Chunks {
      inRange("tokens", tokens, 16, 1 << 20);
      inRange("overlap", overlap, 0, tokens / 4);
    }
  }

  HybridSchema(
      @Nullable Dense dense,
      @Nullable Sparse sparse,
      @Nullable MultiVectors multiVectors,
      Words words,
      @Nullable Chunks chunks,
      Map<String, MetadataType> metadata) {
    this.dense = dense;
    this.sparse = sparse;
    this.multiVectors = multiVectors;
    this.words = words;
    this.chunks = chunks;
    this.metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  private static void inRange(String what, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          what + " must be from " + min + " to " + max + ", got " + value);
    }
  }

  /**
   * Returns the usual schema for an engine: words for BM25, and those of dense vectors and sparse
   * weights that the engine gives. Token vectors are kept only if the engine was opened with {@link
   * Output#COLBERT} among its outputs.
   *
   * @param engine the engine
   * @return the schema
   */
  public static HybridSchema forEngine(EmbeddingEngine engine) {
    return builder(engine).build();
  }

  /**
   * Returns a builder that starts from the usual schema for an engine.
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
  public Optional<Dense> dense() {
    return Optional.ofNullable(dense);
  }

  /** {@return how sparse weights are kept, if they are} */
  public Optional<Sparse> sparse() {
    return Optional.ofNullable(sparse);
  }

  /** {@return how token vectors are kept, if they are} */
  public Optional<MultiVectors> multiVectors() {
    return Optional.ofNullable(multiVectors);
  }

  /** {@return how words are kept, for BM25} */
  public Words words() {
    return words;
  }

  /** {@return how texts are cut into passages, if they are} */
  public Optional<Chunks> chunks() {
    return Optional.ofNullable(chunks);
  }

  /** {@return the types of the metadata fields that have an index of their own, by name} */
  public Map<String, MetadataType> metadata() {
    return metadata;
  }

  /** {@return what a document's embedding must hold; empty for an index that has only words} */
  public Set<Output> outputs() {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    dense().ifPresent(d -> outputs.add(Output.DENSE));
    sparse().ifPresent(s -> outputs.add(Output.SPARSE));
    multiVectors().ifPresent(m -> outputs.add(Output.COLBERT));
    return outputs;
  }

  /** {@return the legs that can search an index of this schema} */
  public Set<Leg> legs() {
    return Leg.of(outputs());
  }

  /**
   * Makes the Lucene document of a document, for applications with an {@code IndexWriter} of their
   * own, which must have the {@link #codec()} and the {@link #analyzer()}.
   *
   * @param document the document
   * @param embedding holds at least {@link #outputs()}
   * @return its fields, as {@link SchemaFields} describes them
   * @throws IllegalArgumentException if the id is too long, a metadata value does not fit its type,
   *     a vector has another length, or the schema cuts texts into passages: see {@link #toBlock}
   */
  public Document toDocument(SourceDocument document, Embedding embedding) {
    if (chunks != null) {
      throw new IllegalArgumentException("the schema cuts texts into passages: use toBlock");
    }
    return new DocumentFields(this)
        .toDocument(requireNonNull(document, "document"), requireNonNull(embedding, "embedding"));
  }

  /**
   * Makes the block of a document whose text is cut into passages, for {@code
   * IndexWriter.addDocuments}: the passages, then the document. All of them carry the term of the
   * id, so that deleting and updating by it takes the whole block.
   *
   * @param document the document
   * @param passages where the passages stand in its text
   * @param embeddings one for each passage, holding at least {@link #outputs()}
   * @return the Lucene documents, as {@link SchemaFields} describes them
   * @throws IllegalArgumentException as {@link #toDocument}, or if the schema does not cut texts
   */
  public List<Document> toBlock(
      SourceDocument document, List<Chunk> passages, List<Embedding> embeddings) {
    requireNonNull(document, "document");
    if (chunks == null) {
      throw new IllegalArgumentException("the schema keeps texts whole: use toDocument");
    }
    if (passages.size() != embeddings.size()) {
      throw new IllegalArgumentException(
          "expected an embedding for each of "
              + passages.size()
              + " passages, got "
              + embeddings.size());
    }
    return new DocumentFields(this).toBlock(document, passages, embeddings);
  }

  /** {@return a codec that writes the index as this schema says; readers do not need it} */
  public Codec codec() {
    return LuceneFormats.codec(this, 1, false);
  }

  /** {@return a new analyzer for the words} */
  public Analyzer analyzer() {
    return Analyzers.create(words.analyzer());
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof HybridSchema that && SchemaJson.write(this).equals(SchemaJson.write(that));
  }

  @Override
  public int hashCode() {
    return SchemaJson.write(this).hashCode();
  }

  /** {@return the schema as JSON, as a commit has it} */
  @Override
  public String toString() {
    return SchemaJson.write(this);
  }

  /** Describes a schema. Not safe for use by several threads. */
  public static final class Builder {
    private final int dimension;
    private final int colbertDimension;
    private final boolean normalized;
    private boolean dense;
    private DenseQuantization quantization = DenseQuantization.NONE;
    private int maxConnections = 16;
    private int beamWidth = 100;
    private boolean sparse;
    private SparseForm sparseForm = SparseForm.IMPACTS;
    private int sparseScale = 256;
    private boolean exactSparse = true;
    private @Nullable MultiVectorForm multiVectors;
    private String analyzer = Analyzers.MULTILINGUAL;
    private float k1 = 1.2f;
    private float b = 0.75f;
    private @Nullable Chunks chunks;
    private final Map<String, MetadataType> metadata = new TreeMap<>();

    Builder(Set<Output> outputs, int dimension, int colbertDimension, boolean normalized) {
      this.dimension = dimension;
      this.colbertDimension = colbertDimension;
      this.normalized = normalized;
      this.dense = outputs.contains(Output.DENSE);
      this.sparse = outputs.contains(Output.SPARSE);
      this.multiVectors = outputs.contains(Output.COLBERT) ? MultiVectorForm.INT8 : null;
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
     * Sets how the dense vectors of the graph are kept; as 32-bit floats by default.
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
     * default.
     *
     * @param maxConnections as {@link Dense#maxConnections}
     * @param beamWidth as {@link Dense#beamWidth}
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
      return this;
    }

    /**
     * Keeps token vectors. The model must give them.
     *
     * @param form how they are kept
     * @return this builder
     */
    public Builder multiVectors(MultiVectorForm form) {
      this.multiVectors = requireNonNull(form, "form");
      return this;
    }

    /**
     * Sets how texts are cut into words, for BM25: {@code multilingual} (any language, beginnings
     * of words; the default), {@code standard} (any language, whole words), or a language's code
     * such as {@code en} or {@code de}, which is best where all texts are in that language. {@code
     * multilingual-1} is what {@code multilingual} was until November 2026; indexes that were made
     * with it keep it.
     *
     * @param name the analyzer's name, in any case
     * @return this builder
     * @throws IllegalArgumentException if there is no such analyzer; the message lists them
     */
    public Builder analyzer(String name) {
      String form = requireNonNull(name, "name").strip().toLowerCase(Locale.ROOT);
      this.analyzer = new Words(form, k1, b).analyzer();
      return this;
    }

    /**
     * Sets the parameters of BM25; 1.2 and 0.75 by default.
     *
     * @param k1 how much the repetition of a word counts, 0 or more
     * @param b how much the length of a document counts, 0 to 1
     * @return this builder
     */
    public Builder bm25(float k1, float b) {
      this.k1 = k1;
      this.b = b;
      return this;
    }

    /**
     * Cuts texts into passages, each with vectors of its own; by default texts are kept whole. A
     * document is then found by its best passage, which {@link Hit#passage} names.
     *
     * @param tokens as {@link Chunks#tokens}
     * @param overlap as {@link Chunks#overlap}
     * @return this builder
     * @throws IllegalArgumentException if one is out of range
     */
    public Builder chunks(int tokens, int overlap) {
      this.chunks = new Chunks(tokens, overlap);
      return this;
    }

    /**
     * Gives a metadata field an index of its own, to filter and sort by it as its type.
     *
     * @param field the metadata's name
     * @param type the type of its values
     * @return this builder
     */
    public Builder metadata(String field, MetadataType type) {
      metadata.put(requireNonNull(field, "field"), requireNonNull(type, "type"));
      return this;
    }

    /**
     * Builds the schema.
     *
     * @return the schema
     * @throws IllegalArgumentException if something is out of its range, or token vectors are to be
     *     kept and the model gives none
     */
    public HybridSchema build() {
      if (multiVectors != null && colbertDimension == 0) {
        throw new IllegalArgumentException(
            "the model gives no token vectors, so an index cannot keep them");
      }
      return new HybridSchema(
          dense ? new Dense(dimension, normalized, quantization, maxConnections, beamWidth) : null,
          sparse ? new Sparse(sparseForm, sparseScale, exactSparse) : null,
          multiVectors == null ? null : new MultiVectors(multiVectors, colbertDimension),
          new Words(analyzer, k1, b),
          chunks,
          metadata);
    }
  }
}
