package io.luciole.cli;

import java.util.logging.Level;
import java.util.logging.Logger;

/** Configures the two logging systems that libraries use, before the first logger is created. */
final class Logging {
  /** Kept reachable, since java.util.logging drops unreachable loggers with their levels. */
  private static final Logger ROOT = Logger.getLogger("");

  private Logging() {}

  /** Sends messages to standard error, one short line each; only warnings, unless verbose. */
  static void configure(boolean verbose) {
    setUnlessSet("org.slf4j.simpleLogger.defaultLogLevel", verbose ? "debug" : "warn");
    setUnlessSet("org.slf4j.simpleLogger.showThreadName", Boolean.toString(verbose));
    setUnlessSet("org.slf4j.simpleLogger.showShortLogName", "true");
    setUnlessSet("org.slf4j.simpleLogger.levelInBrackets", "true");
    // The access log is shown without --verbose.
    setUnlessSet("org.slf4j.simpleLogger.log.io.luciole.server.access", "info");
    // DJL warns of GPUs that it does not use, and logs every library that it loads.
    setUnlessSet("org.slf4j.simpleLogger.log.ai.djl", verbose ? "info" : "error");
    // Lucene uses java.util.logging, which writes two lines a message by default.
    setUnlessSet(
        "java.util.logging.SimpleFormatter.format",
        verbose ? "[%4$s] %3$s - %5$s%6$s%n" : "[%4$s] %3$s - %5$s%n");
    ROOT.setLevel(verbose ? Level.INFO : Level.WARNING);
  }

  private static void setUnlessSet(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }
}
