package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.MultiBits;
import org.apache.lucene.index.MultiReader;
import org.apache.lucene.index.MultiTerms;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * The ids that several indexes share, found in one pass over their sorted ids. Not safe for use by
 * several threads.
 */
final class IdOverlap {
  private final DuplicateIds policy;
  private final int[] starts;
  private final long[] documents;
  private final List<Set<BytesRef>> losers = new ArrayList<>();
  private final List<String> firstIds = new ArrayList<>();
  private final List<String> firstPlaces = new ArrayList<>();
  private long count;

  private IdOverlap(int indexes, DuplicateIds policy) {
    this.policy = policy;
    this.starts = new int[indexes + 1];
    this.documents = new long[indexes];
    for (int i = 0; i < indexes; i++) {
      losers.add(new HashSet<>());
    }
  }

  /**
   * Compares indexes.
   *
   * @param readers their readers, which stay the caller's to close
   * @param places where they are, for people
   * @param policy whose document of an id stays; with {@link DuplicateIds#REFUSE} none loses
   */
  static IdOverlap find(List<DirectoryReader> readers, List<?> places, DuplicateIds policy)
      throws IOException {
    IdOverlap overlap = new IdOverlap(readers.size(), policy);
    for (int i = 0; i < readers.size(); i++) {
      overlap.starts[i + 1] = overlap.starts[i] + readers.get(i).maxDoc();
    }
    try (MultiReader all = new MultiReader(readers.toArray(IndexReader[]::new), false)) {
      overlap.compare(all, places);
    }
    return overlap;
  }

  private void compare(MultiReader all, List<?> places) throws IOException {
    Terms terms = MultiTerms.getTerms(all, SchemaFields.ID);
    if (terms == null) {
      return;
    }
    Bits live = MultiBits.getLiveDocs(all);
    TermsEnum ids = terms.iterator();
    PostingsEnum postings = null;
    for (BytesRef id = ids.next(); id != null; id = ids.next()) {
      postings = ids.postings(postings, PostingsEnum.NONE);
      BitSet owners = owners(postings, live);
      owners.stream().forEach(i -> documents[i]++);
      if (owners.cardinality() > 1) {
        add(id, owners, places);
      }
    }
  }

  /** The indexes that have a document of an id. */
  private BitSet owners(PostingsEnum postings, @Nullable Bits live) throws IOException {
    BitSet owners = new BitSet();
    for (int d = postings.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = postings.nextDoc()) {
      if (live == null || live.get(d)) {
        owners.set(ReaderUtil.subIndex(d, starts));
      }
    }
    return owners;
  }

  private void add(BytesRef id, BitSet owners, List<?> places) {
    count++;
    if (firstIds.size() < AddedIndexes.MAX_IDS) {
      firstIds.add(id.utf8ToString());
      firstPlaces.add(
          String.join(" and ", owners.stream().mapToObj(i -> places.get(i).toString()).toList()));
    }
    if (policy != DuplicateIds.REFUSE) {
      int winner = policy == DuplicateIds.FIRST_WINS ? owners.nextSetBit(0) : owners.length() - 1;
      owners.stream()
          .filter(i -> i != winner)
          .forEach(i -> losers.get(i).add(BytesRef.deepCopyOf(id)));
    }
  }

  /** How many ids more than one of the indexes has. */
  long count() {
    return count;
  }

  /**
   * Refuses duplicates, if that is the policy.
   *
   * @throws IndexException if there are any; the message names some, and where they are
   */
  void requireNoneRefused() {
    if (count > 0 && policy == DuplicateIds.REFUSE) {
      throw new IndexException(
          "Expected no id in more than one index, found "
              + count
              + ": "
              + describe()
              + ". Say whose document stays (DuplicateIds.LATEST_WINS or FIRST_WINS; of the command"
              + " --duplicates latest-wins or first-wins), or delete the others first.");
    }
  }

  /** The first of these ids. */
  List<String> firstIds() {
    return firstIds;
  }

  /** The ids of an index whose documents do not stay. */
  Set<BytesRef> losers(int index) {
    return losers.get(index);
  }

  /** How many documents an index has. */
  long documents(int index) {
    return documents[index];
  }

  /** The documents that stay of all indexes but the first. */
  long added() {
    long added = 0;
    for (int i = 1; i < documents.length; i++) {
      added += documents[i] - losers.get(i).size();
    }
    return added;
  }

  private String describe() {
    List<String> shown = new ArrayList<>();
    for (int i = 0; i < Math.min(10, firstIds.size()); i++) {
      shown.add('"' + IndexProblems.brief(firstIds.get(i)) + "\" (" + firstPlaces.get(i) + ')');
    }
    return String.join(", ", shown) + (count > shown.size() ? ", …" : "");
  }
}
