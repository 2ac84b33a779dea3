package io.luciole.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * Sends what is logged to standard error. All of it passes java.util.logging: SLF4J, which this
 * project and DJL log to, has it as its provider here, Helidon logs to System.Logger, whose default
 * it is, and Lucene uses it itself. Whoever configures it by {@code java.util.logging.config.file}
 * has their own way.
 */
final class Logging {
  /** Kept reachable, since java.util.logging drops unreachable loggers with their levels. */
  private static final List<Logger> LEVELS = new ArrayList<>();

  private static final Output OUTPUT = new Output();

  private Logging() {}

  /** To be called before anything else: makes what is logged during a shutdown appear. */
  static void lastUntilTheEnd() {
    if (System.getProperty("java.util.logging.manager") == null) {
      System.setProperty("java.util.logging.manager", LastingLogManager.class.getName());
    }
  }

  /** One short line a message; only warnings, and the access log, unless verbose. */
  static void configure(boolean verbose) {
    OUTPUT.format(LogFormat.SHORT);
    if (System.getProperty("java.util.logging.config.file") != null
        || System.getProperty("java.util.logging.config.class") != null) {
      return;
    }
    Logger root = Logger.getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    root.addHandler(OUTPUT);
    level("", verbose ? Level.INFO : Level.WARNING);
    level("io.luciole", verbose ? Level.FINE : Level.WARNING);
    level("io.luciole.server.access", Level.INFO);
    // DJL warns of GPUs that it does not use, and logs every library that it loads.
    level("ai.djl", verbose ? Level.INFO : Level.SEVERE);
  }

  private static void level(String name, Level level) {
    Logger logger = Logger.getLogger(name);
    logger.setLevel(level);
    LEVELS.add(logger);
  }

  /** Logs in another format from now on. */
  static void format(LogFormat format) {
    OUTPUT.format(format);
  }

  /** Whether messages to people have to be log messages, so that all of the output is JSON. */
  static boolean isJson() {
    return OUTPUT.format == LogFormat.JSON;
  }

  /**
   * Tells people something on standard error, in a log message if that is to be JSON.
   *
   * @param level the log message's level
   */
  static void tell(Console console, Level level, String message) {
    if (isJson()) {
      LogRecord told = new LogRecord(level, message);
      told.setLoggerName("luciole");
      OUTPUT.publish(told);
    } else {
      console.err().println("luciole: " + message);
    }
  }

  /** Writes each message in one piece, so that lines of several threads do not mix. */
  private static final class Output extends Handler {
    private volatile LogFormat format = LogFormat.SHORT;

    void format(LogFormat other) {
      this.format = other;
    }

    @Override
    public void publish(LogRecord message) {
      System.err.print(format.line(message));
    }

    @Override
    public void flush() {
      System.err.flush();
    }

    @Override
    public void close() {}
  }
}
