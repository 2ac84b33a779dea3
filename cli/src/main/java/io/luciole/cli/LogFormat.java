package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;
import org.slf4j.MDC;

/** How log messages are written. */
enum LogFormat {
  /** {@code [WARN] Gateway - message}, for commands. */
  SHORT {
    @Override
    String line(LogRecord message) {
      return text(message);
    }
  },
  /** The same after the time, {@code 2026-11-29T10:00:00.123Z}, for servers. */
  TEXT {
    @Override
    String line(LogRecord message) {
      return time(message) + ' ' + text(message);
    }
  },
  /**
   * A JSON object a line, with {@code time}, {@code level}, {@code logger}, {@code message}, the
   * request's ids and, of an exception, its stack trace as {@code exception}. A line of the access
   * log has its own members in place of {@code message}.
   */
  JSON {
    @Override
    String line(LogRecord message) {
      return json(message);
    }
  };

  private static final String ACCESS_LOG = "io.luciole.server.access";

  /** Always with milliseconds, which {@link Instant#toString} leaves out if they are zero. */
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  /** Escapes all but ASCII, since the encoding of standard error is the system's choice. */
  private static final JsonFactory FACTORY =
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  /** Puts a message's parameters in. */
  private static final SimpleFormatter PARAMETERS = new SimpleFormatter();

  /** A message as one line, or more if it has an exception, with its end. */
  abstract String line(LogRecord message);

  private static String time(LogRecord message) {
    return TIME.format(message.getInstant());
  }

  private static String text(LogRecord message) {
    String name = String.valueOf(message.getLoggerName());
    return '['
        + level(message)
        + "] "
        + name.substring(name.lastIndexOf('.') + 1)
        + " - "
        + PARAMETERS.formatMessage(message)
        + System.lineSeparator()
        + trace(message);
  }

  private static String json(LogRecord message) {
    StringWriter line = new StringWriter();
    try (JsonGenerator out = FACTORY.createGenerator(line)) {
      out.writeStartObject();
      out.writeStringField("time", time(message));
      out.writeStringField("level", level(message));
      out.writeStringField("logger", message.getLoggerName());
      String text = PARAMETERS.formatMessage(message);
      if (ACCESS_LOG.equals(message.getLoggerName()) && text.matches("\\{\".*}")) {
        out.writeRaw(',' + text.substring(1, text.length() - 1));
      } else {
        out.writeStringField("message", text);
        Map<String, String> ids = MDC.getCopyOfContextMap();
        if (ids != null) {
          for (Map.Entry<String, String> id : ids.entrySet()) {
            out.writeStringField(id.getKey(), id.getValue());
          }
        }
        if (message.getThrown() != null) {
          out.writeStringField("exception", trace(message));
        }
      }
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return line.append('\n').toString();
  }

  private static String level(LogRecord message) {
    int level = message.getLevel().intValue();
    if (level >= Level.SEVERE.intValue()) {
      return "ERROR";
    }
    if (level >= Level.WARNING.intValue()) {
      return "WARN";
    }
    return level >= Level.INFO.intValue() ? "INFO" : "DEBUG";
  }

  private static String trace(LogRecord message) {
    if (message.getThrown() == null) {
      return "";
    }
    StringWriter trace = new StringWriter();
    message.getThrown().printStackTrace(new PrintWriter(trace));
    return trace.toString();
  }
}
