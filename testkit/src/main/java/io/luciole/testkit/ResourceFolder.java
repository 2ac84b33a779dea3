package io.luciole.testkit;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A model must be a folder of files, which the resources of a jar are not. */
final class ResourceFolder {
  private ResourceFolder() {}

  /**
   * The folder of resources, which must not be changed; a copy of them if they are in a jar.
   *
   * @param name the resources' folder, without a slash at its begin and end
   * @param files their names
   */
  static Path of(String name, List<String> files) {
    URL first = resource(name, files.get(0));
    try {
      URI uri = first.toURI();
      return uri.getScheme().equals("file")
          ? requireNonNull(Path.of(uri).getParent(), "folder")
          : copy(name, files);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static URL resource(String name, String file) {
    String path = "/" + name + "/" + file;
    return requireNonNull(ResourceFolder.class.getResource(path), path);
  }

  private static Path copy(String name, List<String> files) throws IOException {
    Path folder = Files.createTempDirectory("luciole-" + name.replace('/', '-'));
    folder.toFile().deleteOnExit();
    for (String each : files) {
      Path file = folder.resolve(each);
      try (InputStream in = resource(name, each).openStream()) {
        Files.copy(in, file);
      }
      file.toFile().deleteOnExit();
    }
    return folder;
  }
}
