package io.luciole.lucene;

/** The names of an index's Lucene fields, for applications that query it themselves. */
public final class SchemaFields {
  /** The document's id: a term, and binary doc values. */
  public static final String ID = "id";

  /** The title, stored. */
  public static final String TITLE = "title";

  /** The text, stored. */
  public static final String TEXT = "text";

  /** The words of title and text, for BM25. */
  public static final String WORDS = "words";

  /** The dense vector. */
  public static final String DENSE = "dense";

  /** The sparse weights as postings. */
  public static final String SPARSE = "sparse";

  /** The sparse weights as they were: binary doc values. */
  public static final String SPARSE_EXACT = "sparse.exact";

  /** The token vectors: binary doc values. */
  public static final String COLBERT = "colbert";

  /** All metadata: stored as JSON, and a term for each short value: name, a zero, value. */
  public static final String METADATA = "metadata";

  /** A term, {@code 1}, of documents whose texts are kept as passages; passages have it not. */
  public static final String DOCUMENT = "document";

  /** Where a passage stands in the text: numeric doc values, start in the upper 32 bits, end. */
  public static final String PASSAGE = "passage";

  /** What goes before the name of a metadata field that has an index of its own. */
  public static final String METADATA_PREFIX = "metadata.";

  private SchemaFields() {}
}
