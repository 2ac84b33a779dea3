package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * The metadata from which editors complete {@code application.properties} is what the declared keys
 * say. To rewrite it after a change of a key, run the command in {@link #COMMAND}.
 */
class ConfigurationMetadataTest {
  private static final Path FILE =
      Path.of("src/main/resources/META-INF/spring-configuration-metadata.json");

  private static final String COMMAND =
      "./mvnw -q -Pframeworks -pl spring-boot-starter -am test -Dtest=ConfigurationMetadataTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -Dluciole.test.rewrite=true";

  private static String metadata() throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode root = mapper.createObjectNode();
    root.putArray("groups").addObject().put("name", "luciole");
    ArrayNode properties = root.putArray("properties");
    for (Key<?> key : LucioleConfig.knownKeys()) {
      if (key.scope() == Key.Scope.EVERYWHERE) {
        describe(key, properties.addObject());
      }
    }
    describeHealth(properties.addObject());
    return mapper.writeValueAsString(root) + "\n";
  }

  private static void describe(Key<?> key, ObjectNode property) {
    boolean hasDefault = !(key.defaultValue() instanceof Optional);
    property.put("name", key.name());
    property.put("type", type(key.defaultValue()).getName());
    property.put(
        "description",
        "%s Values: %s.%s"
            .formatted(
                key.doc(), key.values(), hasDefault ? "" : " Default: " + key.defaultText() + "."));
    if (hasDefault) {
      property.put("defaultValue", key.defaultText());
    }
  }

  private static Class<?> type(Object value) {
    return switch (value) {
      case Boolean b -> Boolean.class;
      case Integer i -> Integer.class;
      case Duration d -> Duration.class;
      default -> String.class;
    };
  }

  private static void describeHealth(ObjectNode property) {
    property.put("name", "management.health.luciole.enabled");
    property.put("type", Boolean.class.getName());
    property.put("description", "Whether to enable Luciole's health indicator.");
    property.put("defaultValue", true);
  }

  @Test
  void metadata_saysWhatTheKeysSay() throws IOException {
    String expected = metadata();
    if (Boolean.getBoolean("luciole.test.rewrite")) {
      Files.writeString(FILE, expected);
    }
    assertThat(Files.exists(FILE) ? Files.readString(FILE) : "")
        .as("%s is out of date; to rewrite it: %s", FILE, COMMAND)
        .isEqualTo(expected);
    assertThat(expected)
        .contains("luciole.model")
        .contains("luciole.onnx.runs")
        .contains("luciole.index.folder");
  }
}
