package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Instant;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class LogFormatTest {
  private static LogRecord message(Level level, String logger, String text, Object... parameters) {
    LogRecord message = new LogRecord(level, text);
    message.setLoggerName(logger);
    message.setParameters(parameters);
    message.setInstant(Instant.parse("2026-11-29T10:00:00Z"));
    return message;
  }

  @AfterEach
  void forget() {
    MDC.clear();
  }

  private static JsonNode json(LogRecord message) throws IOException {
    String line = LogFormat.JSON.line(message);
    assertThat(line).endsWith("}\n").doesNotContainPattern("\\n.").containsPattern("^[ -~]*\n$");
    return new ObjectMapper().readTree(line);
  }

  @Test
  void json_isOneLine_whateverIsLogged() throws IOException {
    MDC.put("request_id", "a-1");
    LogRecord message =
        message(Level.SEVERE, "io.luciole.server.Gateway", "{0} failed:\n\"é\" 🐝", "POST");
    message.setThrown(new IllegalStateException("first\nsecond"));
    JsonNode line = json(message);
    assertThat(line.path("time").asText()).isEqualTo("2026-11-29T10:00:00.000Z");
    assertThat(line.path("level").asText()).isEqualTo("ERROR");
    assertThat(line.path("logger").asText()).isEqualTo("io.luciole.server.Gateway");
    assertThat(line.path("message").asText()).isEqualTo("POST failed:\n\"é\" 🐝");
    assertThat(line.path("request_id").asText()).isEqualTo("a-1");
    assertThat(line.path("exception").asText())
        .contains("IllegalStateException: first\nsecond", "LogFormatTest");
  }

  @Test
  void lineOfTheAccessLog_hasItsOwnMembers() throws IOException {
    MDC.put("request_id", "a-1");
    JsonNode line =
        json(
            message(
                Level.INFO,
                "io.luciole.server.access",
                "{\"method\":\"GET\",\"status\":200,\"request_id\":\"a-1\"}"));
    assertThat(line.path("status").asInt()).isEqualTo(200);
    assertThat(line.has("message")).isFalse();
    assertThat(line.path("level").asText()).isEqualTo("INFO");
    // Anything else there is a message like any other.
    assertThat(json(message(Level.INFO, "io.luciole.server.access", "{}")).path("message").asText())
        .isEqualTo("{}");
  }

  @Test
  void text_hasTheTime_andForCommandsHasNot() {
    LogRecord message = message(Level.WARNING, "io.luciole.server.Gateway", "hot");
    assertThat(LogFormat.TEXT.line(message))
        .isEqualToIgnoringNewLines("2026-11-29T10:00:00.000Z [WARN] Gateway - hot");
    assertThat(LogFormat.SHORT.line(message)).isEqualToIgnoringNewLines("[WARN] Gateway - hot");
    assertThat(LogFormat.SHORT.line(message(Level.FINE, "x", "quiet"))).startsWith("[DEBUG] x");
  }
}
