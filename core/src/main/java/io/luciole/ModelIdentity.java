package io.luciole;

import io.luciole.internal.Sha256;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which model an engine has opened. Another version may take the place of its files while it runs,
 * as a pull does: then neither is the new fingerprint given to the old vectors, nor is a lost
 * device opened with the new weights. Safe for use by many threads.
 */
final class ModelIdentity {
  private static final int BLOCK = 1 << 14;
  private static final int BLOCKS = 256;

  private final ModelFiles files;
  private final Map<Path, String> states = new LinkedHashMap<>();
  private volatile @Nullable ModelFingerprint fingerprint;

  /** Notes how a model's files are; to be called before they are read. */
  ModelIdentity(ModelFiles files) {
    this.files = files;
    for (Path file : read(files)) {
      states.put(file, state(file));
    }
  }

  /** What backends read, which is more than the fingerprint is made of. */
  private static Set<Path> read(ModelFiles files) {
    Set<Path> read = new LinkedHashSet<>(fingerprinted(files));
    Stream.of(files.config(), files.onnx(), files.torchscript())
        .filter(Objects::nonNull)
        .forEach(read::add);
    read.addAll(files.ownWeights());
    return read;
  }

  private static List<Path> fingerprinted(ModelFiles files) {
    try {
      return files.fingerprinted();
    } catch (ModelException e) {
      return List.of(); // Whoever reads the model says what is wrong.
    }
  }

  /**
   * A file's size and a digest of blocks all over it, of the whole of a small one: another version
   * of weights differs everywhere, and the same content in a new copy is no change.
   */
  private static String state(Path file) {
    // No channel, which an interrupt of the thread would close.
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      long size = in.length();
      long step = Math.max(BLOCK, size / BLOCKS);
      MessageDigest digest = Sha256.start();
      byte[] block = new byte[BLOCK];
      for (long at = 0; at < size; at += step) {
        in.seek(at);
        int length = (int) Math.min(BLOCK, size - at);
        in.readFully(block, 0, length);
        digest.update(block, 0, length);
      }
      return size + " " + Sha256.hex(digest.digest());
    } catch (IOException e) {
      return "none";
    }
  }

  /**
   * The model's fingerprint, which the first call computes.
   *
   * @param dimension as {@link ModelFiles#fingerprint}
   * @param precision as {@link ModelFiles#fingerprint}
   * @throws ModelException if a file cannot be read, or has changed since it was noted
   */
  ModelFingerprint fingerprint(int dimension, String precision) {
    ModelFingerprint known = fingerprint;
    if (known == null) {
      try {
        known = files.fingerprint(dimension, precision);
      } finally {
        requireUnchanged(); // last, so that a change during the reading is seen, too
      }
      fingerprint = known;
    }
    return known;
  }

  /**
   * Fails if a file is not as it was noted.
   *
   * @throws ModelException if so
   */
  void requireUnchanged() {
    requireUnchanged(
        "the engine computes with the old ones. Close it and open it again, so that it has the new"
            + " ones.");
  }

  /**
   * As {@link #requireUnchanged}, at the end of opening: otherwise the tokenizer and the devices
   * may have different versions.
   *
   * @throws ModelException if a file is not as it was noted
   */
  void requireUnchangedSoFar() {
    requireUnchanged("open the engine again, once nobody writes them.");
  }

  private void requireUnchanged(String remedy) {
    states.forEach((file, state) -> {
      if (!state(file).equals(state)) {
        throw new ModelException(
            "Expected the model's files as they were when this engine was opened, found that "
                + file
                + " has changed: "
                + remedy);
      }
    });
  }
}
