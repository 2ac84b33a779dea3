package io.luciole.cli.embed;

import static java.util.Objects.requireNonNull;

import io.luciole.LucioleException;
import io.luciole.internal.AtomicFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A file of vectors that appears whole or not at all, made in a folder beside it, {@code
 * NAME.part}, that outlasts an interruption: {@code journal.jsonl} says how far the work is, and
 * the files of a {@link VectorWriter} hold it, {@code errors.jsonl} the texts that failed. Opened
 * again with the same settings, the work goes on from the last checkpoint. {@link #finish} puts the
 * files in their places and removes the folder.
 *
 * <p>Checkpoints come at intervals, when the output is closed, and when the process is asked to
 * end. For one thread; the end of the process may come from another.
 */
public final class KeptOutput implements EmbedOutput {
  private static final String JOURNAL = "journal.jsonl";
  private static final String ERRORS = "errors.jsonl";

  /**
   * What is to be made.
   *
   * @param target the file
   * @param format its format
   * @param layout what is written of each text
   * @param settings what must be the same to go on with earlier work, by names for people
   * @param errors the file of errors, or null for none; that of the last run gets those of all
   */
  public record Job(
      Path target,
      VectorFormat format,
      VectorLayout layout,
      Map<String, String> settings,
      @Nullable Path errors) {
    /** Checks and copies the components. */
    public Job {
      requireNonNull(target, "target");
      settings = Map.copyOf(settings);
    }

    /** {@return the folder of the work} */
    public Path folder() {
      return folderOf(target);
    }
  }

  /**
   * The folder of the work on a file, which is removed when that is in its place.
   *
   * @param target the file
   * @return the folder, which need not exist
   */
  public static Path folderOf(Path target) {
    return target.resolveSibling(target.getFileName() + ".part");
  }

  private final Job job;
  private final OutputLock lock;
  private final Journal journal;
  private final VectorWriter vectors;
  private final AppendFile errorsKept;
  private final ErrorFile errors;
  private final Tally tally;
  private final long interval;
  private final Thread atExit;
  private long lastCheckpoint = System.nanoTime();
  private boolean ended;

  private KeptOutput(
      Job job,
      OutputLock lock,
      Journal journal,
      VectorWriter vectors,
      Duration interval,
      Runnable onExit)
      throws IOException {
    this.job = job;
    this.lock = lock;
    this.journal = journal;
    this.vectors = vectors;
    this.errorsKept = new AppendFile(job.folder().resolve(ERRORS), journal.last().errors());
    this.errors = new ErrorFile(errorsKept.stream());
    this.tally = new Tally(journal.last());
    this.interval = interval.toNanos();
    this.atExit = new Thread(() -> endOfProcess(onExit), "luciole-checkpoint");
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /**
   * Opens the output of a job and what is kept of it.
   *
   * @param job what is to be made
   * @param restart whether to begin anew whatever is kept
   * @param interval the time between checkpoints
   * @param onExit called when the process ends before the output is closed, after the last
   *     checkpoint
   * @return the output, behind the texts that are done
   * @throws IOException if the files cannot be made, or another process works on the same output
   * @throws LucioleException if what is kept has other settings
   */
  public static KeptOutput open(Job job, boolean restart, Duration interval, Runnable onExit)
      throws IOException {
    OutputLock lock = OutputLock.take(job.folder());
    try {
      return open(job, lock, restart, interval, onExit);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private static KeptOutput open(
      Job job, OutputLock lock, boolean restart, Duration interval, Runnable onExit)
      throws IOException {
    Path folder = job.folder();
    Files.createDirectories(folder);
    requireOurs(folder);
    if (restart) {
      clear(folder);
      Files.deleteIfExists(folder.resolve(JOURNAL));
    }
    Journal journal = new Journal(folder.resolve(JOURNAL));
    try {
      if (journal.settings() == null) {
        begin(job, journal);
      }
      requireSameSettings(job, requireNonNull(journal.settings()));
      return new KeptOutput(job, lock, journal, vectors(job, journal), interval, onExit);
    } catch (IOException | RuntimeException e) {
      journal.close();
      throw e;
    }
  }

  private static void begin(Job job, Journal journal) throws IOException {
    clear(job.folder());
    journal.begin(job.settings);
  }

  /** Removes all but the journal, which tells whose folder it is. */
  private static void clear(Path folder) throws IOException {
    for (Path file : files(folder)) {
      if (!file.endsWith(JOURNAL)) {
        Files.delete(file);
      }
    }
  }

  /** Opens the vectors; where the file was put in its place before, there is nothing to go on. */
  private static VectorWriter vectors(Job job, Journal journal) throws IOException {
    List<Long> positions = journal.last().positions();
    try {
      return job.format.open(job.folder(), job.layout, positions);
    } catch (NoSuchFileException e) {
      begin(job, journal);
      return job.format.open(job.folder(), job.layout, List.of());
    }
  }

  private static void requireOurs(Path folder) throws IOException {
    List<Path> files = files(folder);
    if (!files.isEmpty() && !Files.exists(folder.resolve(JOURNAL))) {
      throw new IOException(
          "Expected the work of an earlier luciole embed in "
              + folder
              + ", found other files; move them, or choose another output");
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private static void requireSameSettings(Job job, Map<String, String> kept) {
    TreeSet<String> names = new TreeSet<>(kept.keySet());
    names.addAll(job.settings.keySet());
    String differences =
        names.stream()
            .filter(name -> !kept.getOrDefault(name, "").equals(job.settings.get(name)))
            .map(name -> name + " " + shown(kept, name) + ", now " + shown(job.settings, name))
            .collect(Collectors.joining("; "));
    if (!differences.isEmpty()) {
      throw new LucioleException(
          "Expected the settings that the work in "
              + job.folder()
              + " was begun with, found others: "
              + differences
              + ". Go on with those, or begin again with --restart.");
    }
  }

  private static String shown(Map<String, String> settings, String name) {
    return settings.getOrDefault(name, "none");
  }

  @Override
  public void skipDone(TextSource source) throws IOException {
    long done = journal.last().texts();
    TextChain chain = new TextChain(TextChain.EMPTY);
    for (long i = 0; i < done; i++) {
      TextItem item;
      try {
        item = source.next();
      } catch (BadTextException e) {
        chain.add(null);
        continue;
      }
      if (item == null) {
        throw otherTexts("found only " + i);
      }
      chain.add(item);
    }
    if (!chain.toString().equals(journal.last().chain())) {
      throw otherTexts("found others");
    }
  }

  private LucioleException otherTexts(String found) {
    return new LucioleException(
        "Expected the "
            + journal.last().texts()
            + " texts that are embedded already in "
            + job.folder()
            + " at the beginning of the input, "
            + found
            + ". Give the same input, or begin again with --restart.");
  }

  @Override
  public synchronized void add(Outcome outcome) throws IOException {
    if (ended) {
      awaitEndOfProcess();
    }
    switch (outcome) {
      case Outcome.Embedded done -> vectors.write(done.item(), done.embedding());
      case Outcome.Failed failed -> errors.add(failed);
    }
    tally.add(outcome);
    if (vectors.isFull() || System.nanoTime() - lastCheckpoint >= interval) {
      checkpoint();
    }
  }

  /** The checkpoint of the end is made: what comes later would not count. */
  private void awaitEndOfProcess() {
    while (true) {
      try {
        wait();
      } catch (InterruptedException e) {
        // The process ends in any case.
      }
    }
  }

  private void checkpoint() throws IOException {
    List<Long> positions = vectors.sync();
    errors.flush();
    journal.add(tally.at(errorsKept.sync(), positions));
    lastCheckpoint = System.nanoTime();
  }

  private synchronized void endOfProcess(Runnable onExit) {
    if (ended) {
      return;
    }
    ended = true;
    try (lock) {
      checkpoint();
    } catch (IOException e) {
      // The last checkpoint before it counts.
    }
    onExit.run();
  }

  /** {@return the folder of the work} */
  public Path folder() {
    return job.folder();
  }

  @Override
  public void flush() {
    // Checkpoints do that.
  }

  @Override
  public synchronized Counts counts() {
    return tally.counts();
  }

  @Override
  public synchronized void finish() throws IOException {
    if (ended) {
      awaitEndOfProcess();
    }
    checkpoint();
    if (job.errors != null) {
      placeErrors(job.errors);
    }
    vectors.finish(job.target);
    try (lock) {
      end();
      remove();
    }
  }

  /** A copy, so that the folder is whole until the vectors leave it. */
  private void placeErrors(Path target) throws IOException {
    Path kept = job.folder().resolve(ERRORS);
    if (OutputPath.isStream(target)) {
      try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.WRITE)) {
        Files.copy(kept, out);
      }
    } else {
      AtomicFiles.write(target, out -> Files.copy(kept, out));
      AtomicFiles.force(target);
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (ended) {
      return;
    }
    try {
      if (tally.counts().texts() > journal.last().texts()) {
        checkpoint();
      }
    } finally {
      try (lock) {
        end();
        if (journal.last().texts() == 0) {
          remove();
        }
      }
    }
  }

  private void end() throws IOException {
    ended = true;
    try {
      vectors.close();
      errors.close();
    } finally {
      journal.close();
    }
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The process is ending: the hook will find that there is nothing to do.
    }
  }

  private void remove() throws IOException {
    for (Path file : files(job.folder())) {
      Files.deleteIfExists(file);
    }
    Files.deleteIfExists(job.folder());
  }
}
