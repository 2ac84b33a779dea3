package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** Reads values of a {@code config.json}; failures say what was expected, and name the file. */
record ConfigReader(JsonNode json, Path file) {
  /** The largest size that is accepted, so that products of sizes do not overflow. */
  private static final int MAX_SIZE = 1 << 24;

  /** The value of the first of these keys that is there and not null; missing if none is. */
  JsonNode first(String... keys) {
    return json.path(firstKey(keys));
  }

  private String firstKey(String... keys) {
    return Arrays.stream(keys).filter(json::hasNonNull).findFirst().orElse(keys[0]);
  }

  boolean has(String key) {
    return json.hasNonNull(key);
  }

  /** A size, under the first of these keys that is there. */
  int size(String... keys) {
    String key = firstKey(keys);
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong("a whole number \"" + key + '"', value);
    }
    if (value.asInt() < 1 || value.asInt() > MAX_SIZE) {
      throw wrong("\"" + key + "\" from 1 to " + MAX_SIZE, value);
    }
    return value.asInt();
  }

  int sizeOr(int otherwise, String key) {
    return has(key) ? size(key) : otherwise;
  }

  boolean flag(String key) {
    return json.path(key).asBoolean(false);
  }

  /** A number above 0. */
  double positive(double otherwise, String key) {
    double value = json.hasNonNull(key) ? json.path(key).asDouble() : otherwise;
    if (!(value > 0)) {
      throw wrong("\"" + key + "\" above 0", json.path(key));
    }
    return value;
  }

  /** What layer normalisation adds to the variance. */
  float epsilon(String key, double otherwise) {
    double epsilon = json.path(key).asDouble(otherwise);
    if (!(epsilon > 0 && epsilon < 1)) {
      throw wrong("\"" + key + "\" between 0 and 1", json.path(key));
    }
    return (float) epsilon;
  }

  EncoderConfig.Activation activation(String key, String otherwise) {
    EncoderConfig.Activation activation =
        EncoderConfig.ACTIVATIONS.get(json.path(key).asText(otherwise));
    if (activation == null) {
      throw wrong("\"" + key + "\" of " + EncoderConfig.ACTIVATIONS.keySet(), json.path(key));
    }
    return activation;
  }

  /** Refuses a value that says what is not computed; a key that is missing or null says nothing. */
  void refuseUnless(String key, String expected, Predicate<JsonNode> fits) {
    if (json.hasNonNull(key) && !fits.test(json.path(key))) {
      throw wrong("\"" + key + "\" " + expected, json.path(key));
    }
  }

  /** Refuses each of these keys that is true. */
  void refuseFlags(String... keys) {
    for (String key : keys) {
      refuseUnless(key, "false", value -> !value.asBoolean(true));
    }
  }

  /** Refuses each of these keys that has a value other than null, false and 0. */
  void refuseValues(String... keys) {
    for (String key : keys) {
      refuseUnless(
          key, "null", value -> value.isNumber() ? value.asDouble() == 0 : !value.asBoolean(true));
    }
  }

  /** The number of heads; the hidden size must be a multiple of it. */
  int heads(int hidden, String hiddenKey, String headsKey) {
    int heads = size(headsKey);
    if (hidden % heads != 0) {
      throw wrong(
          "\"" + hiddenKey + "\" to be a multiple of \"" + headsKey + "\" " + heads,
          json.path(hiddenKey));
    }
    refuseUnless("head_dim", "" + hidden / heads, value -> value.asInt() == hidden / heads);
    return heads;
  }

  ModelException wrong(String expected, JsonNode found) {
    return new ModelException(
        "Expected "
            + expected
            + ", found "
            + (found.isMissingNode() ? "nothing" : found)
            + " in "
            + file
            + ". Encoders of the types "
            + List.copyOf(EncoderFamily.types())
            + " can be run from their checkpoint; others need an ONNX export.");
  }
}
