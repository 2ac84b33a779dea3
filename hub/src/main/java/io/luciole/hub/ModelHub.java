package io.luciole.hub;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.CacheFolder;
import io.luciole.internal.HubCache;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Fetches models from the Hugging Face hub, or a mirror of it, into Luciole's cache folder, where
 * {@link io.luciole.model.ModelSource} finds them by their hub name.
 *
 * <p>The environment is read once, when an instance is made: {@code HF_ENDPOINT} (the hub's
 * address), {@code HF_TOKEN} (or the token that Hugging Face's tools have stored in {@code
 * HF_HOME}), {@code HF_HUB_CACHE} (their cache), {@code LUCIOLE_OFFLINE} and {@code HF_HUB_OFFLINE}
 * (attempt no connection), {@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code ALL_PROXY} and {@code
 * NO_PROXY} (unless Java has a proxy set).
 *
 * <p>Safe for use by several threads; pulls of one model wait for each other, in other processes
 * too.
 */
public final class ModelHub {
  private final HubCache cache;
  private final HubSettings settings;
  private final HubTuning tuning;

  ModelHub(HubCache cache, HubSettings settings, HubTuning tuning) {
    this.cache = cache;
    this.settings = settings;
    this.tuning = tuning;
  }

  /**
   * The hub and the folders that this process's environment names.
   *
   * @return the hub, with no connection yet
   * @throws ModelException if a variable has an unusable value
   */
  public static ModelHub ofEnvironment() {
    return of(CacheFolder.path(), System.getenv());
  }

  /**
   * The hub and the folders under given settings.
   *
   * @param cacheFolder where models are kept; {@link io.luciole.model.ModelSource} looks only into
   *     the process's own: the system property {@code luciole.cache}, or the environment's {@code
   *     LUCIOLE_CACHE}, or {@code $XDG_CACHE_HOME/luciole}, or {@code ~/.cache/luciole}
   * @param environment the variables, in place of the process's own
   * @return the hub, with no connection yet
   * @throws ModelException if a variable has an unusable value
   */
  public static ModelHub of(Path cacheFolder, Map<String, String> environment) {
    requireNonNull(cacheFolder, "cacheFolder");
    return new ModelHub(
        HubCache.of(cacheFolder, environment), HubSettings.of(environment), HubTuning.DEFAULT);
  }

  /**
   * Brings a model's files onto this machine as they are on the hub now. Fetches only what is
   * needed and not here yet, and checks the size and digest of every file. A model of which Hugging
   * Face's tools hold all files stays in their cache and is used there.
   *
   * <p>The model's folder appears, or changes to a new version, at once and only when all is there;
   * what an unfinished pull has fetched is kept aside, and the next pull of the model goes on with
   * it. Files that others put into the folder stay. The folder holds one version of a model: a pull
   * of another revision takes the place of the last.
   *
   * @param hubName such as {@code BAAI/bge-m3}, or with a revision {@code BAAI/bge-m3@main}
   * @param options which revision and which form of the weights
   * @param listener told how it goes, on the calling thread
   * @return the model's folder
   * @throws IllegalArgumentException if this is no hub name, or the options name another revision
   * @throws ModelException if the model cannot be fetched, is not usable, or is not here and
   *     connections are forbidden; the message says what to do
   * @throws InterruptedException if the thread is interrupted; what has come is kept
   */
  public Path pull(String hubName, PullOptions options, PullListener listener)
      throws InterruptedException {
    requireNonNull(options, "options");
    requireNonNull(listener, "listener");
    HubCache.Reference reference =
        HubCache.Reference.parse(hubName).orElse(new HubCache.Reference(hubName, null));
    return pullNamed(reference.name(), with(reference, options), listener);
  }

  private static PullOptions with(HubCache.Reference reference, PullOptions options) {
    String revision = reference.revision();
    if (revision == null) {
      return options;
    }
    if (options.revision() != null && !revision.equals(options.revision())) {
      throw new IllegalArgumentException(
          "expected one revision, got " + revision + " with the name and " + options.revision());
    }
    return options.withRevision(revision);
  }

  private Path pullNamed(String hubName, PullOptions options, PullListener listener)
      throws InterruptedException {
    Path folder = cache.folder(hubName);
    if (options.offline() || settings.offline() != null) {
      return local(hubName, folder, options);
    }
    try (HubClient client = new HubClient(settings, tuning)) {
      HubErrors errors = new HubErrors(hubName, options.revisionOrMain(), settings);
      PullContext context = new PullContext(hubName, client, errors, tuning, listener);
      return new Pull(context, cache, folder, options).run();
    } catch (ModelException e) {
      if (e.getCause() instanceof ClosedByInterruptException) {
        Thread.interrupted();
        InterruptedException interrupted = new InterruptedException("interrupted while writing");
        interrupted.initCause(e);
        throw interrupted;
      }
      throw e;
    }
  }

  /** What is here of a model, without a connection. */
  private Path local(String model, Path folder, PullOptions options) {
    String revision = options.revision();
    Optional<Path> here =
        revision == null
            ? cache.find(new HubCache.Reference(model, null), ModelFiles::areIn)
            : Optional.of(folder)
                .filter(own -> HubCache.holds(own, revision))
                .or(() -> cache.snapshot(model, revision));
    String forbids = settings.offline();
    String remedy =
        (forbids == null ? "Pull it without --offline" : "Unset " + forbids + " and pull again")
            + ", or copy the folder from a machine that has it to "
            + folder
            + '.';
    if (here.isEmpty()) {
      throw new ModelException(
          "The model "
              + model
              + (revision == null ? "" : " of revision \"" + revision + '"')
              + " is not on this machine, and connections are forbidden. "
              + remedy);
    }
    Path found = here.get();
    try {
      FileChoice.check(model, names(found), options);
      return found;
    } catch (ModelException e) {
      throw new ModelException(
          "What is on this machine of a model is not all that was asked for: "
              + e.getMessage()
              + ' '
              + remedy,
          e);
    }
  }

  private static Set<String> names(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .filter(RemoteFile::isSafe)
          .collect(Collectors.toSet());
    } catch (IOException e) {
      throw new ModelException("Cannot list " + folder + ": " + e.getMessage(), e);
    }
  }
}
