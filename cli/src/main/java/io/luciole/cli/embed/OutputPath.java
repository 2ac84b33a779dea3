package io.luciole.cli.embed;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where an output's name leads. */
public final class OutputPath {
  /** Names of standard output. */
  private static final Set<String> STANDARD_OUTPUT =
      Set.of("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1");

  private static final int MOST_LINKS = 40;

  /**
   * A file and what names it.
   *
   * @param flag the flag, for messages
   * @param path the file
   */
  public record Named(String flag, Path path) {}

  private OutputPath() {}

  /**
   * Adds a file to a list, unless there is none.
   *
   * @param flag what names it, for messages
   * @param file the file, or null
   * @param to the list
   */
  public static void name(String flag, @Nullable Path file, List<Named> to) {
    if (file != null) {
      to.add(new Named(flag, file));
    }
  }

  /**
   * Tells whether a name is one of standard output.
   *
   * @param name what the user wrote
   * @return true if it is
   */
  public static boolean isStandardOutput(String name) {
    return STANDARD_OUTPUT.contains(name);
  }

  /**
   * Finds the file that is written or replaced: behind symbolic links, which stay. A device or a
   * pipe is found under its own name, since the links of {@code /dev/fd} lead to none.
   *
   * @param path what the user wrote
   * @return the file, absolute, which need not exist
   * @throws IOException if it is a folder, its folder does not exist, or it cannot be written
   */
  public static Path of(Path path) throws IOException {
    Path file = isStream(path) ? path.toAbsolutePath() : behindLinks(path);
    if (Files.isDirectory(file)) {
      throw new IOException("expected a file, found the folder " + path);
    }
    Path folder = file.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException("its folder " + folder + " does not exist");
    }
    if (!Files.isWritable(Files.exists(file) ? file : folder)) {
      throw new IOException("no permission to write " + file);
    }
    return file;
  }

  private static Path behindLinks(Path path) throws IOException {
    Path file = path.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(file); links++) {
      if (links == MOST_LINKS) {
        throw new FileSystemLoopException(path.toString());
      }
      file = file.resolveSibling(Files.readSymbolicLink(file)).normalize();
    }
    return file;
  }

  /**
   * Tells whether a file can only be written to as it is, as a device or a pipe.
   *
   * @param file the file
   * @return true if it can
   */
  public static boolean isStream(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
  }

  /**
   * Checks that no file is written that is also read, or written for another flag, by whatever
   * names. Devices and pipes are passed over.
   *
   * @param written the files that are to be written, which need not exist
   * @param read the files that are read
   * @throws IOException if one of the files to write is another one of both lists; the message
   *     names both flags
   */
  public static void requireOthers(List<Named> written, List<Named> read) throws IOException {
    List<Named> others = new ArrayList<>(read);
    for (Named file : written) {
      for (Named other : others) {
        if (isSame(file.path, other.path)) {
          throw new IOException(
              "Expected "
                  + file.flag
                  + " to overwrite no file that "
                  + other.flag
                  + " names, found "
                  + file.path
                  + ". Name another file for "
                  + file.flag
                  + ".");
        }
      }
      others.add(file);
    }
  }

  private static boolean isSame(Path one, Path other) throws IOException {
    if (Files.exists(one) && Files.exists(other)) {
      return Files.isRegularFile(one) && Files.isSameFile(one, other);
    }
    return !Files.exists(one) && !Files.exists(other) && place(one).equals(place(other));
  }

  /** Where a file would be made: the one name of its folder, if there is one, and its own. */
  private static Path place(Path path) throws IOException {
    Path file = behindLinks(path);
    Path folder = file.getParent();
    return folder != null && Files.isDirectory(folder)
        ? folder.toRealPath().resolve(file.getFileName())
        : file.normalize();
  }
}
