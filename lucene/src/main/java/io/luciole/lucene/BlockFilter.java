package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.FixedBitSet;
import org.jspecify.annotations.Nullable;

/** The documents with weights that a search may find, by superblock and block. */
final class BlockFilter {
  private final FixedBitSet documents;
  private final long[] words;

  private BlockFilter(FixedBitSet documents) {
    this.documents = documents;
    this.words = documents.getBits();
  }

  /**
   * Reads the documents that match.
   *
   * @param parents the documents that follow their passages, which have the weights in place of
   *     them and are let through with them; null where each document has weights itself
   */
  static BlockFilter of(DocIdSetIterator matches, int maxDocuments, @Nullable BitSet parents)
      throws IOException {
    // So many that superblocks are whole.
    FixedBitSet documents = new FixedBitSet(maxDocuments + BlockLayout.SUPER);
    matches.nextDoc();
    if (parents == null) {
      matches.intoBitSet(DocIdSetIterator.NO_MORE_DOCS, documents, 0);
      return new BlockFilter(documents);
    }
    for (int d = matches.docID(); d < maxDocuments; d = matches.nextDoc()) {
      if (parents.get(d)) {
        documents.set(d == 0 ? 0 : parents.prevSetBit(d - 1) + 1, d + 1);
      }
    }
    return new BlockFilter(documents);
  }

  boolean accepts(int document) {
    return documents.get(document);
  }

  /** How many documents there are. */
  int count() {
    return documents.cardinality();
  }

  /** A bit for each block of a superblock that has one of the documents. */
  int blocks(int superblock) {
    int from = superblock << (BlockLayout.SUPER_BITS - 6);
    int blocks = 0;
    for (int w = 0; w < BlockLayout.SUPER >>> 6; w++) {
      long word = words[from + w];
      blocks |= ((int) word == 0 ? 0 : 1) << (2 * w);
      blocks |= ((word >>> 32) == 0 ? 0 : 2) << (2 * w);
    }
    return blocks;
  }

  /** A bit for each document of a block, of which the first one is given. */
  int documents(int first) {
    return (int) (words[first >>> 6] >>> (first & 32));
  }

  /**
   * Lists the documents in some blocks of a superblock.
   *
   * @param blocks a bit for each block
   * @param into their numbers within the superblock, ascending
   * @return how many there are
   */
  int documents(int superblock, int blocks, int[] into) {
    int first = superblock << BlockLayout.SUPER_BITS;
    int count = 0;
    for (int left = blocks; left != 0; left &= left - 1) {
      int base = Integer.numberOfTrailingZeros(left) << BlockLayout.BLOCK_BITS;
      for (int in = documents(first + base); in != 0; in &= in - 1) {
        into[count++] = base + Integer.numberOfTrailingZeros(in);
      }
    }
    return count;
  }
}
