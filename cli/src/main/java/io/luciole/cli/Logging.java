package io.luciole.cli;

import java.util.logging.Level;
import java.util.logging.Logger;

/** Sets up the two logging systems beneath us, before the first logger is made. */
final class Logging {
  /** Kept, because java.util.logging forgets a logger's level with the logger. */
  private static final Logger ROOT = Logger.getLogger("");

  private Logging() {}

  /** Messages go to standard error, in one short line each; warnings only, unless verbose. */
  static void configure(boolean verbose) {
    setUnlessSet("org.slf4j.simpleLogger.defaultLogLevel", verbose ? "debug" : "warn");
    setUnlessSet("org.slf4j.simpleLogger.showThreadName", Boolean.toString(verbose));
    setUnlessSet("org.slf4j.simpleLogger.showShortLogName", "true");
    setUnlessSet("org.slf4j.simpleLogger.levelInBrackets", "true");
    // The server's access log is what its user looks at.
    setUnlessSet("org.slf4j.simpleLogger.log.io.luciole.server.access", "info");
    // DJL warns of GPUs that it will not use, and logs every library it loads.
    setUnlessSet("org.slf4j.simpleLogger.log.ai.djl", verbose ? "info" : "error");
    // Lucene uses java.util.logging, which writes two lines a message unless told otherwise.
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
