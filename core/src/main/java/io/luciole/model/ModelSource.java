package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.HubCache;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Names a model, as a user writes it:
 *
 * <ul>
 *   <li>an alias: {@code starter}, a small English model that comes with Maven;
 *   <li>a local folder with {@code tokenizer.json} and either a checkpoint ({@code config.json} and
 *       {@code model.safetensors} or {@code pytorch_model.bin}) or an ONNX file, or the path of an
 *       ONNX file in such a folder;
 *   <li>a hub name, {@code BAAI/bge-m3}, looked for in Luciole's cache folder and in that of
 *       Hugging Face's tools; with a branch, a tag or a commit, {@code BAAI/bge-m3@main}, only that
 *       is taken. Nothing is downloaded here.
 * </ul>
 *
 * <p>A path that exists wins over a hub name of the same text. The alias wins over a folder of its
 * name that has no {@code tokenizer.json} and so is no model's; {@code ./starter} always means the
 * folder.
 */
public final class ModelSource {
  /** The alias of the model that comes with Maven. */
  public static final String STARTER = "starter";

  private static final Logger log = LoggerFactory.getLogger(ModelSource.class);

  private final String text;
  private final @Nullable Path path;

  private ModelSource(String text, @Nullable Path path) {
    this.text = text;
    this.path = path;
  }

  /**
   * Reads what a user wrote. Does not touch the file system.
   *
   * @param text an alias, a path or a hub name
   * @return the source
   * @throws IllegalArgumentException if the text is blank
   */
  public static ModelSource parse(String text) {
    String name = requireNonNull(text, "text").strip();
    if (name.isEmpty()) {
      throw new IllegalArgumentException("expected a model: an alias, a folder or a hub name");
    }
    return new ModelSource(name, null);
  }

  /**
   * Names a local model.
   *
   * @param path a folder, or an ONNX file in one
   * @return the source
   */
  public static ModelSource path(Path path) {
    return new ModelSource(path.toString(), path);
  }

  /**
   * Finds the files and reads what they mean.
   *
   * @return the files and their description
   * @throws ModelException if there is no such model on this machine, or its files are wrong; the
   *     message says what to do
   */
  public ModelFiles resolve() {
    return resolve(List.of());
  }

  /**
   * Finds the files and reads what they mean, where backends read formats of their own. An engine
   * resolves its model with the formats of the backends that it can choose from.
   *
   * @param formats the formats, {@link io.luciole.spi.BackendProvider#weightFormats}
   * @return the files and their description
   * @throws ModelException as {@link #resolve()}
   */
  public ModelFiles resolve(List<WeightFormat> formats) {
    return resolve(Path.of(""), formats);
  }

  /** As {@link #resolve(List)}, in another working folder. */
  ModelFiles resolve(Path workingFolder, List<WeightFormat> formats) {
    Path local = path != null ? path : existing(workingFolder, text);
    if (path == null && text.equals(STARTER)) {
      if (local == null || !Files.exists(local.resolve(ModelFileNames.TOKENIZER))) {
        if (local != null) {
          log.info("{} is the alias; {} holds no model", STARTER, local.toAbsolutePath());
        }
        return StarterModel.files();
      }
      log.warn(
          "The model in {} is used, not the alias {}; move the folder to have the alias",
          local.toAbsolutePath(),
          STARTER);
    }
    if (local != null) {
      return ModelFolder.read(local, nameOf(local), formats);
    }
    HubCache.Reference reference = HubCache.Reference.parse(text).orElse(null);
    if (reference != null) {
      HubCache cache = HubCache.ofEnvironment();
      Path cached =
          cache.find(reference, folder -> ModelFolder.isComplete(folder, formats)).orElse(null);
      if (cached != null) {
        return ModelFolder.read(cached, text, formats);
      }
      throw new ModelException(missing(reference, cache));
    }
    throw new ModelException(
        "There is no model \""
            + text
            + "\": expected the alias "
            + STARTER
            + ", an existing folder, or a hub name such as BAAI/bge-m3.");
  }

  private String missing(HubCache.Reference reference, HubCache cache) {
    boolean isNamed = reference.revision() != null;
    return "The model "
        + text
        + " is not on this machine: found neither a folder of that name, nor "
        + (isNamed ? "the revision " + reference.revision() + " in " : "")
        + cache.folder(reference.name())
        + ", nor "
        + (isNamed ? "a snapshot of that revision" : "a snapshot")
        + " in the Hugging Face cache. Fetch it with: luciole pull "
        + text
        + (isNamed
            ? ". Behind @ stands a branch, a tag or a commit; without it any revision is taken."
            : "");
  }

  private static @Nullable Path existing(Path folder, String text) {
    try {
      Path path = folder.resolve(text);
      return Files.exists(path) ? path : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  private static String nameOf(Path path) {
    Path file = path.toAbsolutePath().normalize().getFileName();
    return file == null ? path.toString() : file.toString();
  }

  @Override
  public String toString() {
    return text;
  }
}
