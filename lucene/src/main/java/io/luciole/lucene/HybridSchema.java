package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.model.Chunker.Chunk;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
  private final VectorFields vectors;
  private final Words words;
  private final @Nullable Chunks chunks;
  private final MetadataLayout metadata;

  /** The application's own analyzer, or null if the words' analyzer is found by its name. */
  private final @Nullable Analyzer ownAnalyzer;

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
      if (!normalized && !quantization.keepsFloats()) {
        throw new IllegalArgumentException(
            "expected a model that normalises its dense vectors for the quantization "
                + quantization.id()
                + ", whose scores are cosines, got one that does not: choose 8bit, which keeps"
                + " floats too, or have vectors normalised (luciole.normalize)");
      }
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

    /** {@return how exactly weights are kept; empty for scales that have no name} */
    public Optional<SparseWeights> weights() {
      return SparseWeights.of(this);
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
   * @param analyzer the name of the analyzer, which cuts texts into words; of an application's own
   *     with {@code own:} before it
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
      Analyzers.requireName(analyzer);
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

  /** A schema whose analyzer is found by its name. */
  HybridSchema(
      VectorFields vectors, Words words, @Nullable Chunks chunks, MetadataLayout metadata) {
    this(vectors, words, chunks, metadata, null);
  }

  private HybridSchema(
      VectorFields vectors,
      Words words,
      @Nullable Chunks chunks,
      MetadataLayout metadata,
      @Nullable Analyzer ownAnalyzer) {
    this.ownAnalyzer = ownAnalyzer;
    this.vectors = vectors;
    this.words = words;
    this.chunks = chunks;
    this.metadata = metadata;
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
  public static SchemaBuilder builder(EmbeddingEngine engine) {
    return new SchemaBuilder(VectorFields.builder(engine));
  }

  /**
   * Returns a builder for vectors that are made elsewhere, without an engine. It starts with words,
   * dense vectors and sparse weights; add token vectors by {@link
   * SchemaBuilder#multiVectors(MultiVectorForm, int)}, and leave out sparse weights by {@link
   * SchemaBuilder#sparse} where the model gives none.
   *
   * @param dimension the components of a dense vector, such as {@link
   *     io.luciole.model.ModelFingerprint#dimension}
   * @param normalized whether dense vectors have length 1
   * @return the builder
   */
  public static SchemaBuilder builder(int dimension, boolean normalized) {
    return new SchemaBuilder(VectorFields.builder(dimension, normalized));
  }

  /** {@return how dense vectors are kept, if they are} */
  public Optional<Dense> dense() {
    return vectors.dense();
  }

  /** {@return how sparse weights are kept, if they are} */
  public Optional<Sparse> sparse() {
    return vectors.sparse();
  }

  /** {@return how token vectors are kept, if they are} */
  public Optional<MultiVectors> multiVectors() {
    return vectors.multiVectors();
  }

  /** {@return the fields of the vectors, to use them in documents and queries of one's own} */
  public VectorFields vectorFields() {
    return vectors;
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
    return metadata.types();
  }

  MetadataLayout metadataLayout() {
    return metadata;
  }

  /**
   * This schema as an index keeps it that an earlier version may have made: in the index's layout,
   * and with its words if they differ by the version alone. What else differs stays for the caller
   * to find.
   */
  HybridSchema asKeptBy(HybridSchema index) {
    MetadataLayout layout = MetadataLayout.of(index.metadata.version(), metadata.types());
    return new HybridSchema(
        vectors, EarlierWords.kept(words, index.words), chunks, layout, ownAnalyzer);
  }

  /** {@return what a document's embedding must hold; empty for an index that has only words} */
  public Set<Output> outputs() {
    return vectors.outputs();
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
   *     a vector is refused as {@link VectorFields#addTo} says, or the schema cuts texts into
   *     passages: see {@link #toBlock}
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
   * @param passages where the passages stand in its text, without its title
   * @param embeddings one for each passage, holding at least {@link #outputs()}
   * @return the Lucene documents, as {@link SchemaFields} describes them
   * @throws IllegalArgumentException as {@link #toDocument}, if the schema does not cut texts, or
   *     if a passage lies outside the text
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

  /**
   * Returns an analyzer for the words: the application's own, or else a new one.
   *
   * @return the analyzer
   * @throws IndexException if the words need an analyzer of an application's own and this schema,
   *     read from an index, has only its name; see {@link #withAnalyzer}
   */
  public Analyzer analyzer() {
    return ownAnalyzer != null ? ownAnalyzer : Analyzers.create(words.analyzer());
  }

  /**
   * Returns this schema with the application's own analyzer, of which an index keeps the name only.
   *
   * @param analyzer the analyzer; it stays the caller's to close
   * @return the schema, equal to this one
   * @throws IllegalArgumentException if the words have an analyzer that is found by its name
   */
  public HybridSchema withAnalyzer(Analyzer analyzer) {
    requireNonNull(analyzer, "analyzer");
    if (!Analyzers.isOwn(words.analyzer())) {
      throw new IllegalArgumentException(
          "expected a schema with an analyzer of the application's own, got one with \""
              + words.analyzer()
              + '"');
    }
    return new HybridSchema(vectors, words, chunks, metadata, analyzer);
  }

  /**
   * Reads what {@link #toString} returned. An analyzer of the application's own is not part of it:
   * see {@link #withAnalyzer}.
   *
   * @param json the text
   * @return the schema
   * @throws IllegalArgumentException if the text is no schema
   */
  public static HybridSchema parse(String json) {
    return SchemaJson.read(requireNonNull(json, "json"));
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
}
