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
 * <p>{@code ARCHITECTURE.md} holds the layout of the fields; {@link SchemaFields} names them.
 */
public final class HybridSchema {
  private final @Nullable Dense dense;
  private final @Nullable Sparse sparse;
  private final @Nullable MultiVectors multiVectors;
  private final Words words;
  private final @Nullable Chunks chunks;
  private final Map<String, MetadataType> metadata;

  /**
   * The dense vectors.
   *
   * @param dimension components of a vector
   * @param normalized whether vectors have length 1; if not, they are compared by their dot product
   *     all the same
   * @param quantization how the graph's vectors are kept
   * @param maxConnections links of a node of the graph, 2 to 512
   * @param beamWidth candidates looked at when a node is linked, 1 to 3200
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
   * The sparse weights.
   *
   * @param form how they become postings
   * @param scale what a weight is multiplied by before it is rounded to a frequency, a power of two
   *     from 1 to 65536; of no meaning for {@link SparseForm#FEATURES}
   * @param exact whether the weights are kept as they were as well, beside the postings, for exact
   *     scores
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
  }

  /**
   * The token vectors.
   *
   * @param form how they are kept
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
   * The words.
   *
   * @param analyzer the analyser's name
   * @param k1 BM25's k1, 0 or more: how much a word's repetition counts
   * @param b BM25's b, 0 to 1: how much a document's length counts
   */
  public record Words(String analyzer, float k1, float b) {
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
   * How long texts are cut into passages, each with vectors of its own. Each passage is embedded
   * with the document's title before it, if that leaves half the room to the text.
   *
   * @param tokens most tokens of a passage, special ones and the title included, at least 16
   * @param overlap most tokens that a passage repeats of the one before, at most a quarter of those
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
   * The usual schema for an engine: words, and those of dense vectors and sparse weights that the
   * engine gives. Token vectors only if the engine was opened with {@link Output#COLBERT} among its
   * outputs.
   */
  public static HybridSchema forEngine(EmbeddingEngine engine) {
    return builder(engine).build();
  }

  /** A builder with the usual schema for an engine. */
  public static Builder builder(EmbeddingEngine engine) {
    requireNonNull(engine, "engine");
    return new Builder(
        engine.outputs(),
        engine.backend().dimension(),
        engine.backend().colbertDimension(),
        engine.description().normalize());
  }

  /**
   * Names of the analysers: {@code multilingual}, {@code standard}, and languages such as {@code
   * en}, {@code de}.
   */
  public static Set<String> analyzers() {
    return Analyzers.names();
  }

  /** The dense vectors, if there are any. */
  public Optional<Dense> dense() {
    return Optional.ofNullable(dense);
  }

  /** The sparse weights, if there are any. */
  public Optional<Sparse> sparse() {
    return Optional.ofNullable(sparse);
  }

  /** The token vectors, if there are any. */
  public Optional<MultiVectors> multiVectors() {
    return Optional.ofNullable(multiVectors);
  }

  /** The words. */
  public Words words() {
    return words;
  }

  /** How texts are cut into passages, if they are. */
  public Optional<Chunks> chunks() {
    return Optional.ofNullable(chunks);
  }

  /** The metadata fields that have an index of their own, by name. */
  public Map<String, MetadataType> metadata() {
    return metadata;
  }

  /** What a document's embedding must hold; empty for an index of words alone. */
  public Set<Output> outputs() {
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    if (dense != null) {
      outputs.add(Output.DENSE);
    }
    if (sparse != null) {
      outputs.add(Output.SPARSE);
    }
    if (multiVectors != null) {
      outputs.add(Output.COLBERT);
    }
    return outputs;
  }

  /** The legs that an index of this schema can be searched with. */
  public Set<Leg> legs() {
    EnumSet<Leg> legs = EnumSet.of(Leg.BM25);
    if (dense != null) {
      legs.add(Leg.DENSE);
    }
    if (sparse != null) {
      legs.add(Leg.SPARSE);
    }
    return legs;
  }

  /**
   * A document as Lucene takes it, for applications with an {@code IndexWriter} of their own. Give
   * that the {@link #codec()} and {@link #analyzer()}.
   *
   * @param embedding holds at least {@link #outputs()}
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
   * A document whose text is cut into passages, as Lucene takes it: a block for {@code
   * IndexWriter.addDocuments}, the passages before the document. All of a block have the id's term,
   * so that deleting and updating by it takes the whole.
   *
   * @param passages where the passages stand in the document's text
   * @param embeddings of each passage, holding at least {@link #outputs()}
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

  /** The codec that keeps the dense vectors as this schema says. Readers do not need it. */
  public Codec codec() {
    return new SchemaCodec(this, 1, false);
  }

  /** A new analyser for the words. */
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

  /** The schema as JSON, as it stands in a commit. */
  @Override
  public String toString() {
    return SchemaJson.write(this);
  }

  /** Describes a schema. Not for use by several threads. */
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

    /** Leaves out, or takes in, the dense vectors. */
    public Builder dense(boolean wanted) {
      this.dense = wanted;
      return this;
    }

    /** How the graph's vectors are kept; as 32-bit floats by default. */
    public Builder quantization(DenseQuantization quantization) {
      this.quantization = requireNonNull(quantization, "quantization");
      return this;
    }

    /** The shape of the graph, HNSW's M and efConstruction; 16 and 100 by default. */
    public Builder graph(int maxConnections, int beamWidth) {
      this.maxConnections = maxConnections;
      this.beamWidth = beamWidth;
      return this;
    }

    /** Leaves out, or takes in, the sparse weights. */
    public Builder sparse(boolean wanted) {
      this.sparse = wanted;
      return this;
    }

    /** How sparse weights become postings; impacts by default. */
    public Builder sparseForm(SparseForm form) {
      this.sparseForm = requireNonNull(form, "form");
      return this;
    }

    /** What a sparse weight is multiplied by before rounding, a power of two; 256 by default. */
    public Builder sparseScale(int scale) {
      this.sparseScale = scale;
      return this;
    }

    /** Whether sparse weights are kept as they were beside the postings; so by default. */
    public Builder exactSparse(boolean exact) {
      this.exactSparse = exact;
      return this;
    }

    /** Keeps token vectors; the model must give them. */
    public Builder multiVectors(MultiVectorForm form) {
      this.multiVectors = requireNonNull(form, "form");
      return this;
    }

    /**
     * How words are cut, for BM25: {@code multilingual} (all languages, words by their beginnings;
     * the default), {@code standard} (all languages, whole words), or a language's code such as
     * {@code en} or {@code de}: best where all texts are in that language.
     *
     * @throws IllegalArgumentException if there is no such analyser; the message lists them
     */
    public Builder analyzer(String name) {
      String form = requireNonNull(name, "name").strip().toLowerCase(Locale.ROOT);
      this.analyzer = new Words(form, k1, b).analyzer();
      return this;
    }

    /** BM25's parameters; 1.2 and 0.75 by default. */
    public Builder bm25(float k1, float b) {
      this.k1 = k1;
      this.b = b;
      return this;
    }

    /**
     * Cuts texts into passages, each with vectors of its own; kept whole by default. A document is
     * then found by its best passage, which {@link Hit#passage} names.
     *
     * @throws IllegalArgumentException if out of range; see {@link Chunks}
     */
    public Builder chunks(int tokens, int overlap) {
      this.chunks = new Chunks(tokens, overlap);
      return this;
    }

    /** Gives a metadata field an index of its own, to filter and sort by as its type. */
    public Builder metadata(String field, MetadataType type) {
      metadata.put(requireNonNull(field, "field"), requireNonNull(type, "type"));
      return this;
    }

    /**
     * The schema.
     *
     * @throws IllegalArgumentException if something is out of its range, or token vectors are asked
     *     of a model that has none
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
