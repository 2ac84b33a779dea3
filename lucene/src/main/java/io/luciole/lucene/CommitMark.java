package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.Directory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a commit tells about its index, in Lucene's user data: an index whose commits bear the mark
 * needs no configuration to be opened, and is never searched with another model's vectors. {@link
 * HybridIndexer} writes it. An application with a writer of its own writes it before each commit:
 *
 * <pre>{@code
 * writer.setLiveCommitData(CommitMark.userData(schema, engine.fingerprint()).entrySet());
 * writer.commit();
 * }</pre>
 *
 * <p>The entries:
 *
 * <pre>
 * luciole.version    the layout's version, 1 to {@value #VERSION}
 * luciole.schema     the schema, JSON
 * luciole.model      the model's fingerprint, {@link ModelFingerprint#format}
 * luciole.position   how far {@link HybridIndexer#indexAll} has read its source; absent of others
 * </pre>
 *
 * <p>{@code IndexWriter.addIndexes} drops the user data of the indexes that it adds: set it again.
 *
 * @param schema the fields of the index
 * @param fingerprint the model of its vectors
 * @param position how far the source was read, in a form that is not promised; empty if nobody
 *     recorded it
 */
public record CommitMark(HybridSchema schema, ModelFingerprint fingerprint, String position) {
  /** The layout this program writes, and the newest it reads. */
  static final int VERSION = MetadataLayout2.VERSION;

  private static final Set<String> VERSIONS = Set.of("1", "2");
  private static final String VERSION_KEY = "luciole.version";
  private static final String SCHEMA_KEY = "luciole.schema";
  private static final String MODEL_KEY = "luciole.model";
  private static final String POSITION_KEY = "luciole.position";

  private static final Logger log = LoggerFactory.getLogger(CommitMark.class);

  /** Pairs of index and engine that a warning was given of: once is enough. */
  private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();

  /** Checks the components. */
  public CommitMark {
    requireNonNull(schema, "schema");
    requireNonNull(fingerprint, "fingerprint");
    requireNonNull(position, "position");
  }

  /**
   * Returns the user data of a commit, for {@code IndexWriter.setLiveCommitData}. It replaces all
   * user data of the writer: put entries of your own into the same map.
   *
   * @param schema the fields of the index
   * @param fingerprint the model of its vectors
   * @return the entries, in a new map that may be changed
   */
  public static Map<String, String> userData(HybridSchema schema, ModelFingerprint fingerprint) {
    return new CommitMark(schema, fingerprint, "").userData();
  }

  /** {@return the mark as the user data of a commit, in a new map that may be changed} */
  public Map<String, String> userData() {
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
   * Reads the mark of a commit.
   *
   * @param userData the commit's user data, as {@code IndexCommit.getUserData} has it
   * @return the mark; empty if the commit bears none
   * @throws IndexException if the mark is of a newer layout, or damaged
   */
  public static Optional<CommitMark> of(Map<String, String> userData) {
    return find("of this commit", requireNonNull(userData, "userData"));
  }

  /**
   * Reads the mark of the commit that a reader has open. A reader that was opened from a writer
   * sees the user data of the writer's last commit, or those set since.
   *
   * @param reader the reader
   * @return the mark; empty if the commit bears none
   * @throws IndexException if the mark is of a newer layout, or damaged, or cannot be read
   */
  public static Optional<CommitMark> of(DirectoryReader reader) {
    requireNonNull(reader, "reader");
    try {
      return find(reader.directory(), reader.getIndexCommit().getUserData());
    } catch (IOException e) {
      throw IndexProblems.unreadable(reader.directory(), e);
    }
  }

  /**
   * Reads the newest commit's mark.
   *
   * @param place where the index is, for people
   * @throws IndexException if there is no index, or none that bears a mark, or a newer one, or a
   *     damaged one
   */
  static CommitMark read(Object place, Directory directory) {
    try {
      if (!DirectoryReader.indexExists(directory)) {
        throw IndexProblems.noIndex(place, IndexProblems.whatIsThere(directory));
      }
      return parse(place, SegmentInfos.readLatestCommit(directory).getUserData());
    } catch (IOException e) {
      throw IndexProblems.unreadable(place, e);
    }
  }

  /** Reads the mark of a commit that must bear one. */
  static CommitMark parse(Object place, Map<String, String> data) {
    return find(place, data)
        .orElseThrow(
            () -> IndexProblems.noIndex(place, "a Lucene index that something else wrote"));
  }

  /**
   * Reads the mark of a commit, if it bears one.
   *
   * @param place where the index is, for people
   */
  static Optional<CommitMark> find(Object place, Map<String, String> data) {
    String version = data.get(VERSION_KEY);
    if (version == null) {
      return Optional.empty();
    }
    if (!VERSIONS.contains(version)) {
      throw new IndexException(
          "The index "
              + place
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
          "The index "
              + place
              + " is damaged: its commit names no schema or no model. Index anew.");
    }
    try {
      return Optional.of(
          new CommitMark(
              SchemaJson.read(schema),
              ModelFingerprint.parse(model),
              data.getOrDefault(POSITION_KEY, "")));
    } catch (IllegalArgumentException e) {
      throw new IndexException(
          "The index " + place + " is damaged: " + e.getMessage() + ". Index anew.", e);
    }
  }

  /**
   * Refuses to be merged or searched with an index of another model or schema.
   *
   * @param place where the index is that bears this mark, for people
   * @param to where the other index is
   * @param mark the other index's
   */
  void requireAlike(Object place, Object to, CommitMark mark) {
    if (!fingerprint.matches(mark.fingerprint)
        && Differences.areOfOneModel(fingerprint, mark.fingerprint)) {
      throw new IndexException(
          "The index "
              + place
              + " holds vectors of the model "
              + fingerprint.name()
              + " as the index "
              + to
              + " does, but made otherwise: "
              + Differences.between(fingerprint, mark.fingerprint)
              + ". Their vectors cannot be compared: index the documents anew under the settings of"
              + " one of them.");
    }
    if (!fingerprint.matches(mark.fingerprint)) {
      throw new IndexException(
          "The index "
              + place
              + " holds vectors of the model "
              + fingerprint.brief()
              + ", the index "
              + to
              + " those of "
              + mark.fingerprint.brief()
              + ": their vectors cannot be compared. Index the documents anew.");
    }
    if (!schema.equals(mark.schema)) {
      throw new IndexException(
          "The index "
              + place
              + " has the schema of the index "
              + to
              + " except for "
              + Differences.between(schema, mark.schema)
              + ". Only indexes of one schema can be added to each other or searched together.");
    }
  }

  /** Refuses an engine that is to write and runs another model. */
  void requireModel(Object place, ModelFingerprint engine) {
    requireModel(place, engine, fingerprint.matches(engine));
  }

  /** Refuses an engine that is to embed queries alone and runs another model. */
  void requireModelOfQueries(Object place, ModelFingerprint engine) {
    requireModel(place, engine, engine.canSearch(fingerprint));
  }

  private void requireModel(Object place, ModelFingerprint engine, boolean fits) {
    if (!fits && Differences.areOfOneModel(fingerprint, engine)) {
      throw new IndexMismatchException(
          "The index "
              + place
              + " holds vectors of the model "
              + fingerprint.name()
              + ", which the engine runs, but made otherwise than the engine makes them: "
              + Differences.between(fingerprint, engine)
              + ". Set that as the index has it, or index anew.");
    }
    if (!fits) {
      throw new IndexMismatchException(
          "The index "
              + place
              + " holds vectors of the model "
              + fingerprint.brief()
              + ", the engine runs "
              + engine.brief()
              + ". Use the index's model, or index anew.");
    }
    if (!fingerprint.isSureOf(engine)
        && !engine.vectors().isEmpty()
        && WARNED.add(place + engine.vectors())) {
      log.warn(
          "The index {} was written before Luciole noted pooling, modules and the passages' prompt"
              + " in an index. Its vectors are taken to be made as the engine makes them: {}. If"
              + " pooling or prompts have changed since, index anew.",
          place,
          engine.vectors());
    }
    if (!fingerprint.isAsPreciseAs(engine) && WARNED.add(place + engine.format())) {
      log.warn(
          "The index {} holds vectors of the model {}, computed in {}, and the engine computes in"
              + " {}: the same texts give somewhat other vectors, and searches find somewhat other"
              + " documents. Set luciole.precision to what the index was made with, or index anew.",
          place,
          fingerprint.brief(),
          fingerprint.precision(),
          engine.precision());
    }
  }
}
