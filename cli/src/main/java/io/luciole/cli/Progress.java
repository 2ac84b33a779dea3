package io.luciole.cli;

import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows the progress of a long command on standard error: on a terminal a bar with rate and time
 * left, elsewhere a line every {@value #LINE_SECONDS} seconds. Not safe for use by several threads.
 */
final class Progress implements AutoCloseable {
  private static final int LINE_SECONDS = 30;
  private static final int BAR_COLUMNS = 79;

  private final Console console;
  private final String task;
  private final String unit;
  private final long unitSize;
  private final long total;
  private final long begin;
  private final long started = System.nanoTime();
  private final @Nullable ProgressBar bar;
  private long nextLine = started + LINE_SECONDS * 1_000_000_000L;
  private long count;

  /**
   * Starts.
   *
   * @param total the number of units there will be, or -1 if it is unknown
   */
  Progress(Console console, String task, String unit, long total) {
    this(console, task, unit, 1, total, 0);
  }

  /**
   * Starts in the middle, with numbers that are shown in a larger unit, such as MiB for bytes.
   *
   * @param unitSize how many make one unit that is shown
   * @param begin how many are done already; they do not count towards the rate
   */
  Progress(Console console, String task, String unit, long unitSize, long total, long begin) {
    this.console = console;
    this.task = task;
    this.unit = unit;
    this.unitSize = unitSize;
    this.total = total;
    this.begin = begin;
    this.count = begin;
    this.bar =
        console.drawsProgress()
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setUnit(" " + unit, unitSize)
                .startsFrom(begin, Duration.ZERO)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .showSpeed()
                .clearDisplayOnFinish()
                .setConsumer(new ConsoleProgressBarConsumer(console.err()))
                .build()
            : null;
  }

  /** Sets the total, if it was unknown at the start. */
  void expect(long estimate) {
    if (bar != null && total < 0) {
      bar.maxHint(estimate);
    }
  }

  /** Sets how many are done. */
  void to(long done) {
    count = done;
    if (bar != null) {
      bar.stepTo(done);
    } else if (System.nanoTime() - nextLine >= 0) {
      nextLine += LINE_SECONDS * 1_000_000_000L;
      console.err().println(task + ": " + counted() + " in " + duration(seconds()));
    }
  }

  /** Prints a message on a line above the bar. */
  void say(String message) {
    if (bar != null) {
      // Overwrites the bar, which is drawn again on the next line.
      console.err().print("\r" + " ".repeat(BAR_COLUMNS) + "\r");
    }
    console.err().println(message);
  }

  /** Seconds since the start. */
  double seconds() {
    return (System.nanoTime() - started) / 1e9;
  }

  /** A summary for the last message: {@code 11,429 documents in 41.2 s (277 a second)}. */
  String summary() {
    return summary(count - begin, seconds());
  }

  private String summary(long done, double seconds) {
    return String.format(
        Locale.ROOT,
        "%s %s in %s (%s%s a second)",
        shown(done),
        unit,
        duration(seconds),
        shown(Math.round(done / Math.max(seconds, 1e-3))),
        unitSize == 1 ? "" : " " + unit);
  }

  /**
   * As {@link #summary()}, of those units that count towards the result, with the rate of their
   * tokens.
   */
  String summary(long done, long tokens) {
    double seconds = seconds();
    String summary = summary(done, seconds);
    return String.format(
        Locale.ROOT,
        "%s, %,.0f tokens a second)",
        summary.substring(0, summary.length() - 1),
        tokens / Math.max(seconds, 1e-3));
  }

  private String counted() {
    return total < 0
        ? shown(count) + " " + unit
        : shown(count) + " of " + shown(total) + " " + unit;
  }

  private String shown(long number) {
    return unitSize == 1
        ? String.format(Locale.ROOT, "%,d", number)
        : String.format(Locale.ROOT, "%,.1f", number / (double) unitSize);
  }

  /** A duration for people: {@code 0.8 s}, {@code 2 min 05 s}. */
  static String duration(double seconds) {
    return seconds < 60
        ? String.format(Locale.ROOT, "%.1f s", seconds)
        : String.format(Locale.ROOT, "%d min %02d s", (long) seconds / 60, (long) seconds % 60);
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
