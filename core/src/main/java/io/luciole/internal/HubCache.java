package io.luciole.internal;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.model.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Models of the Hugging Face hub that are on this machine already.
 *
 * <pre>
 * Luciole   CACHE/models/ORG/NAME/                    one revision, named in {@value #MARKER}
 * HF tools  HUB/models--ORG--NAME/refs/REVISION       the commit
 *           HUB/models--ORG--NAME/snapshots/COMMIT/   the files
 * </pre>
 *
 * <p>Immutable. Nothing is written or downloaded here.
 */
public final class HubCache {
  /** The revision that a hub name without one means. */
  public static final String MAIN = "main";

  /** The hub's own rule: letters, digits, {@code _ . -}, the last two not at an end. */
  private static final Pattern NAME =
      Pattern.compile("\\w(?:[\\w.-]{0,94}\\w)?/\\w(?:[\\w.-]{0,94}\\w)?");

  /** The file in which a pull says what the folder holds. */
  public static final String MARKER = ".luciole-pull.json";

  private static final int LONGEST_REVISION = 255;
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{7,40}");

  private final Path luciole;
  private final Path huggingFace;

  /**
   * A hub model as people name it: {@code ORG/NAME}, or {@code ORG/NAME@REVISION}.
   *
   * @param name the hub name
   * @param revision a branch, a tag or a commit; null if none is named
   */
  public record Reference(String name, @Nullable String revision) {
    /** Reads a reference; empty if the text is none. */
    public static Optional<Reference> parse(String text) {
      int at = text.indexOf('@');
      String name = at < 0 ? text : text.substring(0, at);
      String revision = at < 0 ? null : text.substring(at + 1);
      return isName(name) && (revision == null || isRevision(revision))
          ? Optional.of(new Reference(name, revision))
          : Optional.empty();
    }

    @Override
    public String toString() {
      return revision == null ? name : name + '@' + revision;
    }
  }

  private HubCache(Path luciole, Path huggingFace) {
    this.luciole = luciole;
    this.huggingFace = huggingFace;
  }

  /** The folders that this process's environment names. */
  public static HubCache ofEnvironment() {
    return of(CacheFolder.path(), System.getenv());
  }

  /**
   * The folders under given settings.
   *
   * @param cacheFolder Luciole's own, as {@link CacheFolder#path()}
   * @param environment where {@code HF_HUB_CACHE}, {@code HF_HOME} and {@code XDG_CACHE_HOME} are
   *     looked up, in this order
   */
  public static HubCache of(Path cacheFolder, Map<String, String> environment) {
    requireNonNull(cacheFolder, "cacheFolder");
    requireNonNull(environment, "environment");
    return new HubCache(cacheFolder.resolve("models"), hub(environment));
  }

  /** Whether a text is a name that the hub can have, {@code ORG/NAME}. */
  public static boolean isName(String text) {
    return NAME.matcher(text).matches()
        && !text.contains("..")
        && !text.contains("--")
        && !text.endsWith(".git");
  }

  /** Whether a text can be a branch, a tag or a commit. */
  public static boolean isRevision(String text) {
    return !text.isBlank()
        && text.length() <= LONGEST_REVISION
        && !text.contains("..")
        && text.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '\\');
  }

  /**
   * Where Luciole keeps a hub model. The folder appears only when the model in it is complete.
   *
   * @throws IllegalArgumentException if this is no hub name
   */
  public Path folder(String hubName) {
    return luciole.resolve(checked(hubName));
  }

  /**
   * The folder of a hub model that is here and complete, Luciole's own before that of Hugging
   * Face's tools.
   *
   * @param reference without a revision, whichever Luciole's own folder holds, or else main
   * @param isComplete whether a snapshot of Hugging Face's tools has all that a model takes
   * @throws ModelException if the caches cannot be read
   */
  public Optional<Path> find(Reference reference, Predicate<Path> isComplete) {
    Path own = folder(reference.name());
    String revision = reference.revision();
    boolean isHere =
        Files.isRegularFile(own.resolve(ModelFileNames.TOKENIZER))
            && (revision == null || holds(own, revision));
    return isHere
        ? Optional.of(own)
        : snapshot(reference.name(), revision == null ? MAIN : revision).filter(isComplete);
  }

  /**
   * Whether a folder holds a revision as a pull says: one that was asked for by that name, or a
   * commit by its first seven digits at least.
   *
   * @param folder a folder, which need not exist
   * @param revision a branch, a tag or a commit
   */
  public static boolean holds(Path folder, String revision) {
    Path marker = folder.resolve(MARKER);
    if (!Files.isRegularFile(marker)) {
      return false;
    }
    try {
      JsonNode pulled = new ObjectMapper().readTree(Files.readAllBytes(marker));
      return pulled.path("revision").asText().equals(revision)
          || (COMMIT.matcher(revision).matches()
              && pulled.path("commit").asText().startsWith(revision));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * The snapshot folder of a revision in the cache of Hugging Face's tools, which often hold a part
   * of the files only.
   *
   * @param revision a branch, a tag or a commit
   * @throws IllegalArgumentException if this is no hub name
   * @throws ModelException if the cache cannot be read
   */
  public Optional<Path> snapshot(String hubName, String revision) {
    Path repository = huggingFace.resolve("models--" + checked(hubName).replace("/", "--"));
    Path snapshots = repository.resolve("snapshots");
    Path refs = repository.resolve("refs");
    Path reference = below(refs, revision);
    String commit = revision;
    if (reference != null && Files.isRegularFile(reference)) {
      try {
        commit = Files.readString(reference).strip();
      } catch (IOException e) {
        throw new ModelException("Cannot read " + reference + ": " + e.getMessage(), e);
      }
    }
    Path snapshot = below(snapshots, commit);
    return snapshot != null && Files.isDirectory(snapshot)
        ? Optional.of(snapshot)
        : Optional.empty();
  }

  private static String checked(String hubName) {
    if (!isName(requireNonNull(hubName, "hubName"))) {
      throw new IllegalArgumentException(
          "expected a hub name such as BAAI/bge-m3, got \"" + hubName + '"');
    }
    return hubName;
  }

  /** A path strictly beneath a folder, or null if the text leads anywhere else. */
  private static @Nullable Path below(Path folder, String text) {
    try {
      Path base = folder.normalize();
      Path path = base.resolve(text).normalize();
      return path.startsWith(base) && !path.equals(base) ? path : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  private static Path hub(Map<String, String> environment) {
    String hub = environment.getOrDefault("HF_HUB_CACHE", "");
    return hub.isBlank() ? home(environment).resolve("hub") : Path.of(hub);
  }

  /**
   * The home folder of Hugging Face's tools: {@code $HF_HOME}, or {@code
   * $XDG_CACHE_HOME/huggingface}, or {@code ~/.cache/huggingface}.
   */
  public static Path home(Map<String, String> environment) {
    String home = environment.getOrDefault("HF_HOME", "");
    if (!home.isBlank()) {
      return Path.of(home);
    }
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path caches = xdg.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
    return caches.resolve("huggingface");
  }
}
