package io.luciole.lucene;

import java.lang.reflect.Method;
import org.apache.lucene.index.IndexWriter;

/** Lowers the number of documents that Lucene lets an index have, in this process. */
final class DocumentLimit {
  private DocumentLimit() {}

  /** What is done under the limit. */
  @FunctionalInterface
  interface Action {
    void run() throws Exception;
  }

  static void with(int documents, Action action) throws Exception {
    set(documents);
    try {
      action.run();
    } finally {
      set(IndexWriter.MAX_DOCS);
    }
  }

  private static void set(int documents) throws ReflectiveOperationException {
    Method setMaxDocs = IndexWriter.class.getDeclaredMethod("setMaxDocs", int.class);
    setMaxDocs.setAccessible(true);
    Object unused = setMaxDocs.invoke(null, documents);
  }
}
