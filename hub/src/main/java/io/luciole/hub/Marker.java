package io.luciole.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.internal.AtomicFiles;
import io.luciole.internal.HubCache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a folder was pulled from, or is being pulled from; kept in the folder as {@code
 * .luciole-pull.json}:
 *
 * <pre>
 * {"model": "BAAI/bge-m3", "revision": "main", "commit": "5617a9f6…",
 *  "files": [{"path": "config.json", "size": 687, "digest": "e6eda1c7…"}, …],
 *  "namedTensors": true}
 * </pre>
 *
 * <p>A file that stands in the folder under its own name had this size and digest when it was put
 * there.
 *
 * @param revision as it was asked for
 * @param files by path, all of known size and digest
 * @param hasNamedTensors whether it is certain that the files which ONNX files name for their
 *     tensors are among these; not so in folders from before that was noted
 */
record Marker(
    String model,
    String revision,
    String commit,
    Map<String, RemoteFile> files,
    boolean hasNamedTensors) {
  static final String FILE = HubCache.MARKER;

  private static final Logger log = LoggerFactory.getLogger(Marker.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The marker in a folder, or null if there is none that can be read. */
  static @Nullable Marker read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return null;
    }
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      Map<String, RemoteFile> files = new LinkedHashMap<>();
      for (JsonNode node : root.path("files")) {
        String path = node.path("path").asText();
        ContentDigest digest = ContentDigest.of(node.path("digest").asText());
        if (RemoteFile.isSafe(path)) {
          files.put(path, new RemoteFile(path, node.path("size").asLong(-1), digest));
        }
      }
      return new Marker(
          root.path("model").asText(),
          root.path("revision").asText(),
          root.path("commit").asText(),
          files,
          root.path("namedTensors").asBoolean());
    } catch (IOException e) {
      log.warn("Passing over {}, which cannot be read: {}", file, e.toString());
      return null;
    }
  }

  /** Writes the marker into a folder, at once and for good. */
  void write(Path folder) {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", model).put("revision", revision).put("commit", commit);
    ArrayNode list = root.putArray("files");
    for (RemoteFile file : files.values()) {
      ContentDigest digest = file.digest();
      list.addObject()
          .put("path", file.path())
          .put("size", file.size())
          .put("digest", digest == null ? "" : digest.hex());
    }
    root.put("namedTensors", hasNamedTensors);
    Path part = folder.resolve(FILE + PullFolder.PART);
    try {
      Files.write(part, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
      AtomicFiles.publish(part, folder.resolve(FILE));
    } catch (IOException e) {
      throw PullFolder.cannotWrite(part, e);
    }
  }

  /** This, with all files that its ONNX files name. */
  Marker withNamedTensors(Map<String, RemoteFile> all) {
    return new Marker(model, revision, commit, all, true);
  }

  /** Whether a folder with this marker has a file as it is wanted. */
  boolean has(Path folder, RemoteFile wanted) {
    return wanted.equals(files.get(wanted.path()))
        && PullFolder.sizeOf(folder.resolve(wanted.path())) == wanted.size();
  }

  /** Whether a folder with this marker has all files as they are wanted. */
  boolean hasAll(Path folder, Iterable<RemoteFile> wanted) {
    for (RemoteFile file : wanted) {
      if (!has(folder, file)) {
        return false;
      }
    }
    return true;
  }
}
