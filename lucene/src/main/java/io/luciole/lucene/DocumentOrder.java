package io.luciole.lucene;

import java.io.IOException;
import java.util.Set;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.MergePolicy;
import org.apache.lucene.index.SegmentReader;
import org.apache.lucene.misc.index.BPIndexReorderer;
import org.apache.lucene.misc.index.BPReorderingMergePolicy;
import org.apache.lucene.util.Version;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Numbers documents anew at a forced merge, so that those with tokens in common stand together: by
 * recursive graph bisection (Dhulipala et al. 2016), which Lucene implements.
 *
 * <p>Lucene keeps blocks together only in an index with a parent field, and a field cannot be added
 * to an index that is there. So an index with passages gets {@link SchemaFields#PARENT} when it is
 * made, and every later writer has to name that field too.
 */
final class DocumentOrder {
  /**
   * Rarer terms do not decide where a document stands: for each of these many documents a term must
   * be in one more, up to Lucene's own bound.
   */
  private static final int DOCUMENTS_PER_FREQUENCY = 4096;

  private static final int LEAST_FREQUENCY = 16;
  private static final String REORDERED = "bp.reordered";
  private static final String BISECTION = "org.apache.lucene.misc.index.BPIndexReorderer";
  private static final Logger LOG = LoggerFactory.getLogger(DocumentOrder.class);

  private DocumentOrder() {}

  /**
   * Names the parent field that an index needs.
   *
   * @param existing the index that is there, or null
   * @param reorder whether its documents are to be numbered anew
   * @throws IndexMismatchException if they are, but the index that is there keeps passages without
   *     a parent field
   * @throws IndexException if they are, but {@code lucene-misc} is not there
   */
  static void prepare(
      IndexWriterConfig config,
      HybridSchema schema,
      Object place,
      @Nullable IndexTraits existing,
      boolean reorder) {
    if (reorder) {
      requireBisection();
    }
    boolean needed = reorder && schema.chunks().isPresent();
    if (existing == null) {
      if (needed && config.getParentField() == null) {
        config.setParentField(SchemaFields.PARENT);
      }
      return;
    }
    if (needed && existing.parent() == null) {
      throw new IndexMismatchException(
          "The index "
              + place
              + " keeps passages without a parent field, which reordering needs and only a new"
              + " index gets. Write it without reordering, or index anew.");
    }
  }

  /** The merges of another policy, of which those that are forced reorder. */
  static MergePolicy reordering(MergePolicy merges, HybridSchema schema, int documents) {
    requireBisection();
    return Bisection.reordering(merges, schema, documents);
  }

  /**
   * Looks for {@code lucene-misc}, which a class path may lack that never had to reorder.
   *
   * @throws IndexException if it is not there
   */
  static void requireBisection() {
    try {
      Class.forName(BISECTION, false, DocumentOrder.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      throw new IndexException(
          "Reordering documents needs org.apache.lucene:lucene-misc "
              + Version.LATEST
              + ", which was not found on the class path. Add it, or write without reordering.",
          e);
    }
  }

  /** Apart from {@link DocumentOrder}, because an application may lack what it names. */
  private static final class Bisection {
    static MergePolicy reordering(MergePolicy merges, HybridSchema schema, int documents) {
      BPIndexReorderer reorderer = new BPIndexReorderer();
      reorderer.setFields(
          Set.of(schema.sparse().isPresent() ? SchemaFields.SPARSE : SchemaFields.WORDS));
      reorderer.setMinDocFreq(
          Math.clamp(
              documents / DOCUMENTS_PER_FREQUENCY,
              LEAST_FREQUENCY,
              BPIndexReorderer.DEFAULT_MIN_DOC_FREQ));
      reorderer.setRAMBudgetMB(Runtime.getRuntime().maxMemory() / 4.0 / (1 << 20));
      BPReorderingMergePolicy policy = new BPReorderingMergePolicy(merges, reorderer);
      policy.setMinNaturalMergeNumDocs(Integer.MAX_VALUE);
      return policy;
    }
  }

  /** Warns if Lucene has left a segment in its order, which it does silently for lack of memory. */
  static void warnIfNotReordered(IndexWriter writer) throws IOException {
    try (DirectoryReader reader = DirectoryReader.open(writer)) {
      for (LeafReaderContext leaf : reader.leaves()) {
        if (leaf.reader() instanceof SegmentReader segment
            && "false".equals(segment.getSegmentInfo().info.getDiagnostics().get(REORDERED))) {
          LOG.warn(
              "Could not reorder {} documents in a quarter of the heap, {} MiB: they stay in the"
                  + " order in which they came. Give the JVM a larger heap (-Xmx).",
              leaf.reader().maxDoc(),
              Runtime.getRuntime().maxMemory() >> 22);
        }
      }
    }
  }
}
