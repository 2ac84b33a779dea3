package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineKeys;
import io.luciole.LucioleConfig;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Chooses the model for an index: the one that the index names, if its files are on this machine,
 * or else the configured one. Whether the model is the right one is checked when the index is
 * opened with it, by the fingerprint in the index.
 */
public final class IndexModel {
  private IndexModel() {}

  /**
   * Opens an engine with the model of an index. Everything else is as configured; where there is no
   * index yet, so is the model.
   *
   * @param index the index's folder, which may be missing or empty
   * @param config the configuration
   * @return the engine, which is the caller's to close
   * @throws IndexException if the index cannot be read, or its model is not found by its name and
   *     none is configured
   * @throws io.luciole.LucioleException if the engine cannot be opened
   */
  public static EmbeddingEngine openEngine(Path index, LucioleConfig config) {
    EngineBuilder builder = EmbeddingEngine.builder(requireNonNull(config, "config"));
    choose(index, config, "set luciole.model to where it is").ifPresent(builder::model);
    return builder.open();
  }

  /**
   * The model to open for an index where the caller has named none.
   *
   * @param index the index's folder, which may be missing or empty
   * @param config the configuration
   * @param remedy what the exception tells the user to do, such as "say where it is with --model"
   * @return the name of the index's model; empty to use the configured model
   * @throws IndexException if the index cannot be read, or its model is not found by its name and
   *     none is configured
   */
  public static Optional<String> choose(Path index, LucioleConfig config, String remedy) {
    if (!exists(requireNonNull(index, "index"))) {
      return Optional.empty();
    }
    String name = IndexDescription.read(index).fingerprint().name();
    if (isHere(name)) {
      return Optional.of(name);
    }
    if (config.setting(EngineKeys.MODEL).isEmpty()) {
      throw new IndexException(
          "The index "
              + index
              + " was made with the model "
              + name
              + ", which cannot be found by that name; "
              + remedy);
    }
    return Optional.empty();
  }

  private static boolean isHere(String model) {
    if (model.equals(ModelSource.STARTER)) {
      return true;
    }
    try {
      return Files.isRegularFile(ModelSource.parse(model).resolve().tokenizer());
    } catch (ModelException e) {
      return false;
    }
  }

  /** Whether a folder holds a commit of Lucene's. */
  private static boolean exists(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (DirectoryStream<Path> commits = Files.newDirectoryStream(folder, "segments_*")) {
      return commits.iterator().hasNext();
    } catch (IOException e) {
      String reason =
          e instanceof AccessDeniedException denied
              ? "No permission to use " + denied.getFile()
              : e.getMessage();
      throw new IndexException("Cannot list the folder " + folder + ": " + reason, e);
    }
  }
}
