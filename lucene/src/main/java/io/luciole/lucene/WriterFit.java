package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.FilterDirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.LiveIndexWriterConfig;
import org.apache.lucene.index.MultiReader;
import org.apache.lucene.index.StandardDirectoryReader;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.jspecify.annotations.Nullable;

/**
 * Refuses indexes whose segments Lucene's writer would not take, before anything is changed: Lucene
 * finds out while it adds, when documents that lose are deleted already. Beyond Lucene's own rules,
 * segments with and without a parent field do not go together, because no reader opens them as one
 * index. Not safe for use by several threads.
 */
final class WriterFit {
  private final Object place;
  private final LiveIndexWriterConfig config;
  private final DirectoryReader own;
  private final Map<String, FieldInfo> fields = new HashMap<>();

  /**
   * Creates a check.
   *
   * @param place where the index is that is added to, for people
   * @param config its writer's
   * @param own a reader of all that its writer has
   */
  WriterFit(Object place, LiveIndexWriterConfig config, DirectoryReader own) {
    this.place = place;
    this.config = config;
    this.own = own;
    for (LeafReaderContext leaf : own.leaves()) {
      for (FieldInfo field : leaf.reader().getFieldInfos()) {
        fields.putIfAbsent(field.getName(), field);
      }
    }
  }

  /**
   * Checks indexes that are added together.
   *
   * @throws IndexException if one does not fit the writer, or they have too many documents
   */
  void require(List<AddedIndex> indexes) throws IOException {
    for (AddedIndex index : indexes) {
      requireNoDifference(index, versions(own, index.reader()));
      for (LeafReaderContext leaf : index.reader().leaves()) {
        requireNoDifference(index, difference(leaf.reader()));
      }
    }
    requireRoom(indexes);
  }

  private void requireNoDifference(AddedIndex index, @Nullable String difference) {
    if (difference != null) {
      throw new IndexException(
          "The index "
              + index.place()
              + " cannot be added to "
              + place
              + ": "
              + difference
              + ". Write one of them anew with the other's fields and WriteOptions.writerConfig.");
    }
  }

  /** How the major versions of Lucene differ that the indexes were made by. */
  private static @Nullable String versions(DirectoryReader own, DirectoryReader other) {
    int expected = madeBy(own);
    int found = madeBy(other);
    return expected == found
        ? null
        : "expected an index that was made by Lucene "
            + expected
            + ", found one made by Lucene "
            + found;
  }

  private static int madeBy(DirectoryReader index) {
    if (FilterDirectoryReader.unwrap(index) instanceof StandardDirectoryReader reader) {
      return reader.getSegmentInfos().getIndexCreatedVersionMajor();
    }
    throw new IllegalStateException("expected a reader of an index, got " + index);
  }

  private @Nullable String difference(LeafReader segment) {
    Sort sort = config.getIndexSort();
    Sort otherSort = segment.getMetaData().sort();
    if (sort != null && (otherSort == null || !startsWith(otherSort, sort))) {
      return "expected segments in the order " + sort + ", found " + name(otherSort);
    }
    FieldInfos infos = segment.getFieldInfos();
    String softDeletes = infos.getSoftDeletesField();
    // A segment names the field from its first document on that is deleted softly.
    if (softDeletes != null && !softDeletes.equals(config.getSoftDeletesField())) {
      return difference("soft-deletes", config.getSoftDeletesField(), softDeletes);
    }
    if (!Objects.equals(infos.getParentField(), config.getParentField())) {
      return difference("parent", config.getParentField(), infos.getParentField());
    }
    for (FieldInfo field : infos) {
      boolean marksDeleted = field.getName().equals(config.getSoftDeletesField());
      if ((marksDeleted && !field.isSoftDeletesField()) || differs(field)) {
        return "the field \"" + field.getName() + "\" is indexed or stored in another way there";
      }
    }
    return null;
  }

  private static String difference(String kind, @Nullable String expected, @Nullable String found) {
    return "expected the " + kind + " field " + name(expected) + ", found " + name(found);
  }

  private static String name(@Nullable Object value) {
    return value == null ? "none" : value.toString();
  }

  /** Whether what is sorted by the first is sorted by the second, too. */
  static boolean startsWith(Sort sort, Sort first) {
    SortField[] all = sort.getSort();
    SortField[] wanted = first.getSort();
    return all.length >= wanted.length && Arrays.equals(Arrays.copyOf(all, wanted.length), wanted);
  }

  /** Whether a field has another structure than the first one of its name. */
  private boolean differs(FieldInfo field) {
    FieldInfo known = fields.putIfAbsent(field.getName(), field);
    return known != null && !structure(known).equals(structure(field));
  }

  /** What Lucene wants to be alike in all segments. */
  private static List<Object> structure(FieldInfo field) {
    boolean indexed = field.getIndexOptions() != IndexOptions.NONE;
    return List.of(
        field.getIndexOptions(),
        indexed && field.omitsNorms(),
        indexed && field.hasTermVectors(),
        field.getDocValuesType(),
        field.docValuesSkipIndexType(),
        field.getPointDimensionCount(),
        field.getPointIndexDimensionCount(),
        field.getPointNumBytes(),
        field.getVectorDimension(),
        field.getVectorEncoding(),
        field.getVectorSimilarityFunction());
  }

  /** Has Lucene compare the number of all documents with its limit. */
  private void requireRoom(List<AddedIndex> indexes) throws IOException {
    IndexReader[] all = new IndexReader[indexes.size() + 1];
    all[0] = own;
    for (int i = 0; i < indexes.size(); i++) {
      all[i + 1] = indexes.get(i).reader();
    }
    try (MultiReader together = new MultiReader(all, false)) {
      requireNonNull(together);
    } catch (IllegalArgumentException e) {
      throw new IndexException(
          "The indexes "
              + indexes.stream().map(AddedIndex::place).toList()
              + " cannot be added to "
              + place
              + ": one index of Lucene's cannot hold the documents of all. Add fewer, or merge them"
              + " into several indexes (IndexMerge).",
          e);
    }
  }
}
