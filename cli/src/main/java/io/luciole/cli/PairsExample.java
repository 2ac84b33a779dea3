package io.luciole.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.CrossEncoder;
import io.luciole.PairScore;
import io.luciole.internal.ModelFileNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The example in the README of a reranker, as sentence-transformers writes it since release 5, or
 * as FlagEmbedding's authors do:
 *
 * <pre>{@code
 * pairs = [
 *     ['How many calories in an egg', 'There are on average between 55 and 80 calories in an egg.'],
 *     ['How many calories in an egg', 'Egg whites are very low in calories.'],
 * ]
 * scores = model.predict(pairs)
 * print(scores)
 * # [0.9923 0.0136]
 *
 * scores = reranker.compute_score([['what is panda?', 'hi'], ['what is panda?', 'A bear.']])
 * print(scores) # [-8.1875, 5.26171875]
 * }</pre>
 *
 * @param pairs query and passage of each
 * @param scores one a pair
 * @param isPredicted whether they are what sentence-transformers' {@code predict} gives, which
 *     applies the model's activation, and not the model's own
 */
record PairsExample(List<Pair> pairs, List<Double> scores, boolean isPredicted) {
  /** Figures have four digits, or were computed in fp16. */
  static final double PROBABILITY_DIGITS = 2e-3;

  static final double SCORE_DIGITS = 5e-2;

  private static final String STRING =
      "('(?:[^'\\\\\\n]++|\\\\['\"\\\\])*+'|\"(?:[^\"\\\\\\n]++|\\\\['\"\\\\])*+\")";

  private static final Pattern PAIR =
      Pattern.compile("\\[\\s*" + STRING + "\\s*,\\s*" + STRING + "\\s*\\]");

  /** All between the brackets must be pairs. */
  private static final String PAIRS =
      "\\[\\s*((?:\\[\\s*" + STRING + "\\s*,\\s*" + STRING + "\\s*\\]\\s*+,?+\\s*+)++)\\]";

  private static final String SCORES = "\\s*print\\(scores\\)\\s*#\\s*\\[([^\\]]*)\\]";

  private static final Pattern PREDICTED =
      Pattern.compile(
          "(?m)^pairs = " + PAIRS + "\\s*^scores = model\\.predict\\(pairs\\)\\s*" + SCORES);

  private static final Pattern COMPUTED =
      Pattern.compile("(?m)^scores = reranker\\.compute_score\\(" + PAIRS + "\\)" + SCORES);

  private static final Pattern NUMBER = Pattern.compile("-?\\d+\\.\\d*(?:e[+-]?\\d+)?");

  private static final ObjectMapper JSON = new ObjectMapper();

  /** A query and a passage. */
  record Pair(String query, String passage) {}

  /** The example of a model's folder, if its README has one. */
  static Optional<PairsExample> in(Path folder) throws IOException {
    Path file = folder.resolve(ModelFileNames.README);
    return Files.isRegularFile(file) ? parse(Files.readString(file)) : Optional.empty();
  }

  static Optional<PairsExample> parse(String readme) {
    return parse(PREDICTED.matcher(readme), true).or(() -> parse(COMPUTED.matcher(readme), false));
  }

  private static Optional<PairsExample> parse(Matcher example, boolean isPredicted) {
    if (!example.find()) {
      return Optional.empty();
    }
    List<Pair> pairs = new ArrayList<>();
    Matcher pair = PAIR.matcher(example.group(1));
    while (pair.find()) {
      pairs.add(new Pair(plain(pair.group(1)), plain(pair.group(2))));
    }
    List<Double> scores = new ArrayList<>();
    Matcher number = NUMBER.matcher(example.group(example.groupCount()));
    while (number.find()) {
      scores.add(Double.valueOf(number.group()));
    }
    return pairs.size() == scores.size()
        ? Optional.of(new PairsExample(pairs, scores, isPredicted))
        : Optional.empty();
  }

  private static String plain(String quoted) {
    return quoted.substring(1, quoted.length() - 1).replaceAll("\\\\(.)", "$1");
  }

  /**
   * Whether {@code predict} maps a model's scores to 0..1: it does unless a file names another
   * activation. Release 6 has it beside the prompts, 4 and 5 have it in {@code config.json}.
   *
   * @return empty if it names one that is neither this nor none
   */
  private static Optional<Boolean> isProbability(Path folder) throws IOException {
    JsonNode config = read(folder.resolve(ModelFileNames.CONFIG));
    String activation =
        Stream.of(
                read(folder.resolve(ModelFileNames.PROMPTS)).path("activation_fn"),
                config.path("sentence_transformers").path("activation_fn"),
                config.path("sbert_ce_default_activation_function"))
            .filter(JsonNode::isTextual)
            .map(JsonNode::asText)
            .findFirst()
            .orElse("Sigmoid");
    return switch (activation.substring(activation.lastIndexOf('.') + 1)) {
      case "Sigmoid" -> Optional.of(true);
      case "Identity" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  private static JsonNode read(Path file) throws IOException {
    return Files.isRegularFile(file) ? JSON.readTree(Files.readString(file)) : JSON.missingNode();
  }

  /**
   * Compares a reranker with the example.
   *
   * @param folder the model's folder
   * @param slack what its arithmetic adds to what the figures' digits allow
   * @return one check a pair; none if the model's activation is another than is computed here
   */
  List<Check> compare(CrossEncoder reranker, Path folder, double slack) throws IOException {
    Optional<Boolean> mapped = isPredicted ? isProbability(folder) : Optional.of(false);
    if (mapped.isEmpty()) {
      return List.of();
    }
    List<Check> checks = new ArrayList<>();
    for (int i = 0; i < pairs.size(); i++) {
      PairScore score = reranker.score(pairs.get(i).query(), pairs.get(i).passage()).join();
      boolean probability = mapped.get();
      checks.add(
          new Check(
              "score of pair " + (i + 1),
              probability ? score.probability() : score.value(),
              scores.get(i),
              // A probability's slope is at most a quarter.
              probability ? PROBABILITY_DIGITS + slack / 4 : SCORE_DIGITS + slack));
    }
    return checks;
  }
}
