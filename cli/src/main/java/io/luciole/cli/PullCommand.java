package io.luciole.cli;

import io.luciole.hub.ModelHub;
import io.luciole.hub.PullListener;
import io.luciole.hub.PullOptions;
import io.luciole.internal.CacheFolder;
import io.luciole.internal.HubCache;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code luciole pull}: fetches a model. Prints the model's folder. */
@Command(
    name = "pull",
    description = {
      "Fetch a model from the Hugging Face hub into the cache folder: only the files that are"
          + " needed, each checked. Prints the model's folder.",
      "What is here already is not fetched again, and an interrupted pull goes on where it stopped."
    },
    footer = {
      "",
      "Environment: HF_TOKEN for private and gated models, HF_ENDPOINT for a mirror, HF_HOME,",
      "HTTPS_PROXY and NO_PROXY, LUCIOLE_CACHE, LUCIOLE_OFFLINE=1 to forbid connections.",
      "",
      "Examples:",
      "  luciole pull BAAI/bge-m3",
      "  luciole pull BAAI/bge-m3 --revision 5617a9f61b028005a4858fdac845db406aefb181",
      "  luciole pull Xenova/bge-m3 --onnx-file onnx/model_quantized.onnx"
    })
final class PullCommand implements Callable<Integer> {
  private static final long MEGABYTE = 1_000_000;

  private final Console console;
  private final Map<String, String> environment;

  @Spec private CommandSpec command = CommandSpec.create();

  @Parameters(
      paramLabel = "NAME",
      converter = Name.class,
      description = "The model's name on the hub, such as BAAI/bge-m3, or with a revision NAME@R.")
  private String name = "";

  @Option(
      names = "--revision",
      paramLabel = "R",
      converter = Revision.class,
      description = "A branch, a tag or a commit; main if not given.")
  private @Nullable String revision;

  @Option(names = "--onnx", description = "Fetch the model's ONNX file in place of its checkpoint.")
  private boolean onnx;

  @Option(
      names = "--onnx-file",
      paramLabel = "FILE",
      converter = OnnxFile.class,
      description = "Which ONNX file, by its path in the repository, if not the usual one.")
  private @Nullable String onnxFile;

  @Option(
      names = "--offline",
      description = "Say where the model is on this machine, and attempt no connection.")
  private boolean offline;

  PullCommand(Console console, Map<String, String> environment) {
    this.console = console;
    this.environment = environment;
  }

  /** A hub name. */
  static final class Name implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      if (HubCache.Reference.parse(value).isEmpty()) {
        throw new TypeConversionException(
            "expected a name such as BAAI/bge-m3 or BAAI/bge-m3@main, got \"" + value + '"');
      }
      return value;
    }
  }

  /** A revision. */
  static final class Revision implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      return Choice.checked(() -> {
        PullOptions.DEFAULT.withRevision(value);
        return value;
      });
    }
  }

  /** An ONNX file. */
  static final class OnnxFile implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      return Choice.checked(() -> {
        PullOptions.DEFAULT.withOnnx(value);
        return value;
      });
    }
  }

  @Override
  public Integer call() {
    requireOneRevision();
    allowProxyLogins();
    ModelHub hub = ModelHub.of(CacheFolder.path(), environment);
    Path folder;
    try (Listener listener = new Listener()) {
      folder = hub.pull(name, options(), listener);
      listener.finish();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException(
          "Interrupted. What has come is kept: the same command goes on from there.", e);
    } catch (IllegalArgumentException e) {
      throw new CliException(Failures.text(e), e);
    }
    console.out().println(onnxFile == null ? folder : folder.resolve(onnxFile));
    return 0;
  }

  private void requireOneRevision() {
    String named = HubCache.Reference.parse(name).orElseThrow().revision();
    if (named != null && revision != null && !revision.equals(named)) {
      throw new ParameterException(
          command.commandLine(),
          "expected one revision, got " + named + " with the name and " + revision);
    }
  }

  private PullOptions options() {
    return new PullOptions(revision, onnx || onnxFile != null, onnxFile, offline);
  }

  /**
   * Allows the user and password of a proxy in the environment to be sent when opening a tunnel
   * through it, which Java forbids by default.
   */
  private static void allowProxyLogins() {
    String property = "jdk.http.auth.tunneling.disabledSchemes";
    if (System.getProperty(property) == null) {
      System.setProperty(property, "");
    }
  }

  /** Shows the progress of a pull on standard error. */
  private final class Listener implements PullListener, AutoCloseable {
    private @Nullable Progress progress;

    @Override
    public void waiting(Path lock) {
      console.err().println("Another pull of " + name + " is at work; waiting for it.");
    }

    @Override
    public void replacing(String old, String commit) {
      console
          .err()
          .println(
              "The folder of this model holds the revision "
                  + old
                  + " ("
                  + commit.substring(0, Math.min(8, commit.length()))
                  + "); this one takes its place.");
    }

    @Override
    public void planned(String commit, int files, long bytes, long presentBytes) {
      console
          .err()
          .println(
              String.format(
                  Locale.ROOT,
                  "%s at %s: %d files, %,.1f MB%s",
                  name,
                  commit.substring(0, 8),
                  files,
                  bytes / (double) MEGABYTE,
                  presentBytes == 0
                      ? ""
                      : String.format(
                          Locale.ROOT, ", %,.1f MB here", presentBytes / (double) MEGABYTE)));
      progress = new Progress(console, "Fetching", "MB", MEGABYTE, bytes, presentBytes);
    }

    @Override
    public void progress(String file, long fileBytes, long fileSize, long bytes, long totalBytes) {
      if (progress != null) {
        progress.to(bytes);
      }
    }

    @Override
    public void retrying(String what, String reason, Duration pause) {
      String message =
          String.format(
              Locale.ROOT,
              "luciole: %s: %s; again%s",
              what,
              reason,
              pause.isZero() ? "" : " in " + Progress.duration(pause.toMillis() / 1000.0));
      if (progress == null) {
        console.err().println(message);
      } else {
        progress.say(message);
      }
    }

    /** Prints a summary. */
    void finish() {
      if (progress != null) {
        close();
        console
            .err()
            .println(
                "Fetched "
                    + progress.summary()
                    + ". To prove its vectors: luciole verify --model "
                    + name);
      } else {
        console.err().println("Nothing to fetch: " + name + " is here.");
      }
    }

    @Override
    public void close() {
      if (progress != null) {
        progress.close();
      }
    }
  }
}
