package io.luciole.lucene;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Random texts of a few hundred words, so that they share some. */
public final class Texts {
  private static final String[] WORDS = {
    "firefly",
    "light",
    "night",
    "search",
    "lucene",
    "vector",
    "sparse",
    "dense",
    "river",
    "stone",
    "glow",
    "insect",
    "wing",
    "summer",
    "field",
    "paper",
    "signal",
    "radio",
    "wave",
    "circuit",
    "memory",
    "storage",
    "digital",
    "measure",
    "dielectric",
    "constant",
    "liquid",
    "microwave",
    "Wasser",
    "Licht",
    "Nacht",
    "la",
    "nuit",
    "lumière",
    "звезда",
    "光",
    "夜",
    "نور",
    "evening",
    "train",
    "station",
    "bread",
    "salt",
    "sugar",
    "sea",
    "ship",
    "captain",
    "island",
    "map"
  };

  private final Random random;

  /** Creates a source of texts. */
  public Texts(long seed) {
    this.random = new Random(seed);
  }

  String text(int words) {
    return IntStream.range(0, words)
        .mapToObj(i -> WORDS[random.nextInt(WORDS.length)] + (random.nextInt(4) == 0 ? "s" : ""))
        .collect(Collectors.joining(" "));
  }

  /** Documents d0, d1, … */
  public List<SourceDocument> documents(int count) {
    List<SourceDocument> documents = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      documents.add(SourceDocument.of("d" + i, "", text(5 + random.nextInt(30))));
    }
    return documents;
  }
}
