package io.luciole.model;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Files of weights in a format that only a backend of its own reads ({@link
 * io.luciole.spi.BackendProvider#weightFormats}). They lie in the model's folder, beside {@code
 * tokenizer.json}.
 *
 * @param files the file's name, or a glob of the names, such as {@code weights.mlx} or {@code
 *     *.gguf}; see {@link java.nio.file.FileSystem#getPathMatcher}
 * @param description for people, such as "weights of MLX"
 */
public record WeightFormat(String files, String description) {
  /**
   * Checks the components.
   *
   * @throws IllegalArgumentException if the glob is blank or has a path
   */
  public WeightFormat {
    requireNonNull(description, "description");
    if (files.isBlank() || files.contains("/")) {
      throw new IllegalArgumentException(
          "expected a file's name or a glob of names, such as *.gguf, got \"" + files + '"');
    }
  }

  /**
   * The files of this format in a folder.
   *
   * @param folder the model's folder
   * @return the regular files, by name; empty if there are none
   * @throws ModelException if the folder cannot be listed
   */
  public List<Path> in(Path folder) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> matching = Files.newDirectoryStream(folder, files)) {
      for (Path file : matching) {
        if (Files.isRegularFile(file)) {
          found.add(file);
        }
      }
    } catch (IOException e) {
      throw new ModelException(
          "Cannot list the model's folder " + folder + ": " + e.getMessage(), e);
    }
    Collections.sort(found);
    return found;
  }

  /** {@return the files and what they are, for messages} */
  @Override
  public String toString() {
    return files + " (" + description + ')';
  }
}
