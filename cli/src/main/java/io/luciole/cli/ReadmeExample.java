package io.luciole.cli;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.internal.ModelFileNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The example in the README of a sentence-transformers model, as its releases write it since 3.0:
 * sentences, and beneath them the similarities of each to each.
 *
 * <pre>{@code
 * sentences = [
 *     'The weather is lovely today.',
 *     "It's so sunny outside!",
 * ]
 * …
 * similarities = model.similarity(embeddings, embeddings)
 * # tensor([[1.0000, 0.6660],
 * #         [0.6660, 1.0000]])
 * }</pre>
 *
 * @param sentences embedded without a prompt
 * @param cosines a row and a column a sentence, to four places
 */
record ReadmeExample(List<String> sentences, List<List<Double>> cosines) {
  private static final Pattern SENTENCES =
      Pattern.compile("(?m)^sentences = \\[\\s*(.*?)^\\]", Pattern.DOTALL);

  /** A string of Python's on a line, without escapes that would need more than a backslash less. */
  private static final Pattern STRING =
      Pattern.compile(
          "(?m)^\\s*('(?:[^'\\\\\\n]++|\\\\['\"\\\\])*+'|\"(?:[^\"\\\\\\n]++|\\\\['\"\\\\])*+\"),?\\s*$");

  private static final Pattern TENSOR =
      Pattern.compile(
          "similarity\\(embeddings, embeddings\\).*?tensor\\(\\[(\\[.*?\\])\\]\\)", Pattern.DOTALL);

  private static final Pattern NUMBER = Pattern.compile("-?\\d+\\.\\d+(?:e-?\\d+)?");

  /** The example of a model's folder, if its README has one. */
  static Optional<ReadmeExample> in(Path folder) throws IOException {
    Path file = folder.resolve(ModelFileNames.README);
    return Files.isRegularFile(file) ? parse(Files.readString(file)) : Optional.empty();
  }

  static Optional<ReadmeExample> parse(String readme) {
    Matcher list = SENTENCES.matcher(readme);
    Matcher tensor = TENSOR.matcher(readme);
    if (!list.find() || !tensor.find(list.end())) {
      return Optional.empty();
    }
    List<String> sentences = new ArrayList<>();
    Matcher string = STRING.matcher(list.group(1));
    while (string.find()) {
      String quoted = string.group(1);
      sentences.add(quoted.substring(1, quoted.length() - 1).replaceAll("\\\\(.)", "$1"));
    }
    List<Double> numbers = new ArrayList<>();
    Matcher number = NUMBER.matcher(tensor.group(1));
    while (number.find()) {
      numbers.add(Double.valueOf(number.group()));
    }
    int n = sentences.size();
    if (n < 2 || numbers.size() != n * n || list.group(1).lines().count() != n) {
      return Optional.empty();
    }
    List<List<Double>> cosines =
        IntStream.range(0, n).mapToObj(i -> numbers.subList(i * n, (i + 1) * n)).toList();
    return Optional.of(new ReadmeExample(sentences, cosines));
  }

  /**
   * Compares a model with the example.
   *
   * @param allowed how far a cosine may be off
   */
  List<Check> compare(EmbeddingEngine engine, double allowed) {
    List<Embedding> embeddings =
        engine.embedAll(sentences, EmbedOptions.passage().outputs(Output.DENSE));
    List<Check> checks = new ArrayList<>();
    for (int i = 0; i < sentences.size(); i++) {
      for (int j = i + 1; j < sentences.size(); j++) {
        checks.add(
            new Check(
                "sentences " + (i + 1) + " and " + (j + 1),
                Cosine.of(embeddings.get(i).dense(), embeddings.get(j).dense()),
                cosines.get(i).get(j),
                allowed));
      }
    }
    return checks;
  }
}
