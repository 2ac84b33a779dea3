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
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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

  /** Give the listener of a name, the same each time. */
  @GuardedBy("this")
  private final List<Function<String, IndexListener>> listeners = new ArrayList<>();

  /** What making an index has done. */
  record Made(SearchIndex index, boolean created) {}

  /**
   * Opens all indexes that there are, and makes the default one if it has a folder of its own.
   *
   * @throws ConfigException if the settings ask for what the model does not give
   * @throws IndexException if an index is another model's, or another process writes it
   */
  @Inject
  Indexes(ServerConfig config, ServedModels models) {
    this.settings = config.indexes();
    this.models = models;
    try {
      if (settings.index().isPresent()) {
        ServedModel model = modelOf(path(DEFAULT));
        open(DEFAULT, model, IndexSpec.ofSettings(settings.fields(), model.engine()));
      }
      for (String name : namesInFolder()) {
        if (!open.containsKey(name)) {
          open(name, modelOf(path(name)), Optional.empty());
        }
      }
    } catch (Throwable t) {
      close();
      throw t;
    }
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

  private static boolean isIndex(Path path) {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> files = Files.list(path)) {
      return files.anyMatch(file -> String.valueOf(file.getFileName()).startsWith("segments_"));
    } catch (IOException e) {
      throw new IndexException("Cannot read the folder " + path + ": " + e, e);
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
    SearchIndex index = new SearchIndex(name, path(name), model, settings, schema);
    synchronized (this) {
      listeners.forEach(of -> index.live().addListener(of.apply(name)));
    }
    open.put(name, index);
    return index;
  }

  /** Where the index of a name is or would be. */
  private Path path(String name) {
    if (name.equals(DEFAULT) && settings.index().isPresent()) {
      return settings.index().get();
    }
    return settings
        .folder()
        .orElseThrow(() ->
            new Problem(
                404,
                "no_index",
                "This server has no folder for indexes: start it with luciole serve --index FOLDER,"
                    + " or set luciole.server.indexes for several."))
        .resolve(name);
  }

  /** The index that a request's path names, or the default one. */
  SearchIndex of(Exchange x) {
    return get(name(x));
  }

  /** The name in a request's path, or the default one's. */
  static String name(Exchange x) {
    return x.request().path().pathParameters().first("index").orElse(DEFAULT);
  }

  private SearchIndex get(String name) {
    SearchIndex index = open.get(name);
    if (index == null) {
      Path unused = path(name);
      throw new Problem(
          404,
          "no_index",
          "There is no index \""
              + name
              + "\"; this server has "
              + (open.isEmpty() ? "none" : String.join(", ", open.keySet()))
              + ". PUT /v1/indexes/"
              + name
              + " makes one.",
          "index",
          0);
    }
    return index;
  }

  /** The index of a name, if there is one. */
  Optional<SearchIndex> find(String name) {
    return Optional.ofNullable(open.get(name));
  }

  /** All indexes, in the order of their names. */
  List<SearchIndex> all() {
    return List.copyOf(open.values());
  }

  /** Why an index cannot be written, or null if all can. */
  @Nullable String problem() {
    return open.values().stream()
        .map(SearchIndex::problem)
        .flatMap(Optional::stream)
        .findFirst()
        .orElse(null);
  }

  /**
   * Adds a listener to each index, also to those that are made later.
   *
   * @param of makes the listener of a name, once for each
   */
  synchronized void addListener(Function<String, IndexListener> of) {
    Map<String, IndexListener> made = new HashMap<>();
    Function<String, IndexListener> same = name -> made.computeIfAbsent(name, of);
    listeners.add(same);
    open.forEach((name, index) -> index.live().addListener(same.apply(name)));
  }

  /**
   * Makes an index, unless one is there that keeps what is asked for. One without documents that
   * keeps something else is made anew.
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
      SearchIndex there = open.get(name);
      ServedModel model =
          there != null && !body.has("model")
              ? there.model()
              : models.named(JsonBodies.stringOr(body, "model"));
      HybridSchema schema = IndexSpec.schema(body, settings.fields(), model.engine());
      if (there != null) {
        List<String> differences = differences(there, model, schema, body);
        if (differences.isEmpty()) {
          return new Made(there, false);
        }
        requireEmpty(there, differences);
        removeEmpty(there, differences);
      } else if (open.size() >= MAX_INDEXES) {
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

  /** Deletes the index that a request's path names, with its files. */
  synchronized void delete(Exchange x) {
    delete(of(x));
  }

  private void delete(SearchIndex index) {
    open.remove(index.name(), index);
    index.live().delete();
  }

  /** Commits what is not committed yet, and closes all indexes. */
  @Override
  public void close() {
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
