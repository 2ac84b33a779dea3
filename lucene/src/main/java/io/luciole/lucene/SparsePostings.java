package io.luciole.lucene;

import io.luciole.SparseVector;
import org.apache.lucene.document.Document;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.BytesRef;

/**
 * How sparse weights are written to the postings of a field and read from them. One implementation
 * for each {@link SparseForm}. Immutable.
 */
interface SparsePostings {
  /**
   * Adds a document's weights to its Lucene document.
   *
   * @throws IllegalArgumentException if the postings cannot have them
   */
  void add(Document document, String field, SparseVector weights);

  /**
   * The documents with a token, scored by the product of its weight in the query and in the
   * document.
   *
   * @param weight the token's weight in the query, above 0
   */
  Query query(String field, int tokenId, float weight);

  /** Whether a term of the field can be one of this form's; no term can be of two forms. */
  boolean isTerm(BytesRef term);

  /** The term of a token id. */
  BytesRef term(int tokenId);

  /** The weight that a posting's frequency stands for. */
  float weight(int frequency);

  /** A weight as it is after it was written and read; 0 if it gets no posting. */
  float rounded(float weight);

  /**
   * The most by which a document's exact score can exceed its score by the postings.
   *
   * @param score the score by the postings
   */
  double error(SparseVector query, float score);
}
