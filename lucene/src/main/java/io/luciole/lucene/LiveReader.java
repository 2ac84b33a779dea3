package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.SoftDeletesDirectoryReaderWrapper;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/** Opens the last commit of an index. Documents that are deleted softly count as deleted. */
final class LiveReader {
  private LiveReader() {}

  static DirectoryReader open(Directory directory) throws IOException {
    DirectoryReader reader = DirectoryReader.open(directory);
    try {
      String field = softDeletes(reader);
      return field == null ? reader : new SoftDeletesDirectoryReaderWrapper(reader, field);
    } catch (Throwable t) {
      IOUtils.closeWhileHandlingException(reader);
      throw t;
    }
  }

  /**
   * Whether a reader of a later commit, opened from one of {@link #open}, shows documents that are
   * deleted softly: the earlier commit had none and could not name their field.
   */
  static boolean showsDeleted(IndexReader reader) {
    return !(reader instanceof SoftDeletesDirectoryReaderWrapper) && softDeletes(reader) != null;
  }

  private static @Nullable String softDeletes(IndexReader reader) {
    return FieldInfos.getMergedFieldInfos(reader).getSoftDeletesField();
  }
}
