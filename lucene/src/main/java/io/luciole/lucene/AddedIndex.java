package io.luciole.lucene;

import io.luciole.model.ModelFingerprint;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.Lock;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.store.NoLockFactory;
import org.apache.lucene.util.IOUtils;

/**
 * An index that is added to another. Its write lock is held, so that the commit that is checked is
 * the one that is added.
 *
 * @param place where it is, for people
 * @param reader a reader of its last commit
 * @param fingerprint the model of its vectors
 */
record AddedIndex(
    Object place,
    Directory directory,
    Lock lock,
    DirectoryReader reader,
    ModelFingerprint fingerprint)
    implements Closeable {

  /**
   * Opens an index and checks that it can be added.
   *
   * @param place where it is, for people
   * @param directory stays the caller's to close
   * @param to what it is added to, for people
   * @param mark the mark of what it is added to
   * @throws IndexException if it is no index of Luciole's, or of another model or schema, or is
   *     being written
   */
  static AddedIndex open(Object place, Directory directory, Object to, CommitMark mark) {
    Lock lock = null;
    boolean opened = false;
    try {
      CommitMark.read(place, directory).requireAlike(place, to, mark);
      lock = directory.obtainLock(IndexWriter.WRITE_LOCK_NAME);
      // Again under the lock: until now another commit may have come.
      CommitMark own = CommitMark.read(place, directory);
      own.requireAlike(place, to, mark);
      DirectoryReader reader = LiveReader.open(directory);
      opened = true;
      return new AddedIndex(place, directory, lock, reader, own.fingerprint());
    } catch (LockObtainFailedException e) {
      throw new IndexException(
          "The index "
              + place
              + " is being written, or is named twice: close its writer before it is added, and name"
              + " it once.",
          e);
    } catch (AccessDeniedException e) {
      throw new IndexException(
          "Cannot lock the index "
              + place
              + " while it is added: no permission to write "
              + e.getFile()
              + ". Add a copy of it.",
          e);
    } catch (IOException e) {
      throw IndexProblems.unreadable(place, e);
    } finally {
      if (!opened) {
        IOUtils.closeWhileHandlingException(lock);
      }
    }
  }

  /**
   * Compares the files with their checksums. Lucene does so where it merges, but copies whole
   * segments unread.
   *
   * @throws IndexException if the index is damaged
   */
  void requireWhole() {
    try {
      for (LeafReaderContext leaf : reader.leaves()) {
        leaf.reader().checkIntegrity();
      }
    } catch (IOException e) {
      throw IndexProblems.unreadable(place, e);
    }
  }

  /** The directory for {@code IndexWriter.addIndexes}, which would take the lock, too. */
  Directory unlocked() {
    return new FilterDirectory(directory) {
      @Override
      public Lock obtainLock(String name) throws IOException {
        return NoLockFactory.INSTANCE.obtainLock(in, name);
      }
    };
  }

  @Override
  public void close() throws IOException {
    IOUtils.close(reader, lock);
  }
}
