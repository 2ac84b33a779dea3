package io.luciole;

import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which model an engine has opened. Another version may take the place of its files while it runs,
 * as a pull does: then neither is the new fingerprint given to the old vectors, nor is a lost
 * device opened with the new weights. Safe for use by many threads.
 */
final class ModelIdentity {
  private final ModelFiles files;
  private final Map<Path, String> states = new LinkedHashMap<>();
  private volatile @Nullable ModelFingerprint fingerprint;

  /** Notes how a model's files are; to be called before they are read. */
  ModelIdentity(ModelFiles files) {
    this.files = files;
    for (Path file : fingerprinted(files)) {
      states.put(file, state(file));
    }
  }

  private static List<Path> fingerprinted(ModelFiles files) {
    try {
      return files.fingerprinted();
    } catch (ModelException e) {
      return List.of(); // Whoever reads the model says what is wrong.
    }
  }

  /** Size and time of modification: a pull links files that stay, which changes other times. */
  private static String state(Path file) {
    try {
      BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
      return found.size() + " " + found.lastModifiedTime();
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
      known = files.fingerprint(dimension, precision);
      requireUnchanged(); // last, so that a change during the reading is seen, too
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
    states.forEach((file, state) -> {
      if (!state(file).equals(state)) {
        throw new ModelException(
            "Expected the model's files as they were when this engine was opened, found that "
                + file
                + " has changed: the engine computes with the old ones. Close it and open it"
                + " again, so that it has the new ones.");
      }
    });
  }
}
