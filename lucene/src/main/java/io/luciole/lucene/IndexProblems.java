package io.luciole.lucene;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.LockObtainFailedException;

/** Says in words why an index cannot be used: what was expected, what was found, what to do. */
final class IndexProblems {
  private static final int MAX_SHOWN = 100;

  private IndexProblems() {}

  /** Where an index is, for people: the folder of its directory, if that has one. */
  static Object place(Directory directory) {
    return FilterDirectory.unwrap(directory) instanceof FSDirectory files
        ? files.getDirectory()
        : directory;
  }

  static IndexException noIndex(Object place, String found) {
    return new IndexException(
        "Expected a Lucene index written by Luciole in " + place + ", found " + found + ".");
  }

  /** Explains that an index that was open is not there any more. */
  static IndexException gone(Object place, String found) {
    return new IndexException(
        "The index " + place + " is gone: found " + found + ". Bring it back.");
  }

  /** Explains that an index has another writer. */
  static IndexException inUse(Object place, LockObtainFailedException e) {
    return new IndexException(
        "Another process, or another indexer of this one, writes to the index " + place + ".", e);
  }

  /** Describes what is found where the folder of an index was expected. */
  static String insteadOfFolder(Path path) {
    return Files.exists(path) ? "a file" : "nothing";
  }

  /** Describes what is found where an index was expected. */
  static String whatIsThere(Directory directory) throws IOException {
    List<String> names = foreignFiles(directory);
    if (names.isEmpty()) {
      return directory.listAll().length > 0
          ? "an index that was never committed"
          : "an empty folder";
    }
    return names.size() > 3
        ? "other files (" + String.join(", ", names.subList(0, 3)) + ", …)"
        : "other files (" + String.join(", ", names) + ")";
  }

  /** The names of files that are not Lucene's and not hidden, in order. */
  static List<String> foreignFiles(Directory directory) throws IOException {
    return Stream.of(directory.listAll())
        .filter(name -> !name.startsWith(".") && !isLucenes(name))
        .sorted()
        .toList();
  }

  /** Whether a file has a name that Lucene gives to files of an index. */
  static boolean isLucenes(String file) {
    return file.equals("write.lock")
        || file.matches("(pending_)?segments(_[0-9a-z]+)?")
        || file.matches("_[0-9a-z]+([._].*)?");
  }

  /** The beginning of an id or the like, for messages: what is long is no help. */
  static String brief(String text) {
    return text.length() <= MAX_SHOWN
        ? text
        : text.substring(0, MAX_SHOWN) + "… (" + text.length() + " characters)";
  }

  /** Whether a failure tells that an index is damaged, or that this program cannot read it. */
  static boolean isSignOfDamage(IOException e) {
    return e instanceof CorruptIndexException
        || e instanceof IndexFormatTooNewException
        || e instanceof IndexFormatTooOldException;
  }

  /**
   * Explains a failure of Lucene to open or read an index.
   *
   * @param place where the index is, for people: its folder or directory
   */
  static IndexException unreadable(Object place, IOException e) {
    if (e instanceof IndexFormatTooNewException || e instanceof IndexFormatTooOldException) {
      return new IndexException(
          "The index "
              + place
              + " was written by a version of Lucene or of Luciole that this program cannot read: "
              + e
              + ". Use the version that wrote it, or index anew.",
          e);
    }
    boolean damaged =
        e instanceof CorruptIndexException
            || e instanceof EOFException
            || e instanceof NoSuchFileException
            || e instanceof FileNotFoundException;
    return new IndexException(
        damaged
            ? "The index " + place + " is damaged: " + e + ". Restore it, or index anew."
            : "Cannot read the index " + place + ": " + e,
        e);
  }
}
