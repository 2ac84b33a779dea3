package io.luciole.lucene;

import io.luciole.model.ModelFingerprint;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.Directory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a commit tells about its index, in Lucene's user data.
 *
 * <pre>
 * luciole.version    the layout's version, 1 to {@value #VERSION}
 * luciole.schema     the schema, JSON
 * luciole.model      the model's fingerprint, {@link ModelFingerprint#format}
 * luciole.position   how far the source was read; see {@link SourcePosition}
 * </pre>
 */
record CommitData(HybridSchema schema, ModelFingerprint fingerprint, String position) {
  /** The layout this program writes, and the newest it reads. */
  static final int VERSION = MetadataLayout2.VERSION;

  private static final Set<String> VERSIONS = Set.of("1", "2");
  private static final String VERSION_KEY = "luciole.version";
  private static final String SCHEMA_KEY = "luciole.schema";
  private static final String MODEL_KEY = "luciole.model";
  private static final String POSITION_KEY = "luciole.position";

  private static final Logger log = LoggerFactory.getLogger(CommitData.class);

  /** Pairs of index and engine that a warning was given of: once is enough. */
  private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

  Map<String, String> toUserData() {
    Map<String, String> data = new LinkedHashMap<>();
    data.put(VERSION_KEY, Integer.toString(schema.metadataLayout().version()));
    data.put(SCHEMA_KEY, schema.toString());
    data.put(MODEL_KEY, fingerprint.format());
    if (!position.isEmpty()) {
      data.put(POSITION_KEY, position);
    }
    return data;
  }

  /**
   * Reads the newest commit's data.
   *
   * @throws IndexException if there is no index, or none that Luciole wrote, or a newer one, or a
   *     damaged one
   */
  static CommitData read(Path path, Directory directory) {
    try {
      if (!DirectoryReader.indexExists(directory)) {
        throw noIndex(path, whatIsThere(path));
      }
      return parse(path, SegmentInfos.readLatestCommit(directory).getUserData());
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /** Reads a commit's data. */
  static CommitData parse(Path path, Map<String, String> data) {
    String version = data.get(VERSION_KEY);
    if (version == null) {
      throw noIndex(path, "a Lucene index that something else wrote");
    }
    if (!VERSIONS.contains(version)) {
      throw new IndexException(
          "The index "
              + path
              + " has layout version "
              + version
              + "; this program reads versions 1 to "
              + VERSION
              + ". Use a newer Luciole, or index anew.");
    }
    String schema = data.get(SCHEMA_KEY);
    String model = data.get(MODEL_KEY);
    if (schema == null || model == null) {
      throw new IndexException(
          "The index " + path + " is damaged: its commit names no schema or no model. Index anew.");
    }
    try {
      return new CommitData(
          SchemaJson.read(schema),
          ModelFingerprint.parse(model),
          data.getOrDefault(POSITION_KEY, ""));
    } catch (IllegalArgumentException e) {
      throw new IndexException(
          "The index " + path + " is damaged: " + e.getMessage() + ". Index anew.", e);
    }
  }

  /** Refuses an engine that runs another model. */
  void requireModel(Path path, ModelFingerprint engine) {
    if (!fingerprint.matches(engine)) {
      throw new IndexException(
          "The index "
              + path
              + " holds vectors of the model "
              + fingerprint.brief()
              + ", the engine runs "
              + engine.brief()
              + ". Use the index's model, or index anew.");
    }
    if (!fingerprint.isAsPreciseAs(engine) && WARNED.add(path + engine.format())) {
      log.warn(
          "The index {} holds vectors of the model {}, computed in {}, and the engine computes in"
              + " {}: the same texts give somewhat other vectors, and searches find somewhat other"
              + " documents. Set luciole.precision to what the index was made with, or index anew.",
          path,
          fingerprint.brief(),
          fingerprint.precision(),
          engine.precision());
    }
  }

  static IndexException noIndex(Path path, String found) {
    return new IndexException(
        "Expected a Lucene index written by Luciole in " + path + ", found " + found + ".");
  }

  /** Describes what is found where an index was expected. */
  static String whatIsThere(Path path) throws IOException {
    if (!Files.exists(path)) {
      return "nothing";
    }
    if (!Files.isDirectory(path)) {
      return "a file";
    }
    List<String> names = foreignFiles(path);
    try (Stream<Path> all = Files.list(path)) {
      boolean any = all.findAny().isPresent();
      if (names.isEmpty()) {
        return any ? "an index that was never committed" : "an empty folder";
      }
    }
    return names.size() > 3
        ? "other files (" + String.join(", ", names.subList(0, 3)) + ", …)"
        : "other files (" + String.join(", ", names) + ")";
  }

  /** The names of files in a folder that are not Lucene's. */
  static List<String> foreignFiles(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(file -> String.valueOf(file.getFileName()))
          .filter(name ->
              !name.startsWith(".")
                  && !name.equals("write.lock")
                  && !name.matches("(pending_)?segments(_[0-9a-z]+)?")
                  && !name.matches("_[0-9a-z]+([._].*)?"))
          .sorted()
          .toList();
    }
  }

  /** Explains a failure of Lucene to open or read an index. */
  static IndexException unreadable(Path path, IOException e) {
    if (e instanceof IndexFormatTooNewException || e instanceof IndexFormatTooOldException) {
      return new IndexException(
          "The index " + path + " was written by a Lucene this program cannot read: " + e, e);
    }
    boolean damaged =
        e instanceof CorruptIndexException
            || e instanceof EOFException
            || e instanceof NoSuchFileException
            || e instanceof FileNotFoundException;
    return new IndexException(
        damaged
            ? "The index " + path + " is damaged: " + e + ". Restore it, or index anew."
            : "Cannot read the index " + path + ": " + e,
        e);
  }
}
