package io.luciole.model.checkpoint;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads the index of a sharded checkpoint, {@code model.safetensors.index.json} or {@code
 * pytorch_model.bin.index.json}:
 *
 * <pre>
 * {"metadata": {…}, "weight_map": {"TENSOR": "model-00001-of-00002.safetensors", …}}
 * </pre>
 *
 * Shards lie beside the index. {@code metadata} is skipped.
 */
final class ShardIndex {
  private static final long LARGEST = 16 << 20;
  private static final String INDEX = "the index of shards";

  private ShardIndex() {}

  /** Maps every tensor's name to the file of its shard, in the index's order. */
  static Map<String, Path> read(WeightFile file) {
    Path path = file.path();
    if (file.size() > LARGEST) {
      throw CheckpointException.of(
          INDEX + " of at most " + LARGEST + " bytes",
          file.size() + " bytes",
          path,
          "name the .index.json that came with the shards");
    }
    Map<String, Path> shards = new LinkedHashMap<>();
    StrictJson.readObject(
        file.readText(0, (int) file.size(), INDEX),
        path,
        INDEX,
        (key, json) -> {
          if (key.equals("weight_map")) {
            json.object((tensor, value) -> shards.put(tensor, shard(path, value.string())));
          } else {
            json.skip();
          }
        });
    if (shards.isEmpty()) {
      throw CheckpointException.of(
          "a weight_map in " + INDEX,
          "none",
          path,
          "name the .index.json that came with the shards");
    }
    return shards;
  }

  /** Only a plain file name will do: an index must not lead elsewhere on the disk. */
  private static Path shard(Path index, String name) {
    try {
      Path shard = Path.of(name);
      if (!name.isEmpty()
          && !name.contains("/")
          && !name.contains("\\")
          && shard.getNameCount() == 1
          && !shard.isAbsolute()
          && shard.getRoot() == null
          && !name.equals(".")
          && !name.equals("..")) {
        return index.resolveSibling(shard);
      }
    } catch (InvalidPathException e) {
      // Refused below, like any other name that is none.
    }
    throw CheckpointException.of(
        "the name of a file beside " + INDEX,
        CheckpointException.quote(name),
        index,
        "put the shards into the index's own folder and name them plainly");
  }
}
