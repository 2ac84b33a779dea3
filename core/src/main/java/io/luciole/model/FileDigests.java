package io.luciole.model;

import io.luciole.internal.AtomicFiles;
import io.luciole.internal.CacheFolder;
import io.luciole.internal.ModelFileNames;
import io.luciole.internal.Sha256;
import io.luciole.model.checkpoint.CheckpointException;
import io.luciole.model.checkpoint.OnnxExternalData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SHA-256 of model files, remembered for large ones.
 *
 * <p>A remembered digest stands in a file of the cache folder, named by the SHA-256 of the file's
 * real path, size and times, so that a changed file is never taken for the old one. Its time of
 * modification alone would not do: copies and images often give it to other content of the same
 * size. The time of change is the system's own, where it has one.
 */
final class FileDigests {
  private static final Logger log = LoggerFactory.getLogger(FileDigests.class);

  /** Below this size, reading the file is as quick as looking its digest up. */
  private static final long REMEMBER_FROM = 32L << 20;

  private FileDigests() {}

  /** A checkpoint's own file, or an index file and its shards in the order of their names. */
  static List<Path> withShards(Path weights) {
    if (!ModelFileNames.isIndex(weights.getFileName().toString())) {
      return List.of(weights);
    }
    TreeSet<String> shards = new TreeSet<>();
    ModelJson.read(weights).path("weight_map").forEach(shard -> shards.add(shard.asText()));
    List<Path> files = new ArrayList<>();
    files.add(weights);
    for (String shard : shards) {
      files.add(weights.resolveSibling(shard));
    }
    return files;
  }

  /**
   * An ONNX file and those that its weights are in: first the files beside it whose names start
   * with its own, as exporters usually call them, then the others that it names. This order, and
   * that the first are taken unread, keeps the fingerprints in indexes as they are.
   */
  static List<Path> withExternalData(Path onnx) {
    Path file = onnx.toAbsolutePath();
    String name = file.getFileName().toString();
    Set<Path> files = new LinkedHashSet<>();
    try (Stream<Path> beside = Files.list(file.getParent())) {
      beside
          .filter(p -> p.getFileName().toString().startsWith(name) && Files.isRegularFile(p))
          .sorted()
          .forEach(files::add);
    } catch (IOException e) {
      throw new ModelException("Cannot list the folder of " + onnx + ": " + e.getMessage(), e);
    }
    files.addAll(named(file));
    return List.copyOf(files);
  }

  private static List<Path> named(Path onnx) {
    try {
      return OnnxExternalData.files(onnx);
    } catch (CheckpointException e) {
      // Only a backend for files of another kind, such as a test's, can have opened this model.
      log.debug("No ONNX model, so it names no other file: {}", onnx, e);
      return List.of();
    }
  }

  /** The digest of one file's bytes, or of the digests of several, in their order. */
  static String sha256(List<Path> files) {
    try {
      if (files.size() == 1) {
        return Sha256.hex(digestOf(files.get(0)));
      }
      MessageDigest all = Sha256.start();
      for (Path file : files) {
        all.update(digestOf(file));
      }
      return Sha256.hex(all.digest());
    } catch (IOException e) {
      throw new ModelException("Cannot read the model's files: " + e, e);
    }
  }

  private static byte[] digestOf(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(
          "Expected the file "
              + file
              + ", which another of the model's files names, found none. Copy it from the model's"
              + " page.");
    }
    if (Files.size(file) < REMEMBER_FROM) {
      return read(file);
    }
    String key = key(file);
    Path memo = CacheFolder.path().resolve("digests").resolve(Sha256.hex(Sha256.of(key)));
    try {
      if (Files.isRegularFile(memo)) {
        byte[] known = HexFormat.of().parseHex(Files.readString(memo).strip());
        if (known.length == 32) {
          return known;
        }
      }
    } catch (IOException | IllegalArgumentException e) {
      log.debug("Passing over an unreadable digest {}", memo, e);
    }
    byte[] digest = read(file);
    if (key(file).equals(key)) {
      remember(memo, digest);
    }
    return digest;
  }

  /** What a file's content cannot change without. */
  private static String key(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    String key =
        file.toRealPath() + "\n" + attributes.size() + "\n" + attributes.lastModifiedTime();
    // The file's store is not asked: in some containers its mount point cannot be found.
    return file.getFileSystem().supportedFileAttributeViews().contains("unix")
        ? key + "\n" + Files.getAttribute(file, "unix:ctime")
        : key;
  }

  private static void remember(Path memo, byte[] digest) {
    try {
      Files.createDirectories(memo.getParent());
      String line = Sha256.hex(digest) + "\n";
      AtomicFiles.write(memo, out -> out.write(line.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      log.debug("The digest is not remembered: {}", memo, e);
    }
  }

  private static byte[] read(Path file) throws IOException {
    MessageDigest digest = Sha256.start();
    ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (channel.read(buffer) >= 0) {
        digest.update(buffer.flip());
        buffer.clear();
      }
    }
    return digest.digest();
  }
}
