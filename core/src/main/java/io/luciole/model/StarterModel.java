package io.luciole.model;

import io.luciole.Role;
import io.luciole.internal.AtomicFiles;
import io.luciole.internal.CacheFolder;
import io.luciole.internal.TemporaryFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The model {@code starter}: bge-small-en-v1.5 in 8 bits, two resources of the artifact {@code
 * luciole-starter-model}, copied once to the cache folder because native libraries read files and
 * not class paths. The model's own {@code config.json} is a resource of this module.
 */
final class StarterModel {
  private static final String ONNX = "io/luciole/starter/bge-small-en-v1.5-q.onnx";
  private static final String TOKENIZER = "io/luciole/starter/bge-small-en-v1.5-q-tokenizer.json";
  private static final String CONFIG = "io/luciole/model/starter-config.json";
  private static final String MODEL_FILE = "model.onnx";
  private static final String TOKENIZER_FILE = "tokenizer.json";
  private static final String CONFIG_FILE = "config.json";
  private static final String ARTIFACT = "io.luciole:luciole-starter-model";

  /**
   * Components of the states that are 4 to 18 times the median of all, at their largest, over the
   * first 300 documents of NPL and the texts of the test's fixture: bench/cpu/outliers.py.
   */
  private static final Set<Integer> OUTLIERS = Set.of(63, 99, 127, 157, 223, 267, 319, 338);

  /**
   * An English model. Queries in English have 0.15 to 0.33 tokens a letter, in German 0.30 to 0.46,
   * in Russian, Arabic and Chinese 0.8 to 1.0: docs/quality.md.
   */
  private static final Familiarity ENGLISH = new Familiarity(0.28, 0.45);

  // From the model card of BAAI/bge-small-en-v1.5.
  private static final ModelDescription DESCRIPTION =
      new ModelDescription(
          OptionalInt.of(384),
          512,
          DenseRecipe.of(Pooling.CLS, true),
          Map.of(Role.QUERY, "Represent this sentence for searching relevant passages: "),
          Map.of(),
          Set.of(),
          OUTLIERS,
          ENGLISH,
          false);

  private static final Logger log = LoggerFactory.getLogger(StarterModel.class);

  private StarterModel() {}

  /**
   * The model's files: in the cache folder, or, where that cannot be written, in a temporary folder
   * that the JVM deletes as it exits.
   */
  static ModelFiles files() {
    Path folder = CacheFolder.path().resolve("models").resolve(ModelSource.STARTER);
    try {
      Files.createDirectories(folder);
      return unpack(folder);
    } catch (IOException e) {
      log.warn(
          "The starter model is unpacked to a temporary folder at each start, since {} cannot be"
              + " written: {}. Name another folder in LUCIOLE_CACHE.",
          folder,
          e.toString());
      return unpackForThisProcess(folder, e);
    }
  }

  private static ModelFiles unpackForThisProcess(Path cache, IOException cause) {
    try {
      return unpack(
          TemporaryFolder.create(
              "luciole-starter", List.of(MODEL_FILE, TOKENIZER_FILE, CONFIG_FILE)));
    } catch (IOException e) {
      e.addSuppressed(cause);
      throw new ModelException(
          "Cannot unpack the starter model to "
              + cache
              + " ("
              + cause
              + ") nor to a temporary folder ("
              + e
              + "). Free some space, or name another folder in LUCIOLE_CACHE.",
          e);
    }
  }

  private static ModelFiles unpack(Path folder) throws IOException {
    Path onnx = unpack(ONNX, folder.resolve(MODEL_FILE));
    Path tokenizer = unpack(TOKENIZER, folder.resolve(TOKENIZER_FILE));
    Path config = unpack(CONFIG, folder.resolve(CONFIG_FILE));
    return new ModelFiles(
        ModelSource.STARTER, folder, tokenizer, config, null, onnx, null, null, null, DESCRIPTION);
  }

  /** Copies a resource unless a file with the same bytes is there; a file is there whole or not. */
  private static Path unpack(String resource, Path file) throws IOException {
    if (Files.isRegularFile(file) && sameBytes(resource, file)) {
      return file;
    }
    try (InputStream in = open(resource)) {
      AtomicFiles.write(file, in::transferTo);
    }
    return file;
  }

  private static boolean sameBytes(String resource, Path file) throws IOException {
    try (InputStream expected = open(resource);
        InputStream found = Files.newInputStream(file)) {
      byte[] a;
      byte[] b;
      do {
        a = expected.readNBytes(1 << 16);
        b = found.readNBytes(1 << 16);
        if (!Arrays.equals(a, b)) {
          return false;
        }
      } while (a.length > 0);
      return true;
    }
  }

  private static InputStream open(String resource) {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    InputStream in = context == null ? null : context.getResourceAsStream(resource);
    if (in == null) {
      in = StarterModel.class.getClassLoader().getResourceAsStream(resource);
    }
    if (in == null) {
      throw new ModelException(
          "The model \""
              + ModelSource.STARTER
              + "\" is not on the class path (looked for "
              + resource
              + "). Add the artifact "
              + ARTIFACT
              + ".");
    }
    return in;
  }
}
