package io.luciole.model;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;

/**
 * How many token ids a {@code tokenizer.json} has, read without keeping its vocabulary: the
 * greatest id in {@code model.vocab} (an object of ids, or an array of which the index is the id)
 * and in {@code added_tokens}, and one more.
 */
final class VocabularySize {
  private VocabularySize() {}

  static int read(Path file) {
    try (JsonParser json = new JsonFactory().createParser(file.toFile())) {
      int greatest = -1;
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals("added_tokens")) {
          greatest = Math.max(greatest, greatestAdded(json));
        } else if (name.equals("model") && json.currentToken() == JsonToken.START_OBJECT) {
          greatest = Math.max(greatest, greatestOfModel(json));
        } else {
          json.skipChildren();
        }
      }
      if (greatest < 0) {
        throw new ModelException("Expected a vocabulary in " + file + ", found none");
      }
      return greatest + 1;
    } catch (IOException e) {
      throw new ModelException("Cannot read the tokenizer " + file + ": " + e.getMessage(), e);
    }
  }

  private static int greatestAdded(JsonParser json) throws IOException {
    int greatest = -1;
    while (json.nextToken() == JsonToken.START_OBJECT) {
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals("id")) {
          greatest = Math.max(greatest, json.getIntValue());
        } else {
          json.skipChildren();
        }
      }
    }
    return greatest;
  }

  private static int greatestOfModel(JsonParser json) throws IOException {
    int greatest = -1;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      JsonToken value = json.nextToken();
      if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          json.nextToken();
          greatest = Math.max(greatest, json.getIntValue());
        }
      } else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
        while (json.nextToken() != JsonToken.END_ARRAY) {
          json.skipChildren();
          greatest++;
        }
      } else {
        json.skipChildren();
      }
    }
    return greatest;
  }
}
