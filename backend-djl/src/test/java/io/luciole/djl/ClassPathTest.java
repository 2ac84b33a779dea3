package io.luciole.djl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.internal.NativePlatform;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Runs programs in JVMs with other class paths and environments than this one's. */
class ClassPathTest {
  /**
   * Runs a main class on this class path without the entries of these names; returns its output
   * with its log's warnings.
   */
  private static String run(
      Map<String, String> environment, List<String> without, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return run(environment, without, List.of(), main, arguments);
  }

  /** As above, with more entries at the start. */
  private static String run(
      Map<String, String> environment,
      List<String> without,
      List<String> with,
      Class<?> main,
      String... arguments)
      throws IOException, InterruptedException {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> without.stream().noneMatch(entry::contains))
            .collect(Collectors.joining(File.pathSeparator));
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/java");
    command.addAll(
        List.of(
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            String.join(File.pathSeparator, with)
                + (with.isEmpty() ? "" : File.pathSeparator)
                + classPath,
            main.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(printed).isZero();
    return printed;
  }

  private static String backends(List<String> without, String... arguments)
      throws IOException, InterruptedException {
    return run(Map.of(), without, BackendsMain.class, arguments);
  }

  // The services of backend-djl lie in its target folder or its jar; those of the test's own
  // classes are in test-classes.
  private static final List<String> NO_DJL =
      List.of("backend-djl/target/classes", "luciole-backend-djl");
  private static final List<String> NO_ONNX = List.of("backend-onnx");

  @Test
  void both_work_andOnnxIsFirst() throws Exception {
    assertThat(backends(List.of())).contains("chosen onnx");
    assertThat(backends(List.of(), "djl")).contains("chosen djl").doesNotContain("problem");
  }

  @Test
  void both_withoutAChoice_doNotLoadPyTorch(@TempDir Path cache) throws Exception {
    String printed = run(Map.of("DJL_CACHE_DIR", cache.toString()), List.of(), BackendsMain.class);

    assertThat(printed).contains("chosen onnx");
    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void either_works() throws Exception {
    assertThat(backends(NO_ONNX)).contains("chosen djl");
    assertThat(backends(NO_DJL)).contains("chosen onnx");
    assertThat(backends(NO_ONNX, "onnx"))
        .contains("error There is no backend \"onnx\" on the class path; found: djl.");
  }

  @Test
  void neither_namesTheArtifacts() throws Exception {
    List<String> without = new ArrayList<>(NO_DJL);
    without.addAll(NO_ONNX);

    assertThat(backends(without))
        .contains("error No Luciole backend is on the class path. Add io.luciole:luciole-backend-");
  }

  @Test
  void providerThatThrows_isNamed_andTheOthersStillOffered(@TempDir Path broken) throws Exception {
    Path services = Files.createDirectories(broken.resolve("META-INF/services"));
    Files.writeString(
        services.resolve(BackendProvider.class.getName()), BrokenProvider.class.getName());

    String printed =
        run(Map.of(), List.of(), List.of(broken.toString()), BackendsMain.class, "tensorrt");

    assertThat(printed)
        .contains("found: onnx, djl.")
        .contains("Found but not loadable")
        .contains(BrokenProvider.class.getName());
  }

  /** Its constructor throws. */
  public static final class BrokenProvider implements BackendProvider {
    /** Called by ServiceLoader. */
    public BrokenProvider() {
      throw new IllegalStateException("its library is missing");
    }

    @Override
    public String name() {
      return "broken";
    }

    @Override
    public Probe probe() {
      return new Probe("none", List.of(), List.of());
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      throw new IllegalStateException();
    }
  }

  /** The class path has the native libraries of another platform. */
  @Test
  void librariesOfAnotherPlatform_areNamed(@TempDir Path other) throws Exception {
    Path natives = Files.createDirectories(other.resolve("native/lib"));
    Files.writeString(
        natives.resolve("pytorch.properties"),
        "version=2.7.1-20250812\nflavor=cpu\nclassifier=win-x86_64\n");

    assertThat(
            run(
                Map.of(),
                List.of("pytorch-native"),
                List.of(other.toString()),
                BackendsMain.class,
                "djl"))
        .contains("problem PyTorch's native libraries for " + NativePlatform.name())
        .contains("found those for win-x86_64");
  }

  @Test
  void libraries_thatAreMissing_areNamed_andNotDownloaded() throws Exception {
    assertThat(backends(List.of("pytorch-native"), "djl"))
        .contains("problem PyTorch's native libraries for " + NativePlatform.name())
        .contains("ai.djl.pytorch:pytorch-native-cpu:2.7.1");
    assertThat(backends(List.of("pytorch-jni"), "djl"))
        .contains("problem PyTorch 2.7.1 needs ai.djl.pytorch:pytorch-jni:2.7.1-0.35.1");
    assertThat(backends(List.of("pytorch-engine"), "djl"))
        .contains("problem DJL's PyTorch classes are missing")
        .contains("ai.djl.pytorch:pytorch-engine:0.35.1");
  }

  @Test
  void embedding_contactsNobody() throws Exception {
    String printed = run(Map.of(), List.of(), SilentMain.class);

    assertThat(printed).contains("dense 96").contains("contacted []");
  }

  /** Where CUDA's toolkit is installed and no driver, DJL would warn. */
  @Test
  @DisabledIf("hasGpu")
  void embedding_logsNoWarning() throws Exception {
    String printed = run(Map.of(), List.of(), SilentMain.class);

    assertThat(printed).contains("dense 96").doesNotContain("CudaUtils");
  }

  static boolean hasGpu() {
    return Files.isDirectory(Path.of("/proc/driver/nvidia/gpus"));
  }

  /** No earlier run has unpacked anything, so DJL would download what it does not find. */
  @Test
  void embedding_withAnEmptyCache_unpacksAndContactsNobody(@TempDir Path cache) throws Exception {
    String printed = run(Map.of("DJL_CACHE_DIR", cache.toString()), List.of(), SilentMain.class);

    assertThat(printed).contains("dense 96").contains("contacted []");
    assertThat(cache.resolve("pytorch")).isNotEmptyDirectory();
  }

  /** The tests above would notice DJL's report: here it is asked for, and seen. */
  @Test
  void report_isSeenToBeContacting() throws Exception {
    String printed =
        run(Map.of("OPT_OUT_TRACKING", "false"), List.of(), SilentMain.class, "report");

    assertThat(printed).contains("dense 96").contains("169.254.169.254");
  }
}
