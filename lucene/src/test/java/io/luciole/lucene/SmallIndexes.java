package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes indexes of few documents in a folder.
 *
 * @param folder holds them
 * @param engine embeds their documents
 */
record SmallIndexes(Path folder, EmbeddingEngine engine) {
  /** One writer, so that documents stand in their order; with passages or soft deletes if asked. */
  WriteOptions options(boolean chunked, boolean soft) {
    SchemaBuilder schema = HybridSchema.builder(engine);
    WriteOptions options =
        WriteOptions.defaults()
            .writerThreads(1)
            .schema((chunked ? schema.chunks(16, 2) : schema).build());
    return soft ? options.writerConfig(config -> config.setSoftDeletesField("gone")) : options;
  }

  /** Makes an index of some documents. */
  Path make(String name, List<SourceDocument> documents, WriteOptions options) {
    Path index = folder.resolve(name);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      indexer.indexAll(documents.iterator(), progress -> {});
    }
    return index;
  }
}
