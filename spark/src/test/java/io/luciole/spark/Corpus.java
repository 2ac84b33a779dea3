package io.luciole.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Documents that are made up by a seed, as files of JSON lines. */
final class Corpus {
  private static final int VOCABULARY = 2000;

  private Corpus() {}

  /** The id of a document. */
  static String id(int document) {
    return "d" + document;
  }

  /** The text of a document: 5 to 35 words, rare ones more seldom. */
  static String text(int document) {
    Random random = new Random(document);
    return IntStream.range(0, 5 + random.nextInt(30))
        .map(i -> (int) (VOCABULARY * random.nextDouble() * random.nextDouble()))
        .mapToObj(word -> Integer.toString(word, 36) + "ing")
        .collect(Collectors.joining(" "));
  }

  /** Texts to search for. */
  static List<String> queries(int count) {
    return IntStream.range(0, count).mapToObj(i -> text(-1 - i)).toList();
  }

  /**
   * Writes documents.
   *
   * @param folder gets the files; each becomes a partition of its own
   */
  static Path write(Path folder, int documents, int files) {
    try {
      Files.createDirectories(folder);
      for (int file = 0; file < files; file++) {
        List<String> lines = new ArrayList<>();
        for (int i = file; i < documents; i += files) {
          lines.add(
              "{\"id\":\""
                  + id(i)
                  + "\",\"text\":\""
                  + text(i)
                  + "\",\"year\":"
                  + (1900 + i % 100)
                  + "}");
        }
        Files.write(folder.resolve("documents-" + file + ".json"), lines);
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
