package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
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
  private final long[] documents;
  private final List<Set<BytesRef>> losers = new ArrayList<>();
  private final List<String> firstIds = new ArrayList<>();
  private final List<String> firstPlaces = new ArrayList<>();
  private long count;

  private IdOverlap(int indexes, DuplicateIds policy) {
    this.policy = policy;
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
    PriorityQueue<Ids> byId = new PriorityQueue<>();
    for (int i = 0; i < readers.size(); i++) {
      for (LeafReaderContext leaf : readers.get(i).leaves()) {
        Ids ids = new Ids(i, leaf.reader());
        if (ids.next()) {
          byId.add(ids);
        }
      }
    }
    overlap.compare(byId, places);
    return overlap;
  }

  /**
   * The ids of a segment, in order. A reader of all indexes together would have them, too, but may
   * not have more documents than one index of Lucene's.
   */
  private static final class Ids implements Comparable<Ids> {
    private final int index;
    private final @Nullable Bits live;
    private final TermsEnum terms;
    private @Nullable PostingsEnum postings;
    private BytesRef id = new BytesRef();

    Ids(int index, LeafReader segment) throws IOException {
      this.index = index;
      this.live = segment.getLiveDocs();
      Terms ids = segment.terms(SchemaFields.ID);
      this.terms = ids == null ? TermsEnum.EMPTY : ids.iterator();
    }

    /** Goes to the next id; false if there is none. */
    boolean next() throws IOException {
      BytesRef next = terms.next();
      if (next == null) {
        return false;
      }
      id = next;
      return true;
    }

    /** Whether a document of this id is live. */
    boolean isLive() throws IOException {
      PostingsEnum documents = terms.postings(postings, PostingsEnum.NONE);
      postings = documents;
      int d = documents.nextDoc();
      while (d != DocIdSetIterator.NO_MORE_DOCS && live != null && !live.get(d)) {
        d = documents.nextDoc();
      }
      return d != DocIdSetIterator.NO_MORE_DOCS;
    }

    @Override
    public int compareTo(Ids other) {
      return id.compareTo(other.id);
    }
  }

  private void compare(PriorityQueue<Ids> byId, List<?> places) throws IOException {
    BitSet owners = new BitSet();
    while (!byId.isEmpty()) {
      BytesRef id = BytesRef.deepCopyOf(byId.element().id);
      owners.clear();
      while (!byId.isEmpty() && byId.element().id.equals(id)) {
        Ids ids = byId.remove();
        if (ids.isLive()) {
          owners.set(ids.index);
        }
        if (ids.next()) {
          byId.add(ids);
        }
      }
      owners.stream().forEach(i -> documents[i]++);
      if (owners.cardinality() > 1) {
        add(id, owners, places);
      }
    }
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
      owners.stream().filter(i -> i != winner).forEach(i -> losers.get(i).add(id));
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
