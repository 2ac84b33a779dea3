package io.luciole.model;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * DJL's {@code serving.properties}, as its model zoo has them beside a text embedding model; empty
 * where a folder has none. What its keys mean is said by DJL's {@code TextEmbeddingTranslator}:
 * pooling by mean and normalised vectors unless they say otherwise.
 */
final class ServingProperties {
  private static final String NAME = "serving.properties";

  private final Path file;
  private final Properties properties = new Properties();
  private final boolean isThere;

  private ServingProperties(Path folder) {
    this.file = folder.resolve(NAME);
    this.isThere = Files.isRegularFile(file);
    if (isThere) {
      try (Reader reader = Files.newBufferedReader(file)) {
        properties.load(reader);
      } catch (IOException | IllegalArgumentException e) {
        throw new ModelException("Cannot read " + file + ": " + e.getMessage(), e);
      }
    }
  }

  static ServingProperties of(Path folder) {
    return new ServingProperties(folder);
  }

  /** The TorchScript file that they name, if they are for PyTorch. */
  Optional<Path> module() {
    String name = properties.getProperty("option.modelName", "").strip();
    if (!properties.getProperty("engine", "").strip().equals("PyTorch") || name.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(file.resolveSibling(name.endsWith(".pt") ? name : name + ".pt"));
  }

  /** How states become a vector, or null where there is no such file. */
  @Nullable Pooling pooling() {
    if (!isThere) {
      return null;
    }
    for (String key : new String[] {"dense", "layerNorm"}) {
      if (properties.containsKey(key)) {
        throw new ModelException(
            "Expected pooling alone behind the token states, found "
                + key
                + "="
                + properties.getProperty(key)
                + " in "
                + file
                + ", a layer that Luciole does not compute.");
      }
    }
    String written = properties.getProperty("pooling", "mean").strip();
    return switch (written) {
      case "cls" -> Pooling.CLS;
      case "mean" -> Pooling.MEAN;
      case "lasttoken" -> Pooling.LAST;
      default ->
          throw new ModelException(
              "Expected pooling=cls, mean or lasttoken, found \"" + written + "\" in " + file);
    };
  }

  /** Whether dense vectors are scaled to length 1. */
  boolean normalize() {
    return !properties.getProperty("normalize", "true").strip().equals("false");
  }

  /** The longest text in tokens, if they say. */
  OptionalInt maxLength() {
    String written = properties.getProperty("maxLength", "").strip();
    try {
      return written.isEmpty() ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(written));
    } catch (NumberFormatException e) {
      throw new ModelException(
          "Expected a whole number for maxLength, found \"" + written + "\" in " + file, e);
    }
  }
}
