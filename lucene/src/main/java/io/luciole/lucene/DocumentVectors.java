package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.document.LateInteractionField;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.VectorUtil;
import org.jspecify.annotations.Nullable;

/**
 * Scores single documents of a segment by the vectors that the index keeps. Documents are numbered
 * as in the segment and must come in ascending order. Where texts are cut into passages, the
 * passages have the vectors. For one thread.
 */
final class DocumentVectors {
  private final LeafReader reader;
  private final VectorFields fields;
  private final DenseVectors dense;
  private final @Nullable BinaryDocValues sparse;
  private final @Nullable BinaryDocValues colbert;
  private final @Nullable BitSet documents;

  /** The postings of the query that was scored last, for indexes that keep no exact weights. */
  private @Nullable QueryPostings postings;

  /**
   * Opens a segment's vectors.
   *
   * @param documents which of its Lucene documents are whole documents and no passages; null where
   *     texts are kept whole
   */
  DocumentVectors(LeafReader reader, VectorFields fields, @Nullable BitSet documents)
      throws IOException {
    this.documents = documents;
    this.reader = reader;
    this.fields = fields;
    this.dense = new DenseVectors(reader, fields);
    this.sparse = reader.getBinaryDocValues(fields.exactField());
    this.colbert = reader.getBinaryDocValues(fields.tokenVectorsField());
  }

  /** The first passage of a document; the document itself where texts are kept whole. */
  int firstPassage(int doc) {
    return documents == null ? doc : doc == 0 ? 0 : documents.prevSetBit(doc - 1) + 1;
  }

  /** The last passage of a document; the document itself where texts are kept whole. */
  int lastPassage(int doc) {
    return documents == null ? doc : doc - 1;
  }

  /** The dot product with a document's dense vector, as exact as it is kept; 0 if it has none. */
  float dense(int doc, float[] query) throws IOException {
    return dense.dot(doc, query);
  }

  /** Whether a document has exact sparse weights; of a merged segment, some may have none. */
  private boolean hasExact(int doc) throws IOException {
    return sparse != null && sparse.advanceExact(doc);
  }

  /** The sum of the products of shared tokens' weights. */
  float sparse(int doc, SparseVector query) throws IOException {
    return hasExact(doc)
        ? SparseBytes.dot(query, requireNonNull(sparse).binaryValue())
        : postingsOf(query).dot(doc);
  }

  /** A token of both query and document. */
  record Shared(int tokenId, float queryWeight, float documentWeight) {}

  /**
   * The tokens that a document shares with a query, with the document's exact weights where the
   * index keeps them, else with the rounded ones of the postings.
   */
  List<Shared> shared(int doc, SparseVector query) throws IOException {
    List<Shared> shared = new ArrayList<>();
    if (!hasExact(doc)) {
      return postingsOf(query).shared(doc);
    }
    SparseVector weights = SparseBytes.decode(requireNonNull(sparse).binaryValue());
    for (int i = 0; i < query.size(); i++) {
      float weight = weights.weightOf(query.id(i));
      if (weight > 0) {
        shared.add(new Shared(query.id(i), query.weight(i), weight));
      }
    }
    return shared;
  }

  private QueryPostings postingsOf(SparseVector query) throws IOException {
    QueryPostings known = postings;
    if (known == null || !known.query().equals(query)) {
      known = QueryPostings.open(reader, fields, query);
      postings = known;
    }
    return known;
  }

  /** The mean over the query's rows of the best dot product with a row of the document. */
  float colbert(int doc, TokenQuery query) throws IOException {
    HybridSchema.MultiVectors form = fields.multiVectors().orElse(null);
    if (colbert == null || form == null || !colbert.advanceExact(doc)) {
      return 0;
    }
    if (colbert instanceof ResidualValues values && values.dimension() == form.dimension()) {
      return values.maxSim(query);
    }
    BytesRef rows = colbert.binaryValue();
    FieldForm.checkRows(rows, form, fields.tokenVectorsField());
    return switch (form.form()) {
      case INT8, RESIDUAL2 -> MultiVectorBytes.maxSim(query.rows(), rows, form.dimension());
      case FLOAT32 -> maxSim(query.rows(), LateInteractionField.decode(rows));
    };
  }

  private static float maxSim(float[][] query, float[][] passage) {
    double sum = 0;
    for (float[] q : query) {
      float best = Float.NEGATIVE_INFINITY;
      for (float[] p : passage) {
        best = Math.max(best, VectorUtil.dotProduct(q, p));
      }
      sum += best;
    }
    return query.length == 0 || passage.length == 0 ? 0 : (float) (sum / query.length);
  }
}
