package io.luciole.lucene;

import java.io.IOException;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.apache.lucene.index.MultiTerms;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryVisitor;
import org.apache.lucene.search.SynonymQuery;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.StringHelper;
import org.jspecify.annotations.Nullable;

/**
 * The documents that have a word with a beginning. All such words count as one: their frequencies
 * in a document add up, and it is as rare as the most frequent of them ({@link SynonymQuery}).
 */
final class PrefixWordQuery extends Query {
  /** The most words taken, those that most documents have. */
  private static final int MOST_WORDS = 256;

  /** The most words looked at, the first in the order of their bytes. */
  private static final int MOST_LOOKED_AT = 1 << 16;

  private final Term prefix;

  PrefixWordQuery(Term prefix) {
    this.prefix = prefix;
  }

  private record Word(BytesRef term, int documents) {}

  @Override
  public Query rewrite(IndexSearcher searcher) throws IOException {
    Terms terms = MultiTerms.getTerms(searcher.getIndexReader(), prefix.field());
    PriorityQueue<Word> words = terms == null ? new PriorityQueue<>() : words(terms.iterator());
    if (words.isEmpty()) {
      return new MatchNoDocsQuery("no word begins with " + prefix.text());
    }
    SynonymQuery.Builder any = new SynonymQuery.Builder(prefix.field());
    words.forEach(word -> any.addTerm(new Term(prefix.field(), word.term())));
    return any.build();
  }

  private PriorityQueue<Word> words(TermsEnum terms) throws IOException {
    PriorityQueue<Word> words = new PriorityQueue<>(Comparator.comparingInt(Word::documents));
    if (terms.seekCeil(prefix.bytes()) == TermsEnum.SeekStatus.END) {
      return words;
    }
    BytesRef term = terms.term();
    for (int i = 0; i < MOST_LOOKED_AT && term != null; i++, term = terms.next()) {
      if (!StringHelper.startsWith(term, prefix.bytes())) {
        break;
      }
      words.add(new Word(BytesRef.deepCopyOf(term), terms.docFreq()));
      if (words.size() > MOST_WORDS) {
        words.remove();
      }
    }
    return words;
  }

  @Override
  public void visit(QueryVisitor visitor) {
    visitor.visitLeaf(this);
  }

  @Override
  public String toString(String field) {
    return prefix + "*";
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return sameClassAs(o) && o instanceof PrefixWordQuery that && prefix.equals(that.prefix);
  }

  @Override
  public int hashCode() {
    return 31 * classHash() + prefix.hashCode();
  }
}
