package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which folders beside it are the shards of an index. A job that builds shards in parallel writes
 * it last, as the file {@value #FILE} of the folder that has the shards: what it does not name does
 * not belong to the index. The file is one JSON object:
 *
 * <table>
 * <caption>Members of the object</caption>
 * <tr><th>member<th>value
 * <tr><td>{@code version}<td>1
 * <tr><td>{@code schema}<td>the schema of every shard, as {@link HybridSchema#toString} has it
 * <tr><td>{@code model}<td>the model of every shard, as {@link ModelFingerprint#format} has it
 * <tr><td>{@code shards}<td>an array of objects with {@code name}, a folder's name, and {@code
 *     documents}, their number
 * </table>
 *
 * @param schema the fields of every shard
 * @param model the model of the vectors of every shard
 * @param shards the shards, in the order in which they are searched
 */
public record ShardManifest(HybridSchema schema, ModelFingerprint model, List<Shard> shards) {
  /** The name of the file. */
  public static final String FILE = "_shards";

  private static final int VERSION = 1;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /**
   * A shard.
   *
   * @param name the name of its folder, beside the manifest
   * @param documents how many documents it has
   */
  public record Shard(String name, long documents) {
    /** Checks the components. */
    public Shard {
      if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
        throw new IllegalArgumentException("expected a folder's name, got \"" + name + '"');
      }
      if (documents < 0) {
        throw new IllegalArgumentException("documents must be at least 0, got " + documents);
      }
    }
  }

  /** Checks the components and copies the list. */
  public ShardManifest {
    requireNonNull(schema, "schema");
    requireNonNull(model, "model");
    shards = List.copyOf(shards);
  }

  /** {@return the documents of all shards together} */
  public long documents() {
    return shards.stream().mapToLong(Shard::documents).sum();
  }

  /**
   * Checks that shards of a schema and a model can be added to these.
   *
   * @param path where these are, for people
   * @param other the schema of those to add
   * @param added the model of the vectors of those to add
   * @throws IllegalArgumentException if they differ; the message says wherein
   */
  public void requireAlike(String path, HybridSchema other, ModelFingerprint added) {
    if (!model.matches(added)) {
      throw new IllegalArgumentException(
          "the shards in "
              + path
              + " hold vectors of the model "
              + (Differences.areOfOneModel(model, added)
                  ? model.name()
                      + ", as those to add do, but made otherwise: "
                      + Differences.between(model, added)
                  : model.brief() + ", those to add are of " + added.brief())
              + ". Vectors of both cannot be compared: embed as the shards were, write to another"
              + " path, or overwrite");
    }
    if (!schema.equals(other)) {
      throw new IllegalArgumentException(
          "the shards in "
              + path
              + " have the schema of those to add except for "
              + Differences.between(schema, other)
              + ". Use the same columns and options, write to another path, or overwrite");
    }
  }

  /** {@return the content of the file} */
  public String format() {
    ObjectNode root = MAPPER.createObjectNode().put("version", VERSION);
    root.put("schema", schema.toString()).put("model", model.format());
    ArrayNode array = root.putArray("shards");
    for (Shard shard : shards) {
      array.addObject().put("name", shard.name()).put("documents", shard.documents());
    }
    return root.toPrettyString();
  }

  /**
   * Reads what {@link #format} returned.
   *
   * @param content the content of the file
   * @return the manifest
   * @throws IllegalArgumentException if it is none, or one of a newer version
   */
  public static ShardManifest parse(String content) {
    try {
      JsonNode root = MAPPER.readTree(content);
      if (root.path("version").asInt() != VERSION) {
        throw new IllegalArgumentException(
            "expected a manifest of shards of version "
                + VERSION
                + ", found version "
                + root.path("version"));
      }
      List<Shard> shards = new ArrayList<>();
      for (JsonNode shard : root.path("shards")) {
        shards.add(new Shard(shard.path("name").asText(), shard.path("documents").asLong()));
      }
      return new ShardManifest(
          HybridSchema.parse(root.path("schema").asText()),
          ModelFingerprint.parse(root.path("model").asText()),
          shards);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a manifest of shards: " + e.getOriginalMessage(), e);
    }
  }

  /**
   * Reads the manifest of a folder.
   *
   * @param folder the folder
   * @return the manifest; empty if the folder has none
   * @throws IndexException if it cannot be read, or is damaged or newer
   */
  public static Optional<ShardManifest> find(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(parse(Files.readString(file)));
    } catch (IOException | IllegalArgumentException e) {
      throw new IndexException("Cannot read the manifest " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Lists the indexes of folders: of a folder with a manifest its shards, else the folder itself.
   *
   * @param folders folders of indexes and of shards
   * @return the folders of the indexes, in the same order
   * @throws IndexException if a manifest cannot be read, or names no shard
   */
  static List<Path> expand(List<Path> folders) {
    List<Path> indexes = new ArrayList<>();
    for (Path folder : folders) {
      Optional<ShardManifest> manifest = find(folder);
      if (manifest.isEmpty()) {
        indexes.add(folder);
        continue;
      }
      if (manifest.get().shards().isEmpty()) {
        throw new IndexException("The manifest of " + folder + " names no shard.");
      }
      manifest.get().shards().forEach(shard -> indexes.add(folder.resolve(shard.name())));
    }
    return indexes;
  }
}
