package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.IOUtils;

/**
 * Adds indexes to the one that is written. Segments whose documents all stay are copied as they
 * are; others are merged without the documents that do not.
 */
final class IndexAddition {
  private final IndexFolder folder;
  private final IndexWriter writer;
  private final DocumentWriter documents;
  private final CommitMark mark;

  /**
   * Creates an addition.
   *
   * @param folder the index that is added to
   * @param documents writes its documents
   */
  IndexAddition(IndexFolder folder, HybridSchema schema, DocumentWriter documents) {
    this.folder = folder;
    this.writer = folder.writer();
    this.documents = documents;
    this.mark = new CommitMark(schema, folder.stamp().get(), "");
  }

  /**
   * Adds indexes, while nothing else is written.
   *
   * @param places where they are, for people
   * @param directories theirs, which stay the caller's to close
   * @param fatal is told if the writer's changes are of no use
   * @throws IndexException if one cannot be added
   */
  AddedIndexes add(
      List<?> places,
      List<Directory> directories,
      DuplicateIds policy,
      UnaryOperator<IndexException> fatal)
      throws IOException {
    List<AddedIndex> indexes = new ArrayList<>();
    try {
      for (int i = 0; i < directories.size(); i++) {
        indexes.add(AddedIndex.open(places.get(i), directories.get(i), folder.place(), mark));
      }
      IdOverlap overlap = compare(indexes, policy);
      for (AddedIndex index : indexes) {
        index.requireWhole();
      }
      try {
        return add(indexes, overlap);
      } catch (IllegalArgumentException e) {
        throw fatal.apply(
            new IndexException(
                "The indexes "
                    + places
                    + " cannot be added to "
                    + folder.place()
                    + ": "
                    + e.getMessage()
                    + ". Fields, index sort, soft deletes and parent fields must be alike.",
                e));
      }
    } finally {
      IOUtils.close(indexes);
    }
  }

  /**
   * Compares fields and ids.
   *
   * @throws IndexException if an index does not fit the writer, or if there are duplicates and the
   *     policy is to refuse them
   */
  private IdOverlap compare(List<AddedIndex> indexes, DuplicateIds policy) throws IOException {
    try (DirectoryReader own = DirectoryReader.open(writer)) {
      new WriterFit(folder.place(), writer.getConfig(), own).require(indexes);
      List<DirectoryReader> readers = new ArrayList<>(List.of(own));
      List<Object> places = new ArrayList<>(List.of(folder.place()));
      for (AddedIndex index : indexes) {
        readers.add(index.reader());
        places.add(index.place());
      }
      IdOverlap overlap = IdOverlap.find(readers, places, policy);
      overlap.requireNoneRefused();
      return overlap;
    }
  }

  private AddedIndexes add(List<AddedIndex> indexes, IdOverlap overlap) throws IOException {
    documents.delete(overlap.losers(0));
    List<Directory> whole = new ArrayList<>();
    List<CodecReader> masked = new ArrayList<>();
    for (int i = 0; i < indexes.size(); i++) {
      Set<BytesRef> losers = overlap.losers(i + 1);
      if (losers.isEmpty()) {
        whole.add(indexes.get(i).unlocked());
      } else {
        masked.addAll(masked(indexes.get(i).reader(), losers));
      }
    }
    if (!whole.isEmpty()) {
      long unused = writer.addIndexes(whole.toArray(Directory[]::new));
    }
    if (!masked.isEmpty()) {
      long unused = writer.addIndexes(masked.toArray(CodecReader[]::new));
    }
    documents.added(indexes, overlap.added());
    return new AddedIndexes(overlap.added(), overlap.count(), overlap.firstIds());
  }

  private static List<CodecReader> masked(DirectoryReader reader, Set<BytesRef> losers)
      throws IOException {
    List<CodecReader> segments = new ArrayList<>();
    for (LeafReaderContext leaf : reader.leaves()) {
      if (!(leaf.reader() instanceof CodecReader segment)) {
        throw new IllegalStateException("expected a segment, got " + leaf.reader());
      }
      segments.add(new MaskedReader(segment, losers));
    }
    return segments;
  }
}
