package io.luciole.lucene;

/**
 * The Lucene fields of an index: their names and their layout, for applications that read or search
 * it themselves. The layout is version {@code 2} of the commit's {@code luciole.version}. Version
 * {@code 1}, which is still read and written where an index has it, differs in the metadata: the
 * stored JSON has strings only, {@code metadata} has terms (name, a zero byte, value, where that is
 * at most 256 bytes), and there are no {@code metadata_terms}.
 *
 * <p>Where texts are kept whole, a document is one Lucene document with all its fields. Where texts
 * are cut into passages ({@link HybridSchema#chunks}), a document is a block: one Lucene document
 * for each passage, in the order of the text, then one for the whole. The column <i>in</i> tells
 * which of them have the field: {@code whole} those of whole documents, {@code passage} those of
 * passages or, where texts are kept whole, the only one, {@code both} both.
 *
 * <pre>
 * field              in       postings                      norms  doc values      points  vector  stored
 * id                 both     DOCS                          no     BINARY          -       -       -
 * title              whole    -                             -      -               -       -       string
 * text               whole    -                             -      -               -       -       string
 * words              whole    DOCS_AND_FREQS_AND_POSITIONS  yes    -               -       -       -
 * words.title        whole    DOCS_AND_FREQS_AND_POSITIONS  yes    -               -       -       -
 * dense              passage  -                             -      -               -       FLOAT32 -
 * sparse             passage  DOCS_AND_FREQS                no     -               -       -       -
 * sparse.exact       passage  -                             -      BINARY          -       -       -
 * colbert            passage  -                             -      BINARY          -       -       -
 * metadata           whole    -                             -      -               -       -       string
 * metadata_terms     whole    DOCS                          no     -               -       -       -
 * metadata.KEYWORD   whole    DOCS                          no     SORTED_SET      -       -       -
 * metadata.LONG      whole    -                             -      SORTED_NUMERIC  1       -       -
 * metadata.DOUBLE    whole    -                             -      SORTED_NUMERIC  1       -       -
 * metadata.BOOLEAN   whole    DOCS                          no     SORTED_SET      -       -       -
 * metadata.DATE      whole    -                             -      SORTED_NUMERIC  1       -       -
 * document           whole    DOCS                          no     -               -       -       -
 * passage            passage  -                             -      NUMERIC         -       -       -
 * document.parent    whole    -                             -      NUMERIC         -       -       -
 * </pre>
 *
 * <p>Postings are Lucene's {@link org.apache.lucene.index.IndexOptions}, doc values its {@link
 * org.apache.lucene.index.DocValuesType}; points are given by their dimensions, 8 bytes each. For
 * encodings, and for when a document has a field, see each field. A test compares this table with
 * indexes that it builds.
 */
public final class SchemaFields {
  /**
   * The document's id. Always present. Term and doc value: the id in UTF-8. Passages carry the id
   * of their document, so that deleting by it deletes the block.
   */
  public static final String ID = "id";

  /** The document's title. Present unless it is empty. */
  public static final String TITLE = "title";

  /** The document's text. Always present, if empty too. */
  public static final String TEXT = "text";

  /**
   * The words of title and text, for BM25. Always present. Terms: what the schema's analyzer makes
   * of {@link SourceDocument#content}.
   */
  public static final String WORDS = "words";

  /**
   * The words of the title, for {@link WordBoosts}. Present if the schema's {@link
   * HybridSchema.Words#titles} says so and the title is not empty. Terms: what the schema's
   * analyzer makes of the title.
   */
  public static final String TITLE_WORDS = "words.title";

  /**
   * The dense vector. Present if the schema has {@link HybridSchema#dense}. Compared by the dot
   * product; where the model does not normalize vectors, by Lucene's {@code MAXIMUM_INNER_PRODUCT}.
   * With {@link DenseQuantization#BITS_8_ONLY} it is of the encoding BYTE in place of FLOAT32, each
   * component times 127 / the vector's largest, rounded; compared by {@code COSINE}; and absent
   * where all components are 0.
   */
  public static final String DENSE = "dense";

  /**
   * The sparse weights as postings. Present if the schema has {@link HybridSchema#sparse}, but for
   * texts all of whose weights round to 0. In the forms {@link SparseForm#IMPACTS} and {@link
   * SparseForm#BLOCKS} a term is the token id as 4 bytes, big-endian with the sign bit flipped, and
   * its frequency is the weight times the schema's scale, rounded; the second has the postings
   * format {@link BlockPostingsFormat}. In the form {@link SparseForm#FEATURES} a term is the token
   * id in decimal, and its frequency is the upper 17 bits of the weight as a float, as in {@link
   * org.apache.lucene.document.FeatureField}.
   */
  public static final String SPARSE = "sparse";

  /**
   * The exact sparse weights. Present if the schema's {@link HybridSchema.Sparse#exact} says so.
   * Doc value: the number of tokens as a vint; their ids as vints, ascending, each as the
   * difference to the one before; their weights as little-endian floats.
   */
  public static final String SPARSE_EXACT = "sparse.exact";

  /** What {@link #SPARSE_EXACT} has behind {@link #SPARSE}. */
  static final String EXACT_SUFFIX = ".exact";

  /**
   * The token vectors, one row a token. Present if the schema has {@link
   * HybridSchema#multiVectors}, but for texts without a row. Doc value in the form {@link
   * MultiVectorForm#FLOAT32}: as {@link org.apache.lucene.document.LateInteractionField} has it. In
   * the form {@link MultiVectorForm#INT8}: for each row a scale as a little-endian float, then one
   * signed byte a component, to be multiplied by the scale. In the form {@link
   * MultiVectorForm#RESIDUAL2}: the same by the format {@link ResidualFormat}, which compresses it.
   */
  public static final String COLBERT = "colbert";

  /** All metadata. Present if the document has any. Stored: the JSON of {@link Metadata#toJson}. */
  public static final String METADATA = "metadata";

  /**
   * The terms of the metadata, of all names together. Present if the document has a value. Each
   * term begins with the name, with dots where objects are nested, and a zero byte. One term for
   * each name, and for each name that it is within, ends there. One for each string, number and
   * boolean goes on: with {@code s} and the string, or if that has more than 128 bytes, its first
   * 113 bytes and the first 16 of its SHA-256; with {@code n} and the number as a double in 8
   * sortable bytes, and in decimal behind them if the double stands for another number; with {@code
   * b} and {@code 0} or {@code 1}. {@link MetadataFilters} makes queries for them.
   */
  public static final String METADATA_TERMS = "metadata_terms";

  /**
   * What goes before the name of a metadata field that the schema gives an index of its own ({@link
   * HybridSchema#metadata}). Present if the document has such metadata; several values if it has
   * several. {@link MetadataType#KEYWORD} keeps the value as a term and a doc value (of more than
   * 32766 bytes the first 8192 and 16 of the SHA-256), {@link MetadataType#BOOLEAN} likewise {@code
   * true} or {@code false}, {@link MetadataType#LONG} and {@link MetadataType#DOUBLE} a number,
   * {@link MetadataType#DATE} milliseconds since 1970; all as Lucene's {@code KeywordField}, {@code
   * LongField} and {@code DoubleField} do.
   */
  public static final String METADATA_PREFIX = "metadata.";

  /**
   * A mark of whole documents. Present where texts are cut into passages. Its only term is {@code
   * 1}.
   */
  public static final String DOCUMENT = "document";

  /**
   * Where a passage stands in its document's text. Present in passages, where texts are cut. Doc
   * value: the index of its first {@code char} in the upper 32 bits, the index after its last in
   * the lower.
   */
  public static final String PASSAGE = "passage";

  /**
   * Lucene's parent field ({@link org.apache.lucene.index.IndexWriterConfig#setParentField}), which
   * marks the last document of each block. Present where texts are cut and the index was made to be
   * reordered ({@link WriteOptions#reorder}).
   */
  public static final String PARENT = "document.parent";

  /** The only term of {@link #DOCUMENT}. */
  static final String PRESENT = "1";

  private SchemaFields() {}
}
