package io.luciole.lucene;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.Sort;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.Nullable;

/**
 * What every writer of an index must name alike. Lucene refuses other names, but takes none: it
 * then writes unsorted segments beside sorted ones, after which it refuses the sort for good.
 *
 * @param sort by which all segments are sorted, or null
 * @param softDeletes the field that marks what is deleted softly, or null if nothing ever was
 * @param parent the field that marks the ends of blocks, or null
 */
record IndexTraits(@Nullable Sort sort, @Nullable String softDeletes, @Nullable String parent) {
  /** The traits of an index as of its last commit. */
  static IndexTraits of(Directory directory) throws IOException {
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      return of(List.of(reader));
    }
  }

  /** The traits that an index has that is made of others' segments. */
  static IndexTraits of(List<DirectoryReader> indexes) {
    List<LeafReader> segments =
        indexes.stream()
            .flatMap(index -> index.leaves().stream())
            .map(LeafReaderContext::reader)
            .toList();
    List<FieldInfos> fields = segments.stream().map(LeafReader::getFieldInfos).toList();
    return new IndexTraits(
        sort(segments.stream().map(segment -> segment.getMetaData().sort()).toList()),
        first(fields.stream().map(FieldInfos::getSoftDeletesField).toList()),
        first(fields.stream().map(FieldInfos::getParentField).toList()));
  }

  private static @Nullable String first(List<@Nullable String> names) {
    return names.stream().filter(Objects::nonNull).findFirst().orElse(null);
  }

  /** The order that all segments have in common. */
  private static @Nullable Sort sort(List<@Nullable Sort> sorts) {
    for (Sort sort : sorts) {
      if (sort != null
          && sorts.stream().allMatch(other -> other != null && WriterFit.startsWith(other, sort))) {
        return sort;
      }
    }
    return null;
  }

  /** Adds to a configuration what it does not name, and returns it. */
  IndexWriterConfig complete(IndexWriterConfig config) {
    if (sort != null && config.getIndexSort() == null) {
      config.setIndexSort(sort);
    }
    if (softDeletes != null && config.getSoftDeletesField() == null) {
      config.setSoftDeletesField(softDeletes);
    }
    if (parent != null && config.getParentField() == null) {
      config.setParentField(parent);
    }
    return config;
  }
}
