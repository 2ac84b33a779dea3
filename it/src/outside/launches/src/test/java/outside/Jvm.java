package outside;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Starts programs in JVMs of their own, on class paths made of the libraries that Maven resolved. */
final class Jvm {
  /** What {@link Embed} prints. */
  static final String EMBEDDED = "embedded 2 texts, 384 numbers each";

  private static final String PYTORCH = "(luciole-backend-djl|pytorch-).*";

  private Jvm() {}

  /** All libraries. */
  static List<Path> libraries() {
    return jars(Path.of(System.getProperty("libraries")));
  }

  /** All but the second backend. */
  static List<Path> onnxLibraries() {
    return libraries().stream().filter(jar -> !name(jar).matches(PYTORCH)).toList();
  }

  /** All but the first backend. */
  static List<Path> djlLibraries() {
    return libraries().stream()
        .filter(jar -> !name(jar).matches("(luciole-backend-onnx|onnxruntime)-.*"))
        .toList();
  }

  /** Another version of a library, and what goes with it. */
  static List<Path> neighbours(String... names) {
    Path folder = Path.of(System.getProperty("neighbours"));
    return Arrays.stream(names).map(name -> folder.resolve(name + ".jar")).toList();
  }

  static String name(Path jar) {
    return jar.getFileName().toString();
  }

  static Path java() {
    return Path.of(System.getProperty("java.home"), "bin", "java");
  }

  /** A cache folder that all JVMs share. */
  static String cache() {
    return "-Dluciole.cache=" + System.getProperty("cache");
  }

  @SafeVarargs
  static String classPath(List<Path>... jars) {
    return String.join(
        File.pathSeparator, Arrays.stream(jars).flatMap(List::stream).map(Path::toString).toList());
  }

  /** Runs a main class; returns the lines of both outputs, without what the JVM itself warns of. */
  static List<String> run(String classPath, String main, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(java().toString(), cache(), "-cp", classPath, main));
    command.addAll(List.of(arguments));
    return run(command, Map.of());
  }

  /**
   * Runs a command, which must succeed. SLF4J's simple provider prints warnings; the JVM's own of
   * native access and of Unsafe, and lines between, are left out.
   */
  static List<String> run(List<String> command, Map<String, String> environment) throws Exception {
    Process process = start(command, environment);
    process.getOutputStream().close();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
    return lines.stream()
        .filter(line -> !line.startsWith("WARNING:") && !line.startsWith("NOTE:"))
        .filter(line -> !line.isBlank())
        .toList();
  }

  static Process start(List<String> command, Map<String, String> environment) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("LUCIOLE_"));
    builder
        .environment()
        .put("JDK_JAVA_OPTIONS", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static List<Path> jars(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> name(file).endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
