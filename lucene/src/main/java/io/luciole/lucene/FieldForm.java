package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.codecs.perfield.PerFieldKnnVectorsFormat;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.VectorEncoding;
import org.apache.lucene.search.join.BitSetProducer;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * The form in which {@link VectorFields} write, compared with what a segment has. What a segment
 * does not tell is not compared: the bits of quantised vectors, and in segments that were written
 * before November 2026 the scale of rounded sparse weights.
 */
final class FieldForm {
  private final VectorFields fields;
  private final @Nullable BitSetProducer documents;

  /**
   * Creates a form.
   *
   * @param documents finds the documents that follow their passages; null where each document has
   *     vectors itself
   */
  FieldForm(VectorFields fields, @Nullable BitSetProducer documents) {
    this.fields = fields;
    this.documents = documents;
  }

  /**
   * Compares one field; a segment without it has no form.
   *
   * @throws IndexException if the segment has the field in another form
   */
  void check(LeafReaderContext leaf, String field) throws IOException {
    LeafReader segment = leaf.reader();
    FieldInfo found = segment.getFieldInfos().fieldInfo(field);
    if (found == null) {
      return;
    }
    checkBlocks(leaf, field);
    if (field.equals(fields.denseField())) {
      checkDense(found);
    } else {
      checkSparse(found, segment.terms(field));
    }
  }

  private void checkBlocks(LeafReaderContext leaf, String field) throws IOException {
    boolean ours = field.equals(SchemaFields.DENSE) || field.equals(SchemaFields.SPARSE);
    if (documents != null && documents.getBitSet(leaf) == null) {
      throw otherForm(field, "passages, followed by their document,", "no such document");
    }
    if (documents == null
        && ours
        && leaf.reader().getFieldInfos().fieldInfo(SchemaFields.PASSAGE) != null) {
      throw otherForm(field, "the vectors of whole documents", "those of passages");
    }
  }

  private void checkDense(FieldInfo found) {
    HybridSchema.Dense dense = fields.dense().orElseThrow();
    boolean floats = dense.quantization().keepsFloats();
    if (found.getVectorDimension() != dense.dimension()
        || found.getVectorEncoding() != (floats ? VectorEncoding.FLOAT32 : VectorEncoding.BYTE)
        || found.getVectorSimilarityFunction() != fields.similarity()) {
      throw otherForm(
          found.name,
          dense.dimension()
              + (floats ? " floats" : " bytes")
              + " compared by "
              + fields.similarity(),
          found.getVectorDimension() == 0
              ? "no vectors"
              : found.getVectorDimension()
                  + " components, "
                  + found.getVectorEncoding()
                  + ", compared by "
                  + found.getVectorSimilarityFunction());
    }
    @Nullable String format = found.getAttribute(PerFieldKnnVectorsFormat.PER_FIELD_FORMAT_KEY);
    boolean asGiven = !floats || dense.quantization() == DenseQuantization.NONE;
    if (asGiven && format != null && format.contains("Quantized")) {
      throw otherForm(found.name, "vectors that are not quantised", "the format " + format);
    }
  }

  /** A segment in which no text has a weight has postings without a term, which have no form. */
  private void checkSparse(FieldInfo found, @Nullable Terms terms) throws IOException {
    SparseForm expected = fields.sparse().orElseThrow().form();
    if (found.getIndexOptions() == IndexOptions.NONE) {
      throw otherForm(found.name, "postings of the form " + expected, "a field without postings");
    }
    if (terms == null) {
      return;
    }
    checkScale(found, fields.sparse().orElseThrow());
    // All terms of a field are of one form, so that one tells.
    BytesRef first = terms.getMin();
    if (first != null && !fields.sparse().orElseThrow().postings().isTerm(first)) {
      throw otherForm(found.name, "postings of the form " + expected, formOf(first));
    }
  }

  /**
   * Compares what weights were multiplied by for the postings, if the segment tells.
   *
   * @throws IndexException if it is another number
   */
  static void checkScale(@Nullable FieldInfo found, HybridSchema.Sparse sparse) {
    String scale = found == null ? null : found.getAttribute(ImpactPostings.SCALE);
    if (found != null
        && scale != null
        && sparse.form() != SparseForm.FEATURES
        && !scale.equals(Integer.toString(sparse.scale()))) {
      throw otherForm(found.name, "weights times " + sparse.scale(), "weights times " + scale);
    }
  }

  /**
   * Compares the token vectors of a document.
   *
   * @throws IndexException if they are in another form
   */
  static void checkRows(BytesRef rows, HybridSchema.MultiVectors form, String field) {
    int dimension = form.dimension();
    int first = rows.length < Integer.BYTES ? 0 : BlockLayout.readInt(rows.bytes, rows.offset);
    // Lucene's form begins with the dimension, ours with a float that is not as small.
    boolean same =
        form.form() == MultiVectorForm.FLOAT32
            ? first == dimension
            : first != dimension && rows.length % TokenRow.size(dimension) == 0;
    if (!same) {
      throw otherForm(
          field,
          "token vectors of " + dimension + " components of the form " + form.form(),
          rows.length + " bytes that are none");
    }
  }

  private static String formOf(BytesRef term) {
    for (SparseForm form : SparseForm.values()) {
      if (form.postings(1).isTerm(term)) {
        return "the form " + form;
      }
    }
    return "terms of no such form (" + term + ")";
  }

  static IndexException otherForm(String field, String expected, String found) {
    return new IndexException(
        "Expected "
            + expected
            + " in the field \""
            + field
            + "\" of the index, found "
            + found
            + ". Describe the fields as they were written, or name the field that is meant.");
  }
}
