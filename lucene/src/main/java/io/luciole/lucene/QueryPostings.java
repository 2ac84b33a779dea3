package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;

/**
 * The postings of a query's tokens in a segment, to read single documents' weights from them.
 * Documents must come in ascending order. For one thread.
 */
final class QueryPostings {
  private final SparseVector query;
  private final List<Token> tokens;

  private record Token(int id, float weight, PostingsEnum postings, SparsePostings form) {
    /** The weight of the document that the postings are at. */
    float documentWeight() throws IOException {
      return form.weight(postings.freq());
    }
  }

  private QueryPostings(SparseVector query, List<Token> tokens) {
    this.query = query;
    this.tokens = tokens;
  }

  /** Finds a query's tokens in a segment; none where the fields have no sparse weights. */
  static QueryPostings open(LeafReader reader, VectorFields fields, SparseVector query)
      throws IOException {
    List<Token> tokens = new ArrayList<>(query.size());
    HybridSchema.Sparse sparse = fields.sparse().orElse(null);
    SparsePostings form = sparse == null ? null : sparse.postings();
    Terms terms = form == null ? null : reader.terms(fields.sparseField());
    if (sparse != null) {
      FieldForm.checkScale(reader.getFieldInfos().fieldInfo(fields.sparseField()), sparse);
    }
    if (form != null && terms != null) {
      TermsEnum at = terms.iterator();
      for (int i = 0; i < query.size(); i++) {
        if (at.seekExact(form.term(query.id(i)))) {
          PostingsEnum postings = at.postings(null, PostingsEnum.FREQS);
          tokens.add(new Token(query.id(i), query.weight(i), postings, form));
        }
      }
    }
    return new QueryPostings(query, tokens);
  }

  SparseVector query() {
    return query;
  }

  private static boolean has(PostingsEnum postings, int doc) throws IOException {
    int at = postings.docID();
    return (at < doc ? postings.advance(doc) : at) == doc;
  }

  /** The sum of the products of shared tokens' weights. */
  float dot(int doc) throws IOException {
    double sum = 0;
    for (Token token : tokens) {
      if (has(token.postings, doc)) {
        sum += (double) token.weight * token.documentWeight();
      }
    }
    return (float) sum;
  }

  /** The tokens that a document shares with the query. */
  List<DocumentVectors.Shared> shared(int doc) throws IOException {
    List<DocumentVectors.Shared> shared = new ArrayList<>();
    for (Token token : tokens) {
      if (has(token.postings, doc)) {
        shared.add(new DocumentVectors.Shared(token.id, token.weight, token.documentWeight()));
      }
    }
    return shared;
  }
}
