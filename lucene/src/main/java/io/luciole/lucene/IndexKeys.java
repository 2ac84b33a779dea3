package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.ValueParser;
import io.luciole.spi.KeyProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The settings of an index that a container opens for an application, such as Spring's. The command
 * and the server name their indexes themselves.
 */
public final class IndexKeys implements KeyProvider {
  /** The index's folder. */
  public static final Key<Optional<Path>> FOLDER =
      Key.optional(
          "luciole.index.folder",
          ValueParser.path(),
          "no index",
          "The folder of the index that an application's container (Spring Boot, Guice) opens. It"
              + " is made if it does not exist.");

  /** The types of a new index's metadata fields, by name. */
  public static final Key<Optional<Map<String, MetadataType>>> METADATA =
      Key.optional(
          "luciole.index.metadata",
          fieldTypes(),
          "no field has a type",
          "The types of a new index's metadata fields, as in `luciole.server.metadata`.");

  /** The largest number of tokens in a passage. */
  public static final Key<Optional<Integer>> CHUNK_TOKENS =
      Key.optional(
          "luciole.index.chunk-tokens",
          ValueParser.positive(),
          "texts stay whole",
          "The largest number of tokens in a passage: a new index cuts its texts into such"
              + " passages.");

  /** The largest number of tokens that passages share. */
  public static final Key<Optional<Integer>> CHUNK_OVERLAP =
      Key.optional(
          "luciole.index.chunk-overlap",
          ValueParser.positive(),
          "none",
          "The largest number of tokens that a passage repeats of the one before.");

  /** The time between commits, above 0. */
  public static final Key<Optional<Duration>> COMMIT_EVERY =
      Key.optional(
          "luciole.index.commit-every",
          ValueParser.duration().map(IndexKeys::aboveZero),
          "5m",
          "The time between commits: how much a crash can lose.");

  /** Called by {@link java.util.ServiceLoader}. */
  public IndexKeys() {}

  @Override
  public List<Key<?>> keys() {
    return List.of(FOLDER, METADATA, CHUNK_TOKENS, CHUNK_OVERLAP, COMMIT_EVERY);
  }

  /**
   * Reads the types of metadata fields, such as {@code year=long,lang=keyword}.
   *
   * @return a parser of types by name, in the order in which they are written
   */
  public static ValueParser<Map<String, MetadataType>> fieldTypes() {
    return ValueParser.of(
            "NAME=TYPE, the type one of keyword, long, double, boolean, date",
            IndexKeys::parseField)
        .list()
        .map(IndexKeys::byName);
  }

  /**
   * Says how to write an index as the settings ask for.
   *
   * @param config the settings
   * @param engine the engine that embeds the documents
   * @return the options; they name a schema if a setting says something of it, and then an index
   *     that exists must have that schema
   * @throws IllegalArgumentException if passages are to overlap and there are none, or the model
   *     does not take passages of that length
   */
  public static WriteOptions options(LucioleConfig config, EmbeddingEngine engine) {
    Optional<Map<String, MetadataType>> metadata = config.get(METADATA);
    Optional<Integer> tokens = config.get(CHUNK_TOKENS);
    Optional<Integer> overlap = config.get(CHUNK_OVERLAP);
    if (overlap.isPresent() && tokens.isEmpty()) {
      throw new IllegalArgumentException(
          "expected " + CHUNK_TOKENS + " to be set where " + CHUNK_OVERLAP + " is");
    }
    WriteOptions options = WriteOptions.defaults();
    if (metadata.isPresent() || tokens.isPresent()) {
      SchemaBuilder schema = HybridSchema.builder(engine);
      metadata.ifPresent(types -> types.forEach(schema::metadata));
      tokens.ifPresent(most -> schema.chunks(most, overlap.orElse(0)));
      options = options.schema(schema.build());
    }
    Optional<Duration> commitEvery = config.get(COMMIT_EVERY);
    return commitEvery.isPresent() ? options.commitEvery(commitEvery.get()) : options;
  }

  private static Duration aboveZero(Duration interval) {
    if (!interval.isPositive()) {
      throw new IllegalArgumentException("expected a duration above 0, got " + interval);
    }
    return interval;
  }

  private static Map.Entry<String, MetadataType> parseField(String text) {
    int at = text.indexOf('=');
    if (at < 1) {
      throw new IllegalArgumentException("expected NAME=TYPE, got \"" + text + '"');
    }
    return Map.entry(text.substring(0, at).strip(), MetadataType.parse(text.substring(at + 1)));
  }

  private static Map<String, MetadataType> byName(List<Map.Entry<String, MetadataType>> fields) {
    Map<String, MetadataType> types = new LinkedHashMap<>();
    fields.forEach(field -> types.put(field.getKey(), field.getValue()));
    return types;
  }
}
