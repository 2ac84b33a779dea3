package io.luciole.lucene;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.lucene.codecs.perfield.PerFieldDocValuesFormat;
import org.apache.lucene.codecs.perfield.PerFieldKnnVectorsFormat;
import org.apache.lucene.codecs.perfield.PerFieldPostingsFormat;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.SegmentInfo;
import org.apache.lucene.index.SegmentReader;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.Nullable;

/**
 * The size on disk of an index's parts. Fields to which {@link LuceneFormats} gives a format of
 * their own have files of their own; other fields share files and are named together.
 */
final class FieldSizes {
  private final Map<String, Long> bytes = new TreeMap<>();

  private FieldSizes() {}

  /** Bytes by part, the largest part first. */
  static Map<String, Long> of(DirectoryReader reader) throws IOException {
    FieldSizes sizes = new FieldSizes();
    for (LeafReaderContext leaf : reader.leaves()) {
      if (leaf.reader() instanceof SegmentReader segment) {
        sizes.add(segment);
      }
    }
    Map<String, Long> largestFirst = new LinkedHashMap<>();
    sizes.bytes.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .forEach(e -> largestFirst.put(e.getKey(), e.getValue()));
    return largestFirst;
  }

  private void add(SegmentReader segment) throws IOException {
    Map<String, String> parts = parts(segment);
    SegmentInfo info = segment.getSegmentInfo().info;
    if (info.getUseCompoundFile()) {
      try (Directory compound =
          info.getCodec().compoundFormat().getCompoundReader(info.dir, info)) {
        add(compound, Arrays.asList(compound.listAll()), parts);
      }
    } else {
      add(info.dir, segment.getSegmentInfo().files(), parts);
    }
  }

  private void add(Directory directory, Collection<String> files, Map<String, String> parts)
      throws IOException {
    for (String file : files) {
      bytes.merge(part(file, parts), directory.fileLength(file), Long::sum);
    }
  }

  private static String part(String file, Map<String, String> parts) {
    String rest = IndexFileNames.stripSegmentName(IndexFileNames.stripExtension(file));
    String fields = parts.get(rest.startsWith("_") ? rest.substring(1) : rest);
    String extension = String.valueOf(IndexFileNames.getExtension(file));
    return fields != null
        ? fields + LuceneFormats.partOfVectors(extension)
        : LuceneFormats.contents(extension);
  }

  /** The names of the fields that share files, by the part of the file names that they share. */
  private static Map<String, String> parts(SegmentReader segment) {
    Map<String, Set<String>> fields = new TreeMap<>();
    for (FieldInfo field : segment.getFieldInfos()) {
      put(
          fields,
          field,
          PerFieldPostingsFormat.PER_FIELD_FORMAT_KEY,
          PerFieldPostingsFormat.PER_FIELD_SUFFIX_KEY,
          "postings of ");
      put(
          fields,
          field,
          PerFieldDocValuesFormat.PER_FIELD_FORMAT_KEY,
          PerFieldDocValuesFormat.PER_FIELD_SUFFIX_KEY,
          "values of ");
      put(
          fields,
          field,
          PerFieldKnnVectorsFormat.PER_FIELD_FORMAT_KEY,
          PerFieldKnnVectorsFormat.PER_FIELD_SUFFIX_KEY,
          "vectors of ");
    }
    Map<String, String> parts = new TreeMap<>();
    fields.forEach((files, names) -> parts.put(files, String.join(", ", names)));
    return parts;
  }

  private static void put(
      Map<String, Set<String>> fields,
      FieldInfo field,
      String formatKey,
      String suffixKey,
      String kind) {
    @Nullable String format = field.getAttribute(formatKey);
    @Nullable String suffix = field.getAttribute(suffixKey);
    if (format != null && suffix != null) {
      fields
          .computeIfAbsent(format + "_" + suffix, files -> new TreeSet<>())
          .add(kind + field.getName());
    }
  }
}
