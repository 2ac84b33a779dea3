package io.luciole.server;

import com.google.inject.Inject;
import io.luciole.LucioleException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reloads files that change while the server runs. It looks once a second at their times, sizes and
 * identities, through symbolic links, so that files that are written anew, renamed or mounted (as
 * Kubernetes mounts secrets) are seen alike. Files are reloaded together when none of them has
 * changed for a second. If they cannot be used, the log says why, what was loaded before stays, and
 * they are tried again each second, since what was wrong may be mended without a change of theirs.
 */
final class FileWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FileWatch.class);
  private final Duration period;
  private final List<Watched> all = new ArrayList<>();
  private @Nullable ScheduledExecutorService clock;

  @Inject
  FileWatch() {
    this(Duration.ofSeconds(1));
  }

  /** Looks as often as told. */
  FileWatch(Duration period) {
    this.period = period;
  }

  /**
   * Watches files that were just loaded. To be called before {@link #start}.
   *
   * @param what what they are, for the log: "the keys"
   * @param reload loads them again, and throws a {@link LucioleException} if they cannot be used
   */
  void add(String what, List<Path> files, Runnable reload) {
    all.add(new Watched(what, List.copyOf(files), reload));
  }

  /** Starts to watch, on a thread of its own if there are files. */
  void start() {
    if (all.isEmpty()) {
      return;
    }
    ScheduledExecutorService started =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("luciole-files").factory());
    clock = started;
    var unused =
        started.scheduleWithFixedDelay(
            () -> all.forEach(Watched::look),
            period.toMillis(),
            period.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    if (clock != null) {
      clock.shutdownNow();
    }
  }

  /** Files that are reloaded together. Used by the watching thread after it was made. */
  private static final class Watched {
    private final String what;
    private final List<Path> files;
    private final Runnable reload;
    private String loaded;
    private String seen;
    private String told = "";

    Watched(String what, List<Path> files, Runnable reload) {
      this.what = what;
      this.files = files;
      this.reload = reload;
      this.loaded = state();
      this.seen = loaded;
    }

    void look() {
      String now = state();
      boolean settled = now.equals(seen);
      seen = now;
      if (!settled || now.equals(loaded)) {
        return;
      }
      try {
        reload.run();
        loaded = now;
        told = "";
        log.warn("Loaded {} again, from {}", what, files);
      } catch (LucioleException e) {
        tell(e.getMessage(), null);
      } catch (RuntimeException e) {
        tell("loading " + files + " failed: " + e, e);
      }
    }

    /** Logs a failure once, however often it repeats itself. */
    private void tell(@Nullable String failure, @Nullable Throwable cause) {
      String why = String.valueOf(failure);
      if (!why.equals(told)) {
        log.error("Kept {} as loaded before: {}", what, why, cause);
        told = why;
      }
    }

    /** What tells one state of the files from another. */
    private String state() {
      StringBuilder state = new StringBuilder();
      for (Path file : files) {
        try {
          BasicFileAttributes of = Files.readAttributes(file, BasicFileAttributes.class);
          state.append(of.lastModifiedTime()).append(' ').append(of.size()).append(' ');
          state.append(of.fileKey()).append('\n');
        } catch (IOException e) {
          state.append("none\n");
        }
      }
      return state.toString();
    }
  }
}
