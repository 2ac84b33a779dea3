package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.LineReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the text files of a folder and its sub-folders, {@code *.txt} and {@code *.md}, UTF-8, in
 * the order of their paths. A document's id is the file's path within the folder, with {@code /}
 * between names; its title is empty. Links to folders are not followed.
 */
public final class FolderReader {
  private FolderReader() {}

  /**
   * Opens a folder. Its files are read one at a time.
   *
   * @param folder the folder
   * @return its documents
   * @throws SourceException if it is no folder, or has no such file
   */
  public static DocumentSource open(Path folder) {
    requireNonNull(folder, "folder");
    if (!Files.isDirectory(folder)) {
      throw new SourceException(
          Files.exists(folder)
              ? "Expected a folder, found the file " + folder
              : "There is no such folder: " + folder,
          false);
    }
    List<Entry> files = new ArrayList<>();
    try (Stream<Path> paths = Files.walk(folder)) {
      paths
          .filter(FolderReader::isText)
          .filter(Files::isRegularFile)
          .map(file -> entry(folder, file))
          .sorted(Comparator.comparing(Entry::id))
          .forEach(files::add);
    } catch (IOException | UncheckedIOException e) {
      throw new SourceException("Cannot list the folder " + folder + ": " + e, false, e);
    }
    if (files.isEmpty()) {
      throw new SourceException(
          "Expected text files (*.txt, *.md) in " + folder + ", found none", false);
    }
    return new TextFiles(folder, files);
  }

  private record Entry(String id, Path file, long size, long modified) {}

  private static Entry entry(Path folder, Path file) {
    try {
      return new Entry(
          id(folder, file), file, Files.size(file), Files.getLastModifiedTime(file).toMillis());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isText(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return name.endsWith(".txt") || name.endsWith(".md");
  }

  private static String id(Path folder, Path file) {
    StringBuilder id = new StringBuilder();
    for (Path name : folder.relativize(file)) {
      id.append(id.isEmpty() ? "" : "/").append(name);
    }
    return id.toString();
  }

  private static final class TextFiles extends LookAheadSource {
    private final Path folder;
    private final List<Entry> files;
    private int at;

    TextFiles(Path folder, List<Entry> files) {
      this.folder = folder;
      this.files = files;
    }

    @Override
    @Nullable SourceDocument read() {
      if (at == files.size()) {
        return null;
      }
      Entry entry = files.get(at++);
      try {
        byte[] bytes = Files.readAllBytes(entry.file());
        return new SourceDocument(
            entry.id(), "", LineReader.decode(ByteBuffer.wrap(bytes)), Map.of());
      } catch (CharacterCodingException e) {
        throw new SourceException(
            entry.file() + ": expected UTF-8, found bytes that are none", true, e);
      } catch (IOException | OutOfMemoryError e) {
        throw new SourceException("Cannot read " + entry.file() + ": " + e, true, e);
      }
    }

    @Override
    public String name() {
      return folder.toString();
    }

    @Override
    public String identity() {
      long state = files.size();
      for (Entry entry : files) {
        state = 31 * (31 * (31 * state + entry.id().hashCode()) + entry.size()) + entry.modified();
      }
      return folder.toAbsolutePath().normalize() + " state=" + Long.toHexString(state);
    }

    @Override
    public double fractionRead() {
      return (double) at / files.size();
    }

    @Override
    public void close() {}
  }
}
