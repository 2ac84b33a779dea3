package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LiveIndex;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** An index that is served under a name, with its model. Safe for use by many threads. */
final class SearchIndex implements AutoCloseable {
  private static final int MOST_TRIES = 3;

  private final String name;
  private final Path path;
  private final ServedModel model;
  private final LiveIndex live;
  private final FreeSpace space;

  /**
   * Opens an index, or makes one.
   *
   * @param schema what it is to keep; an index that is there must keep that. Empty for what it
   *     keeps, or else the model's usual
   * @throws io.luciole.lucene.IndexException if it is another model's, or another process writes it
   */
  SearchIndex(
      String name,
      Path path,
      ServedModel model,
      IndexSettings settings,
      Optional<HybridSchema> schema) {
    this.name = name;
    this.path = path;
    this.model = model;
    WriteOptions options =
        WriteOptions.defaults()
            .onFailure(WriteOptions.OnFailure.SKIP)
            .resume(false)
            .commitEvery(settings.commitEvery())
            .commitAfter(settings.commitAfter());
    this.live = LiveIndex.open(path, model.engine(), schema.map(options::schema).orElse(options));
    this.space = new FreeSpace(path, settings.minDisk());
  }

  String name() {
    return name;
  }

  /** The model whose vectors the index has. */
  ServedModel model() {
    return model;
  }

  LiveIndex live() {
    return live;
  }

  /** Why the index cannot be written, or empty if it can. */
  Optional<String> problem() {
    return troubles().map(problem -> "the index \"" + name + "\": " + problem);
  }

  private Optional<String> troubles() {
    return live.health().problem().map(Problems::withoutPaths).or(space::shortage);
  }

  /** Whether it is {@code open}, {@code failed}, or {@code full}: its disk has hardly any room. */
  String state() {
    return live.health().problem().isPresent()
        ? "failed"
        : space.shortage().isPresent() ? "full" : "open";
  }

  /**
   * Refuses what is to be written if the disk has hardly any room, so that there is some for what
   * is not committed yet.
   *
   * @throws Problem if that is so
   */
  void requireRoom() {
    space
        .shortage()
        .ifPresent(problem -> {
          throw new Problem(507, "disk_full", problem, null, 5);
        });
  }

  /**
   * Embeds and writes a document.
   *
   * @return completes when it is written: true if it replaced one
   * @throws Problem if there is no room for it
   */
  CompletableFuture<Boolean> put(SourceDocument document) {
    requireRoom();
    return live.put(document);
  }

  /** Adds a description of the index, with its sizes, to an object. */
  void describe(ObjectNode index) {
    LiveIndex.Health health = live.health();
    index.put("name", name).put("model", model.name());
    live.search(searcher -> {
      index.put("documents", searcher.documents());
      searcher.legs().stream().map(Leg::id).forEach(index.putArray("legs")::add);
      return index;
    });
    index
        .put("state", state())
        .put("failures", health.failures())
        .put("lost", health.lost())
        .put("uncommitted", live.uncommittedChanges() > 0)
        .put("uncommitted_changes", live.uncommittedChanges());
    troubles().ifPresent(problem -> index.put("problem", problem));
    index.set("schema", IndexSpec.describe(live.schema()));
    if (health.problem().isEmpty()) {
      describeFiles(index, files());
    }
    ObjectNode fields = index.putObject("metadata");
    live.schema().metadata().forEach((field, type) -> fields.put(field, type.id()));
  }

  /**
   * Reads what the files are. A commit may remove some that the one before had, between their
   * listing and their reading; whoever deletes the index removes all.
   */
  private IndexDescription files() {
    for (int tries = 1; ; tries++) {
      try {
        return IndexDescription.read(path);
      } catch (IndexException e) {
        // Throws that the index is closed, if it is.
        int unused = documents();
        if (tries == MOST_TRIES) {
          throw e;
        }
      }
    }
  }

  private static void describeFiles(ObjectNode index, IndexDescription of) {
    index
        .put("committed_documents", of.documents())
        .put("passages", of.passages())
        .put("deleted", of.deleted())
        .put("segments", of.segments())
        .put("bytes", of.bytes())
        .put("fingerprint", of.fingerprint().brief())
        .put("analyzer", of.schema().words().analyzer());
    ObjectNode parts = index.putObject("bytes_by_field");
    of.parts().forEach(parts::put);
  }

  /** How many documents there are, as searches see them. */
  int documents() {
    return live.search(HybridSearcher::documents);
  }

  /** How many segments searches see. */
  int segments() {
    return live.search(
        searcher -> searcher.withSearcher(of -> of.getIndexReader().leaves().size()));
  }

  /** Commits what is not committed yet, and closes the index. */
  @Override
  public void close() {
    live.close();
  }
}
