package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * The settings in a JSON file of a model's folder, read with their types. A value of another type
 * is refused with its key and the file: where a language without types would take {@code "false"}
 * for true, a guess would give other vectors. A key whose value is null says nothing.
 *
 * @param json an object; missing if there is no such file
 * @param file the file, for messages
 */
record SettingsFile(JsonNode json, Path file) {
  /** The settings of a file that must be there. */
  static SettingsFile read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(
          "Expected the settings of a module in "
              + file
              + ", found no such file. Copy it from the model's page, or run luciole pull again.");
    }
    return new SettingsFile(ModelJson.read(file), file);
  }

  /** The settings of a file that may be there. */
  static SettingsFile readIfPresent(Path file) {
    return new SettingsFile(ModelJson.readIfPresent(file), file);
  }

  /** Refuses keys whose meaning for the vectors is not known; null is no value. */
  SettingsFile requireKeys(Set<String> known) {
    json.properties()
        .forEach(entry -> {
          if (!known.contains(entry.getKey()) && !entry.getValue().isNull()) {
            throw new ModelException(
                "Expected keys of "
                    + new TreeSet<>(known)
                    + ", found \""
                    + entry.getKey()
                    + "\": "
                    + entry.getValue()
                    + " in "
                    + file
                    + ". Luciole does not know what it means for the vectors.");
          }
        });
    return this;
  }

  boolean has(String key) {
    return json.hasNonNull(key);
  }

  /** True or false. */
  boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!json.path(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return json.path(key).asBoolean();
  }

  /** A string. */
  Optional<String> text(String key) {
    if (!has(key)) {
      return Optional.empty();
    }
    if (!json.path(key).isTextual()) {
      throw wrong(key, "a string");
    }
    return Optional.of(json.path(key).asText());
  }

  /** A whole number of at least 1. */
  OptionalInt count(String key) {
    if (!has(key)) {
      return OptionalInt.empty();
    }
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1) {
      throw wrong(key, "a whole number of at least 1");
    }
    return OptionalInt.of(value.asInt());
  }

  /** A whole number of at least 1 that must be there. */
  int size(String key) {
    return count(key).orElseThrow(() -> wrong(key, "a whole number of at least 1"));
  }

  /** The refusal of a key's value. */
  ModelException wrong(String key, String expected) {
    JsonNode found = json.path(key);
    return new ModelException(
        "Expected "
            + expected
            + " for \""
            + key
            + "\", found "
            + (found.isMissingNode() ? "nothing" : found)
            + " in "
            + file
            + '.');
  }
}
