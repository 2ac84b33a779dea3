package io.luciole.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/** TorchScript files among those that end in {@code .pt}, as state dicts do, too. */
final class ScriptFiles {
  private ScriptFiles() {}

  /**
   * The one that DJL's {@code serving.properties} names, or the only one there is, or null.
   *
   * @throws ModelException if the one that is named is not there, or several are and none is named
   */
  static @Nullable Path find(Path folder) {
    Path named = ServingProperties.of(folder).module().orElse(null);
    if (named != null) {
      if (!Files.isRegularFile(named)) {
        throw new ModelException(
            "Expected the TorchScript file "
                + named
                + ", which serving.properties names in option.modelName, found none.");
      }
      return named;
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> found =
          files
              .filter(f -> f.toString().endsWith(".pt") && Files.isRegularFile(f) && isScript(f))
              .sorted()
              .toList();
      if (found.size() > 1) {
        throw new ModelException(
            "Expected one TorchScript file in "
                + folder
                + ", found "
                + found
                + ". Name the one to use.");
      }
      return found.isEmpty() ? null : found.get(0);
    } catch (IOException e) {
      throw new ModelException(
          "Cannot list the model's folder " + folder + ": " + e.getMessage(), e);
    }
  }

  /** Both kinds are zip files in one folder of any name; only programs have a folder of code. */
  private static boolean isScript(Path file) {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      return zip.stream().anyMatch(entry -> entry.getName().matches("[^/]+/code/.+"));
    } catch (IOException e) {
      return false;
    }
  }
}
