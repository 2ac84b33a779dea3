package io.luciole.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Models of the Hugging Face hub that are on this machine already.
 *
 * <pre>
 * Luciole   CACHE/models/ORG/NAME/
 * HF tools  $HF_HOME/hub/models--ORG--NAME/refs/main         the commit
 *           $HF_HOME/hub/models--ORG--NAME/snapshots/COMMIT/ the files
 * </pre>
 */
final class HubCache {
  private HubCache() {}

  /** Where Luciole keeps a hub model. */
  static Path folder(String hubName) {
    return CacheFolder.path().resolve("models").resolve(hubName);
  }

  /** The folder of a hub model that is here, Luciole's own before that of Hugging Face's tools. */
  static @Nullable Path find(String hubName) {
    Path own = folder(hubName);
    if (Files.isRegularFile(own.resolve("tokenizer.json"))) {
      return own;
    }
    Path repository = hubHome().resolve("models--" + hubName.replace("/", "--"));
    Path main = repository.resolve("refs").resolve("main");
    if (!Files.isRegularFile(main)) {
      return null;
    }
    try {
      Path snapshot = repository.resolve("snapshots").resolve(Files.readString(main).strip());
      return Files.isRegularFile(snapshot.resolve("tokenizer.json")) ? snapshot : null;
    } catch (IOException e) {
      throw new ModelException("Cannot read " + main + ": " + e.getMessage(), e);
    }
  }

  private static Path hubHome() {
    String hub = System.getenv("HF_HUB_CACHE");
    if (hub != null && !hub.isBlank()) {
      return Path.of(hub);
    }
    String home = System.getenv("HF_HOME");
    return home != null && !home.isBlank()
        ? Path.of(home, "hub")
        : Path.of(System.getProperty("user.home"), ".cache", "huggingface", "hub");
  }
}
