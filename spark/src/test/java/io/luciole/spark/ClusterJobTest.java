package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.lucene.ShardManifest;
import io.luciole.testkit.MiniM3;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs of {@code spark-submit} on executors in processes of their own, which die or are slow. */
@Tag("long")
@Timeout(1800)
class ClusterJobTest {
  /** As many as NPL has. */
  private static final int DOCUMENTS = Integer.getInteger("luciole.test.documents", 11_429);

  private static final int PARTITIONS = 6;
  private static final String SUBMIT = "org.apache.spark.deploy.SparkSubmit";

  /** What Spark's programs take for its installation. */
  private static final Path HOME = Path.of("target/spark-home");

  @TempDir private Path folder;
  private Path target = Path.of("");
  private Path marks = Path.of("");
  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void prepare() throws IOException {
    target = folder.resolve("shards");
    marks = Files.createDirectory(folder.resolve("marks"));
    Corpus.write(folder.resolve("corpus"), DOCUMENTS, PARTITIONS);
    // What Spark's scripts want of an installation: a folder jars.
    Path jars = Files.createDirectories(HOME.resolve("jars"));
    for (String entry : classPath()) {
      if (entry.endsWith(".jar")) {
        Path jar = Path.of(entry);
        Path link = jars.resolve(jar.getFileName());
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, jar);
      }
    }
  }

  @AfterEach
  void end() throws InterruptedException {
    for (Process process : processes) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }

  private static List<String> classPath() {
    return Arrays.asList(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  private static String classFolders() {
    return String.join(
        File.pathSeparator, classPath().stream().filter(entry -> !entry.endsWith(".jar")).toList());
  }

  /** Starts a program of Spark's in a process of its own, whose output goes to a file. */
  private Process start(String name, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(name + ".log").toFile());
    builder.environment().put("SPARK_HOME", HOME.toAbsolutePath().toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.environment().put("SPARK_LOCAL_DIRS", folder.resolve("local").toString());
    builder.environment().put("SPARK_WORKER_DIR", folder.resolve("work").toString());
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  private List<String> submission(String master, String what, String... configuration) {
    List<String> arguments = new ArrayList<>(List.of(SUBMIT, "--master", master));
    List<String> all = new ArrayList<>(List.of(configuration));
    all.add("spark.ui.enabled=false");
    all.add("spark.driver.host=127.0.0.1");
    all.add("spark.executor.extraClassPath=" + classFolders());
    all.add("spark.sql.files.openCostInBytes=134217728");
    all.add("spark.executor.memory=512m");
    all.forEach(each -> arguments.addAll(List.of("--conf", each)));
    arguments.addAll(List.of("--class", OutsideJob.class.getName(), "spark-internal"));
    arguments.addAll(
        List.of(
            folder.resolve("corpus").toString(),
            target.toString(),
            MiniM3.folder().toString(),
            what,
            marks.toString()));
    return arguments;
  }

  private void run(List<String> submission) throws IOException, InterruptedException {
    Process job = start("job", submission);
    assertThat(job.waitFor(25, TimeUnit.MINUTES)).isTrue();
    assertThat(job.exitValue()).as(() -> log("job")).isZero();
  }

  private String log(String name) {
    try {
      String log = Files.readString(folder.resolve(name + ".log"));
      return log.substring(Math.max(0, log.length() - 8000));
    } catch (IOException e) {
      return e.toString();
    }
  }

  private void assertEachDocumentOnce() throws IOException {
    ShardManifest manifest = ShardManifest.find(target).orElseThrow();
    assertThat(manifest.documents()).isEqualTo(DOCUMENTS);
    Shards.assertOnlyShards(target);
    Shards.assertSameAsOneIndex(target, DOCUMENTS, folder);
  }

  @Test
  void executorThatIsHalted_isReplacedAndEachDocumentIsThereOnce() throws Exception {
    run(submission("local-cluster[2,1,1024]", "halt"));
    assertThat(marks.resolve("halt")).exists();
    assertEachDocumentOnce();
  }

  @Test
  void attemptThatLosesToASpeculativeOne_leavesNothing() throws Exception {
    int port = freePort();
    String uri = "spark://127.0.0.1:" + port;
    start(
        "master",
        List.of(
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            Integer.toString(port),
            "--webui-port",
            "0"));
    for (String host : List.of("127.0.0.2", "127.0.0.3")) {
      start(
          "worker-" + host,
          List.of(
              "org.apache.spark.deploy.worker.Worker",
              "--host",
              host,
              "--webui-port",
              "0",
              "--cores",
              "1",
              "--memory",
              "1g",
              uri));
    }
    run(
        submission(
            uri,
            "slow",
            "spark.speculation=true",
            "spark.speculation.interval=100ms",
            "spark.speculation.multiplier=1.1",
            "spark.speculation.quantile=0.5",
            "spark.job.interruptOnCancel=true"));
    assertThat(marks.resolve("slow")).exists();
    assertEachDocumentOnce();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
