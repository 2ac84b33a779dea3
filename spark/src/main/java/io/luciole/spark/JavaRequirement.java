package io.luciole.spark;

/**
 * The Java that Luciole needs. This module's classes are compiled for Java 17, on which Spark runs,
 * so that they can say so; all other classes of Luciole cannot be loaded there. What Spark calls
 * first must call {@link #require} before it uses any of those.
 */
final class JavaRequirement {
  /** The oldest version on which Luciole runs. */
  static final int OLDEST = 21;

  private JavaRequirement() {}

  /** Refuses the Java of this process if it is too old. */
  static void require() {
    require(Runtime.version(), System.getProperty("java.home", "an unknown folder"));
  }

  /**
   * Refuses a Java that is too old.
   *
   * @param home where it is
   */
  static void require(Runtime.Version found, String home) {
    if (found.feature() < OLDEST) {
      throw new UnsupportedOperationException(
          "Luciole needs Java "
              + OLDEST
              + " or later on the driver and on every executor, found Java "
              + found
              + " in "
              + home
              + ". Use an image of Spark with Java "
              + OLDEST
              + ", or install one on each machine and name it by JAVA_HOME"
              + " (spark.executorEnv.JAVA_HOME for executors, spark.yarn.appMasterEnv.JAVA_HOME"
              + " for YARN's master).");
    }
  }
}
