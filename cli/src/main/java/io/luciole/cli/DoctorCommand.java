package io.luciole.cli;

import io.luciole.ConfigException;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineKeys;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.Role;
import io.luciole.internal.CacheFolder;
import io.luciole.model.EncoderConfig;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code luciole doctor}: looks at everything that a run needs and tries it. */
@Command(
    name = "doctor",
    description = {
      "Look at what is there, what is missing and how to get it: Java, vector kernels, backends,"
          + " devices, native libraries, model, cache, configuration.",
      "The exit status is 0 if the model can be used, 1 if not."
    },
    footer = {
      "",
      "Examples:",
      "  luciole doctor",
      "  luciole doctor --model BAAI/bge-m3 --device cuda:0",
      "  luciole doctor --model BAAI/bge-m3 --measure"
    })
final class DoctorCommand implements Callable<Integer> {
  private static final String SAMPLE = "Fireflies glow at dusk. 螢火蟲在黃昏發光。";

  private final PrintWriter out;
  private boolean usable = true;

  @Option(
      names = "--measure",
      description =
          "Also measure the model in each precision on this machine: speed, and the deviation from"
              + " fp32. Takes up to a minute a precision.")
  private boolean measures;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  DoctorCommand(Console console) {
    this.out = console.out();
  }

  @Override
  public Integer call() {
    out.println("Luciole " + Version.number());
    java();
    LucioleConfig config = configuration();
    cache();
    backends(config);
    model(config);
    if (measures && usable) {
      heading("Precisions");
      new PrecisionTable(engineOptions, config).lines().forEach(this::item);
    }
    out.println();
    out.println(
        usable
            ? "Ready. luciole verify proves the model's vectors."
            : "Not ready: see the lines marked FAIL.");
    return usable ? 0 : 1;
  }

  private void java() {
    heading("Java");
    Runtime runtime = Runtime.getRuntime();
    ok(
        System.getProperty("java.vm.name")
            + " "
            + Runtime.version()
            + " in "
            + System.getProperty("java.home"));
    ok(
        String.format(
            Locale.ROOT,
            "%s %s, %d processors, heap of up to %s",
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            runtime.availableProcessors(),
            ByteSize.format(runtime.maxMemory())));
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
      ok("vector kernels for Lucene are on (jdk.incubator.vector)");
    } else {
      note(
          "vector kernels for Lucene are off: searching vectors is slower. Switch them on with the"
              + " JVM's option --add-modules jdk.incubator.vector; ./luciole sets it");
    }
  }

  private LucioleConfig configuration() {
    heading("Configuration");
    LucioleConfig config;
    try {
      config = LucioleConfig.load().requireKnown();
    } catch (ConfigException e) {
      e.problems().forEach(this::fail);
      note("until this is mended, all that follows is tried with the defaults and the flags alone");
      config = LucioleConfig.of(Map.of());
    }
    Map<String, String> flags = engineOptions.flags();
    Set<String> known = new HashSet<>();
    for (Key<?> key : LucioleConfig.knownKeys()) {
      known.add(key.name());
      String name = key.scope() == Key.Scope.ENVIRONMENT ? key.variable() : key.name();
      String flag = flags.get(key.name());
      if (flag != null) {
        setting(name, flag, "flag");
      } else {
        config
            .setting(key)
            .ifPresentOrElse(
                setting -> setting(name, setting.value(), setting.origin()),
                () -> setting(name, key.defaultText(), "default"));
      }
    }
    config
        .settings()
        .forEach((name, setting) -> {
          if (!known.contains(name)) {
            setting(name, setting.value(), setting.origin() + "; its module is not here");
          }
        });
    return config;
  }

  private void setting(String name, String value, String origin) {
    item(String.format(Locale.ROOT, "%-33s %s   (%s)", name, value, origin));
  }

  private void cache() {
    heading("Cache");
    Path folder = CacheFolder.path().toAbsolutePath();
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, "doctor", ".part"));
      ok(
          folder
              + ", writable, "
              + ByteSize.format(size(folder))
              + " used, "
              + ByteSize.format(Files.getFileStore(folder).getUsableSpace())
              + " free");
    } catch (IOException e) {
      fail(
          "cannot write to "
              + folder
              + ": "
              + Failures.message(e)
              + ". Name another folder in LUCIOLE_CACHE");
    }
  }

  private static long size(Path folder) throws IOException {
    long[] sum = {0};
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            sum[0] += attributes.size();
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            // Gone in the meantime, or not ours to read.
            return FileVisitResult.CONTINUE;
          }
        });
    return sum[0];
  }

  private void backends(LucioleConfig config) {
    heading("Backends");
    Backends backends = Backends.find();
    for (BackendProvider provider : backends.providers()) {
      BackendProvider.Probe probe;
      try {
        probe = provider.probe();
      } catch (RuntimeException | LinkageError e) {
        note(provider.name() + ": cannot be asked for its devices: " + e);
        continue;
      }
      String devices =
          probe.devices().stream().map(Device::toString).collect(Collectors.joining(", "));
      if (devices.isEmpty()) {
        note(provider.name() + ": " + probe.version() + ", no usable device");
      } else {
        ok(provider.name() + ": " + probe.version() + ", devices " + devices);
      }
      probe.problems().forEach(this::note);
    }
    backends.broken().forEach(b -> note("cannot be loaded: " + b));
    try {
      Backends.Choice choice =
          backends.choose(inEffect(config, EngineKeys.BACKEND), device(config));
      ok(choice.provider().name() + " is chosen: " + choice.reason());
    } catch (LucioleException | IllegalArgumentException e) {
      fail(Failures.text(e));
    }
  }

  /** The one device in effect, as the engine's builder looks for it. */
  private Optional<Device> device(LucioleConfig config) {
    return inEffect(config, EngineKeys.DEVICE).flatMap(devices -> devices.stream().findFirst());
  }

  private <T> T inEffect(LucioleConfig config, Key<T> key) {
    String flag = engineOptions.flags().get(key.name());
    return flag != null ? key.parse(flag) : config.get(key);
  }

  private void model(LucioleConfig config) {
    String name = inEffect(config, EngineKeys.MODEL);
    heading("Model " + name);
    try {
      ModelFiles files = ModelSource.parse(name).resolve();
      ok("files in " + files.folder());
      ok("weights: " + weights(files));
      tokenizer(files);
      engine(config);
    } catch (LucioleException | IllegalArgumentException e) {
      fail(Failures.text(e));
    }
  }

  /** Which file runs, and what its encoder is where that is known. */
  private static String weights(ModelFiles files) {
    Path config = files.config();
    if (files.weights() != null && config != null) {
      EncoderConfig encoder = EncoderConfig.read(config);
      return String.format(
          Locale.ROOT,
          "the checkpoint %s, %d layers of %d components%s",
          files.weights().getFileName(),
          encoder.layers(),
          encoder.hidden(),
          encoder.architecture().hasLayersOfBert()
              ? ""
              : "; other layers than BERT's, for which CUDA devices have ONNX Runtime's own"
                  + " operators");
    }
    return files
        .onnxFile()
        .map(onnx -> "the ONNX file " + onnx)
        .orElse("of another kind than a checkpoint or an ONNX file");
  }

  private void tokenizer(ModelFiles files) {
    try (TextTokenizer tokenizer = TextTokenizer.open(files)) {
      int tokens = tokenizer.tokenize(SAMPLE, Role.PASSAGE).length();
      ok("tokenizer: native library loaded, a sample has " + tokens + " tokens");
    }
  }

  private void engine(LucioleConfig config) {
    long start = System.nanoTime();
    try (EmbeddingEngine engine = engineOptions.open(engineOptions.builder(config))) {
      long opened = System.nanoTime();
      int dimension = engine.backend().dimension();
      engine.embed(SAMPLE, EmbedOptions.passage()).join();
      long first = System.nanoTime();
      engine.embed(SAMPLE, EmbedOptions.passage()).join();
      long second = System.nanoTime();
      ok(
          String.format(
              Locale.ROOT,
              "runs on %s with %s (%s): %d dimensions, gives %s, texts of up to %d tokens",
              engine.backend().device(),
              engine.backend().version(),
              engine.backend().precision(),
              dimension,
              engine.backend().outputs().stream()
                  .sorted()
                  .map(io.luciole.Output::id)
                  .collect(Collectors.joining(", ")),
              engine.backend().maxTokens()));
      ok(
          String.format(
              Locale.ROOT,
              "opened in %.0f ms, first text in %.0f ms, second in %.1f ms",
              (opened - start) / 1e6,
              (first - opened) / 1e6,
              (second - first) / 1e6));
    }
  }

  private void heading(String title) {
    out.println();
    out.println(title);
  }

  private void ok(String text) {
    out.println("  ok    " + text);
  }

  private void note(String text) {
    out.println("  note  " + text);
  }

  private void item(String text) {
    out.println("        " + text);
  }

  private void fail(@Nullable String text) {
    usable = false;
    out.println("  FAIL  " + text);
  }
}
