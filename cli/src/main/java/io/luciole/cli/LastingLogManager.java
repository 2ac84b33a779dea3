package io.luciole.cli;

import java.util.logging.LogManager;

/**
 * A log manager that logs until the process ends. The JDK's own takes the handlers away as soon as
 * a shutdown begins, while a server still answers what is under way. Public for the JDK alone,
 * which makes it by its name.
 */
public final class LastingLogManager extends LogManager {
  /** Called by the JDK. */
  public LastingLogManager() {}

  /** Does nothing: handlers stay. */
  @Override
  public void reset() {}
}
