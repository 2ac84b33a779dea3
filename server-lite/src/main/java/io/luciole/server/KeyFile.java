package io.luciole.server;

import io.luciole.ConfigException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * A file of keys with rights, in UTF-8, a key a line:
 *
 * <pre>
 * # SHA-256 of the key                                             name     rights
 * (64 hexadecimal digits)                                          shop     search
 * (64 hexadecimal digits)                                          indexer  embed,write
 * </pre>
 *
 * <p>Empty lines and lines that begin with {@code #} are passed over. Several keys may have one
 * name, so that a key can be replaced without a break. No message repeats a digest's text, which
 * may be a key by mistake.
 */
final class KeyFile {
  private KeyFile() {}

  /**
   * Reads a file.
   *
   * @return at least one key: a file that has none is one that is just being written
   * @throws ConfigException if it cannot be read, has no key, or a line is not of the form
   */
  static List<ApiKeys.Known> read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (CharacterCodingException e) {
      throw new ConfigException(
          "Expected keys in UTF-8, a line each, found other bytes in " + file, e);
    } catch (IOException e) {
      throw new ConfigException("Expected a file of keys, cannot read " + file, e);
    }
    List<ApiKeys.Known> keys = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      try {
        keys.add(key(line));
      } catch (IllegalArgumentException e) {
        throw new ConfigException(
            "Line " + (i + 1) + " of the keys in " + file + ": " + e.getMessage(), e);
      }
    }
    if (keys.isEmpty()) {
      throw new ConfigException(
          "Expected at least one key, a line each, found none in "
              + file
              + ". To let nobody call, remove the right ones and leave a key that nobody has.");
    }
    return keys;
  }

  private static ApiKeys.Known key(String line) {
    String[] parts = line.split("\\s+", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "expected three words, DIGEST NAME RIGHTS, found " + parts.length);
    }
    Set<Route.Access> rights = EnumSet.noneOf(Route.Access.class);
    for (String right : parts[2].split(",", -1)) {
      rights.add(right(right));
    }
    return new ApiKeys.Known(ServerKeys.parseDigest(parts[0]), parts[1], rights);
  }

  private static Route.Access right(String text) {
    for (Route.Access right : Route.Access.RIGHTS) {
      if (right.word().equals(text)) {
        return right;
      }
    }
    throw new IllegalArgumentException(
        "expected rights among embed, search, write and metrics, separated by commas, found \""
            + text
            + '"');
  }
}
