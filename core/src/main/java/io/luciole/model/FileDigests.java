package io.luciole.model;

import io.luciole.internal.AtomicFiles;
import io.luciole.internal.CacheFolder;
import io.luciole.internal.ModelFileNames;
import io.luciole.internal.Sha256;
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
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SHA-256 of model files, remembered for large ones.
 *
 * <p>A remembered digest stands in a file of the cache folder, named by the SHA-256 of the file's
 * real path, size and modification time, so that a changed file is never taken for the old one.
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
   * An ONNX file and the files beside it whose names start with its own, where its weights may be.
   */
  static List<Path> withExternalData(Path onnx) {
    String name = onnx.getFileName().toString();
    try (Stream<Path> beside = Files.list(onnx.toAbsolutePath().getParent())) {
      return beside
          .filter(p -> p.getFileName().toString().startsWith(name) && Files.isRegularFile(p))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new ModelException("Cannot list the folder of " + onnx + ": " + e.getMessage(), e);
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
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    if (attributes.size() < REMEMBER_FROM) {
      return read(file);
    }
    String key =
        file.toRealPath() + "\n" + attributes.size() + "\n" + attributes.lastModifiedTime();
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
    remember(memo, digest);
    return digest;
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
