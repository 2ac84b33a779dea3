package io.luciole.lucene;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.model.ModelFingerprint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Says in words wherein two models or two schemas differ, with what sets it. */
final class Differences {
  private static final String FIRST = "first:";
  private static final String PROMPT = "prompt:";
  private static final String NORMALIZE = "normalize";
  private static final String LOWER = "lower";

  private Differences() {}

  /** Whether two fingerprints are of the same weights and tokenizer. */
  static boolean areOfOneModel(ModelFingerprint one, ModelFingerprint other) {
    return one.weightsDigest().equals(other.weightsDigest())
        && one.tokenizerDigest().equals(other.tokenizerDigest());
  }

  /**
   * Wherein the vectors differ that one model has made under two settings.
   *
   * @param one the first settings' fingerprint
   * @param other the second's, of the same weights and tokenizer
   * @return the differences, such as {@code pooling: mean instead of cls (--pooling,
   *     luciole.pooling)}, with what {@code one} has first
   */
  static String between(ModelFingerprint one, ModelFingerprint other) {
    List<String> found = new ArrayList<>();
    if (one.dimension() != other.dimension()) {
      String both = one.dimension() + " instead of " + other.dimension();
      found.add("dimensions: " + both + " (--dimensions, luciole.dimensions)");
    }
    if (one.isSureOf(other)) {
      addRecipes(List.of(one.vectors().split(";")), List.of(other.vectors().split(";")), found);
    }
    return String.join("; ", found);
  }

  /** Compares {@link ModelFingerprint#vectors}, cut into their parts, of which pooling is first. */
  private static void addRecipes(List<String> one, List<String> other, List<String> found) {
    if (!one.get(0).equals(other.get(0))) {
      found.add(
          "pooling: "
              + one.get(0)
              + " instead of "
              + other.get(0)
              + " (--pooling, luciole.pooling)");
    }
    if (!modules(one).equals(modules(other))) {
      found.add("the modules behind the pooling (modules.json in the model's folder)");
    }
    if (one.contains(NORMALIZE) != other.contains(NORMALIZE)) {
      String normalized = "vectors of length 1";
      String asTheyAre = "vectors as they are";
      found.add(
          (one.contains(NORMALIZE)
                  ? normalized + " instead of " + asTheyAre
                  : asTheyAre + " instead of " + normalized)
              + " (--normalize, luciole.normalize)");
    }
    if (one.contains(LOWER) != other.contains(LOWER)) {
      found.add(
          (one.contains(LOWER) ? "texts in lower case" : "texts as they are")
              + " (do_lower_case in sentence_bert_config.json)");
    }
    if (!parts(one, PROMPT).equals(parts(other, PROMPT))) {
      found.add(
          prompts(parts(one, PROMPT).isEmpty(), parts(other, PROMPT).isEmpty())
              + " (--prompt, luciole.passage-prompt)");
    }
  }

  private static List<String> modules(List<String> vectors) {
    Predicate<String> isOther =
        part ->
            part.startsWith(FIRST)
                || part.startsWith(PROMPT)
                || part.equals(NORMALIZE)
                || part.equals(LOWER);
    return vectors.stream().skip(1).filter(isOther.negate()).toList();
  }

  private static List<String> parts(List<String> vectors, String prefix) {
    return vectors.stream().filter(part -> part.startsWith(prefix)).toList();
  }

  private static String prompts(boolean noneInOne, boolean noneInOther) {
    return noneInOne == noneInOther
        ? "another prompt for passages"
        : noneInOne
            ? "no prompt for passages instead of one"
            : "a prompt for passages instead of none";
  }

  /**
   * Wherein two schemas differ, by the names that their JSON has.
   *
   * @return the differences, such as {@code words.analyzer: "en" instead of "default"}, with what
   *     {@code one} has first
   */
  static String between(HybridSchema one, HybridSchema other) {
    List<String> found = new ArrayList<>();
    addMembers("", SchemaJson.tree(one), SchemaJson.tree(other), found);
    return String.join("; ", found);
  }

  private static void addMembers(String path, JsonNode one, JsonNode other, List<String> found) {
    if (one.isObject() && other.isObject()) {
      String prefix = path.isEmpty() ? "" : path + '.';
      for (String name : names(one, other)) {
        addMembers(prefix + name, one.path(name), other.path(name), found);
      }
    } else if (!one.equals(other)) {
      found.add(path + ": " + words(one) + " instead of " + words(other));
    }
  }

  private static Set<String> names(JsonNode... objects) {
    return Arrays.stream(objects)
        .flatMap(object -> object.properties().stream())
        .map(Map.Entry::getKey)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String words(JsonNode value) {
    return value.isMissingNode() ? "none" : value.toString();
  }
}
