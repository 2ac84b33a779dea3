package io.luciole.server;

import java.io.IOException;
import java.io.InputStream;

/** Reads files of this package from the jar. */
final class Resources {
  private Resources() {}

  static byte[] read(String name) throws IOException {
    try (InputStream in = Resources.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the build left out " + name);
      }
      return in.readAllBytes();
    }
  }
}
