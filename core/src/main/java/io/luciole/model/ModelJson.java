package io.luciole.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads the JSON files of a model's folder; failures name the file. */
final class ModelJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** For whole files: text behind their value is refused, as Python refuses it. */
  private static final ObjectMapper FILES =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /**
   * A token that a tokenizer has beside its vocabulary.
   *
   * @param id its id, or -1 if the file gives none
   * @param special whether it is no text, such as a text's end
   */
  record AddedToken(String content, int id, boolean special) {}

  private ModelJson() {}

  /** The file's content, an object. */
  static JsonNode read(Path file) {
    try {
      JsonNode node = FILES.readTree(file.toFile());
      if (!node.isObject()) {
        throw new ModelException(
            "Expected a JSON object, found " + node.getNodeType() + " in " + file);
      }
      return node;
    } catch (IOException e) {
      throw new ModelException("Cannot read " + file + " as JSON: " + firstLine(e), e);
    }
  }

  /** The file's content, or a missing node if there is no such file. */
  static JsonNode readIfPresent(Path file) {
    return Files.isRegularFile(file) ? read(file) : MissingNode.getInstance();
  }

  /** The file's content, an array, or a missing node if there is no such file. */
  static JsonNode readArrayIfPresent(Path file) {
    if (!Files.isRegularFile(file)) {
      return MissingNode.getInstance();
    }
    try {
      JsonNode node = FILES.readTree(file.toFile());
      if (!node.isArray()) {
        throw new ModelException(
            "Expected a JSON array, found " + node.getNodeType() + " in " + file);
      }
      return node;
    } catch (IOException e) {
      throw new ModelException("Cannot read " + file + " as JSON: " + firstLine(e), e);
    }
  }

  /** The {@code added_tokens} of a {@code tokenizer.json}. */
  static List<AddedToken> addedTokens(Path tokenizer) {
    List<AddedToken> added = new ArrayList<>();
    for (JsonNode token : part(tokenizer, "added_tokens")) {
      added.add(
          new AddedToken(
              token.path("content").asText(),
              token.path("id").asInt(-1),
              token.path("special").asBoolean()));
    }
    return added;
  }

  /**
   * One part of a {@code tokenizer.json}, or a missing node. Reads no further than that: the
   * vocabulary behind it can have a quarter of a million entries.
   */
  static JsonNode part(Path tokenizer, String name) {
    try (JsonParser parser = new JsonFactory().createParser(tokenizer.toFile())) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new ModelException("Expected a JSON object in " + tokenizer);
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        if (field.equals(name)) {
          return JSON.readTree(parser);
        }
        parser.skipChildren();
      }
      return MissingNode.getInstance();
    } catch (IOException e) {
      throw new ModelException("Cannot read " + tokenizer + " as JSON: " + firstLine(e), e);
    }
  }

  private static String firstLine(IOException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
  }
}
