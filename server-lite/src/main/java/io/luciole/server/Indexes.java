package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.inject.Inject;
import io.luciole.ConfigException;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.IndexListener;
import io.luciole.lucene.IndexMismatchException;
import io.luciole.lucene.LiveIndex;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.lucene.store.LockObtainFailedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The indexes that are served: the default one and those with a name, which can be made and deleted
 * while the server runs. Safe for use by many threads.
 */
final class Indexes implements AutoCloseable {
  /** The name of the index that requests without a name mean. */
  static final String DEFAULT = "default";

  /** Each has threads and a buffer of its own. */
  private static final int MAX_INDEXES = 100;

  private static final Logger log = LoggerFactory.getLogger(Indexes.class);
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,63}");

  private final IndexSettings settings;
  private final ServedModels models;
  private final Map<String, SearchIndex> open = new ConcurrentSkipListMap<>();

  /** Those that could not be opened at the start; a name is in one of the two. */
  private final Map<String, UnopenedIndex> unopened = new ConcurrentSkipListMap<>();

  @GuardedBy("this")
  private final List<Watcher> watchers = new ArrayList<>();

  /** Is told of the indexes that there are. */
  interface Watcher {
    /**
     * Called when there is an index of a name, whether it can be opened or not, and each time that
     * it is opened.
     *
     * @return the index's listener, the same until its removal
     */
    IndexListener added(String name);

    /** Called when there is no index of a name any more. */
    void removed(String name);
  }

  /** What making an index has done. */
  record Made(SearchIndex index, boolean created) {}

  /**
   * Opens all indexes that there are, and makes the default one if it has a folder of its own. What
   * cannot be opened for a reason that may pass, such as a full disk or a damaged file, is tried
   * again while the others are served.
   *
   * @throws ConfigException if the settings ask for what the model does not give
   * @throws IndexException if the settings name what is no index of the models that are served, or
   *     an index that another process writes as the default one
   */
  @Inject
  Indexes(ServerConfig config, ServedModels models) {
    this.settings = config.indexes();
    this.models = models;
    try {
      if (settings.index().isPresent()) {
        openAtStart(DEFAULT);
      }
      for (String name : namesInFolder()) {
        if (!open.containsKey(name) && !unopened.containsKey(name)) {
          openAtStart(name);
        }
      }
    } catch (Throwable t) {
      close();
      throw t;
    }
    unopened.values().forEach(UnopenedIndex::begin);
  }

  private void openAtStart(String name) {
    try {
      open.put(name, openAsSet(name));
    } catch (IndexMismatchException e) {
      throw e;
    } catch (IndexException e) {
      if (isOwn(name) && e.getCause() instanceof LockObtainFailedException) {
        throw e;
      }
      unopened.put(name, new UnopenedIndex(name, e, () -> openLater(name)));
    }
  }

  /** Opens an index as it is, or the one that a setting names as the settings say. */
  private SearchIndex openAsSet(String name) {
    ServedModel model = modelOf(path(name));
    Optional<HybridSchema> schema =
        isOwn(name) ? IndexSpec.ofSettings(settings.fields(), model.engine()) : Optional.empty();
    return new SearchIndex(name, path(name), model, settings, schema);
  }

  /** Opens an index that could not be opened at the start, unless it was deleted meanwhile. */
  private void openLater(String name) {
    SearchIndex index = openAsSet(name);
    synchronized (this) {
      if (unopened.containsKey(name)) {
        serve(index);
        UnopenedIndex unused = unopened.remove(name);
        log.info("The index \"{}\" is open", name);
        return;
      }
    }
    index.close();
  }

  /** Whether an index has a setting of its own, which names its folder. */
  private boolean isOwn(String name) {
    return name.equals(DEFAULT) && settings.index().isPresent();
  }

  private List<String> namesInFolder() {
    Path folder = settings.folder().orElse(null);
    if (folder == null || !Files.exists(folder)) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    try (Stream<Path> children = Files.list(folder)) {
      for (Path child : children.sorted().toList()) {
        String name = String.valueOf(child.getFileName());
        if (NAME.matcher(name).matches() && isIndex(child)) {
          names.add(name);
        } else {
          log.warn("{} is no index with a name ({}), and is not served", child, NAME);
        }
      }
    } catch (IOException e) {
      throw new IndexException("Cannot read the folder of indexes " + folder + ": " + e, e);
    }
    return names;
  }

  /** Whether an index is in a folder, or may be, since the folder cannot be read. */
  private static boolean isIndex(Path path) {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> files = Files.list(path)) {
      return files.anyMatch(file -> String.valueOf(file.getFileName()).startsWith("segments_"));
    } catch (IOException e) {
      return true;
    }
  }

  /** The model that is served whose vectors an index has; the default one of a new index. */
  private ServedModel modelOf(Path path) {
    if (models.all().size() == 1 || !isIndex(path)) {
      return models.standard();
    }
    try (HybridSearcher words = HybridSearcher.open(path)) {
      ModelFingerprint fingerprint = words.fingerprint();
      return models.all().stream()
          .filter(model -> fingerprint.matches(model.engine().fingerprint()))
          .findFirst()
          .orElse(models.standard());
    }
  }

  private SearchIndex open(String name, ServedModel model, Optional<HybridSchema> schema) {
    try {
      SearchIndex index = new SearchIndex(name, path(name), model, settings, schema);
      serve(index);
      return index;
    } catch (IndexMismatchException e) {
      throw new Problem(409, "index_differs", Problems.withoutPaths(e), "index", 0);
    }
  }

  private synchronized void serve(SearchIndex index) {
    watchers.forEach(watcher -> index.live().addListener(watcher.added(index.name())));
    open.put(index.name(), index);
  }

  /** Where the index of a name is or would be. */
  private Path path(String name) {
    if (isOwn(name)) {
      return settings.index().get();
    }
    return settings
        .folder()
        .orElseThrow(() ->
            new Problem(
                404,
                "no_index",
                settings.index().isPresent()
                    ? "This server has the index \"default\" alone; luciole.server.indexes=FOLDER"
                        + " lets it have others."
                    : "This server has no folder for indexes: start it with luciole serve --index"
                        + " FOLDER, or set luciole.server.indexes=FOLDER for several."))
        .resolve(name);
  }

  /** The index that a request's path names, or the default one. */
  SearchIndex of(Exchange x) {
    return get(name(x));
  }

  /** A handling of an index that may be closed meanwhile: see {@link #explained}. */
  Route.Handling ofIndex(Route.Handling handling) {
    return x -> {
      try {
        handling.handle(x);
      } catch (Exception e) {
        throw explained(x, e);
      }
    };
  }

  /**
   * What is answered to one of several parts of a request, such as a document, that failed. The log
   * has what the answer does not tell.
   */
  Problem problem(Exchange x, Exception failure) {
    Problem problem = Problems.of(explained(x, failure));
    if (problem.code().equals("internal")) {
      log.error("A part of {} failed", x.request().path().rawPath(), failure);
    }
    return problem;
  }

  /**
   * What a failure of work on the index of a request means. If it was closed meanwhile, there is
   * none; or, if it was made anew, the work is to be tried again.
   *
   * @return the failure, or what is to be answered in its place
   */
  private Exception explained(Exchange x, Exception failure) {
    if (!Problems.isUnavailable(failure)) {
      return failure;
    }
    try {
      return of(x).problem().isPresent()
          ? failure
          : new Problem(
              503,
              "index_unavailable",
              "The index \"" + name(x) + "\" was closed meanwhile: try again.",
              "index",
              1);
    } catch (Problem none) {
      return none;
    }
  }

  /** The name in a request's path, or the default one's. */
  static String name(Exchange x) {
    return x.request().path().pathParameters().first("index").orElse(DEFAULT);
  }

  private SearchIndex get(String name) {
    requireOpened(name);
    SearchIndex index = open.get(name);
    if (index == null) {
      Path unused = path(name);
      throw new Problem(
          404,
          "no_index",
          "There is no index \""
              + name
              + "\"; this server has "
              + (names().isEmpty() ? "none" : String.join(", ", names()))
              + ". PUT /v1/indexes/"
              + name
              + " makes one.",
          "index",
          0);
    }
    return index;
  }

  /** The names of all indexes, those that could not be opened included, in order. */
  private SortedSet<String> names() {
    SortedSet<String> names = new TreeSet<>(open.keySet());
    names.addAll(unopened.keySet());
    return names;
  }

  /** Refuses what concerns an index that could not be opened. */
  private void requireOpened(String name) {
    UnopenedIndex index = unopened.get(name);
    if (index != null) {
      throw index.refusal();
    }
  }

  /** The index of a name, if there is one and it could be opened. */
  Optional<SearchIndex> find(String name) {
    return Optional.ofNullable(open.get(name));
  }

  /** All indexes that could be opened, in the order of their names. */
  List<SearchIndex> all() {
    return List.copyOf(open.values());
  }

  /** Those that could not, in the order of their names. */
  List<UnopenedIndex> unopened() {
    return List.copyOf(unopened.values());
  }

  /** Whether an index takes documents; empty if there is none of this name. */
  Optional<Boolean> isWritable(String name) {
    return unopened.containsKey(name)
        ? Optional.of(false)
        : find(name).map(index -> index.problem().isEmpty());
  }

  /** Why indexes cannot be written, one sentence or more for each of them. */
  List<String> problems() {
    return Stream.concat(
            unopened.values().stream()
                .map(index -> "the index \"" + index.name() + "\": " + index.problem()),
            open.values().stream().map(SearchIndex::problem).flatMap(Optional::stream))
        .toList();
  }

  /** Adds a watcher, which is told of the indexes that there are and of those made later. */
  synchronized void addWatcher(Watcher watcher) {
    watchers.add(watcher);
    open.forEach((name, index) -> index.live().addListener(watcher.added(name)));
    unopened.forEach((name, index) ->
        watcher.added(name).onFailure(new IndexException(index.problem(), index.reason()), 0));
  }

  /**
   * Makes an index, unless one is there that keeps what is asked for. One without documents that
   * keeps something else is made anew, with what it keeps where nothing else is asked for.
   *
   * @param body what it is to keep; see {@link IndexSpec}
   * @throws Problem if there is one that keeps something else, with the differences
   */
  Made make(String name, ObjectNode body) {
    if (!NAME.matcher(name).matches()) {
      throw Problem.invalid(
          "index",
          "Expected a name of 1 to 64 characters: a to z, 0 to 9, \"-\" and \"_\", the first a letter"
              + " or digit.");
    }
    synchronized (this) {
      requireOpened(name);
      SearchIndex there = open.get(name);
      ServedModel model =
          there != null && !body.has("model")
              ? there.model()
              : models.named(JsonBodies.stringOr(body, "model"));
      ObjectNode whole =
          there == null ? body : IndexSpec.completed(body, there.live().schema(), model.engine());
      HybridSchema schema = IndexSpec.schema(whole, settings.fields(), model.engine());
      if (there != null) {
        List<String> differences = differences(there, model, schema, body);
        if (differences.isEmpty()) {
          return new Made(there, false);
        }
        requireEmpty(there, differences);
        removeEmpty(there, differences);
      } else if (open.size() + unopened.size() >= MAX_INDEXES) {
        throw Problem.tooLarge(
            "index", "A server may have " + MAX_INDEXES + " indexes; delete one first.");
      }
      return new Made(open(name, model, Optional.of(schema)), true);
    }
  }

  private static List<String> differences(
      SearchIndex there, ServedModel model, HybridSchema schema, ObjectNode body) {
    return there.model().equals(model)
        ? IndexSpec.differences(there.live().schema(), schema, body)
        : List.of(
            "\"model\" is \"" + there.model().name() + "\", asked for was \"" + model.name() + '"');
  }

  private static void requireEmpty(SearchIndex there, List<String> differences) {
    if (there.live().uncommittedChanges() > 0 || there.documents() > 0) {
      throw differs(there, differences);
    }
  }

  /**
   * Deletes an index that had no documents a moment ago. From its close on, which commits what was
   * put meanwhile, nobody writes to it; if there are documents then, it stays.
   */
  private void removeEmpty(SearchIndex there, List<String> differences) {
    open.remove(there.name(), there);
    there.close();
    Path folder = path(there.name());
    if (IndexDescription.read(folder).documents() > 0) {
      SearchIndex unused = open(there.name(), there.model(), Optional.empty());
      throw differs(there, differences);
    }
    delete(there);
  }

  private static Problem differs(SearchIndex there, List<String> differences) {
    return new Problem(
        409,
        "index_differs",
        "There is an index \""
            + there.name()
            + "\" that keeps something else: "
            + String.join("; ", differences)
            + ". Delete it first, or make one of another name.",
        "index",
        0);
  }

  /** Deletes the index that a request's path names, with its files, even if it cannot be opened. */
  synchronized void delete(Exchange x) {
    UnopenedIndex broken = unopened.get(name(x));
    if (broken == null) {
      delete(of(x));
      return;
    }
    LiveIndex.delete(path(broken.name()));
    unopened.remove(broken.name());
    broken.close();
    watchers.forEach(watcher -> watcher.removed(broken.name()));
  }

  /** Deletes an index; it is closed and not served any more even if that fails. */
  private synchronized void delete(SearchIndex index) {
    open.remove(index.name(), index);
    try {
      index.live().delete();
    } finally {
      watchers.forEach(watcher -> watcher.removed(index.name()));
    }
  }

  /** Commits what is not committed yet, and closes all indexes. */
  @Override
  public void close() {
    synchronized (this) {
      unopened.values().forEach(UnopenedIndex::close);
      unopened.clear();
    }
    RuntimeException failure = null;
    for (SearchIndex index : open.values()) {
      try {
        index.close();
      } catch (RuntimeException e) {
        log.error("The index \"{}\" was not closed in order", index.name(), e);
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
