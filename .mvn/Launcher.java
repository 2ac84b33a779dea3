import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What {@code ./luciole} does, for luciole.cmd: builds the command from the checkout when there is nothing built or a source changed,
 * and runs it with the caller's arguments, environment and current directory. Runs from source, needs nothing but a JDK.
 *
 * <p>It keeps its own record of what the command was built from, {@code cli/target/luciole/sources}, in the folder that
 * {@code ./luciole} uses, too; {@code cli/target/launcher.lock} is locked while it builds.
 */
public final class Launcher {
  private final Path checkout;
  private final Path target;
  private final Path built;
  private final Path record;
  private final String profiles;

  private Launcher(Path checkout) {
    this.checkout = checkout;
    this.target = checkout.resolve("cli").resolve("target");
    this.built = target.resolve("luciole");
    this.record = built.resolve("sources");
    String asked = System.getenv("LUCIOLE_PROFILES");
    this.profiles = asked == null ? "" : asked;
  }

  /** Builds if that is needed, runs, and ends with the status of what ran. */
  public static void main(String[] args) throws Exception {
    Path checkout = Path.of(System.getProperty("luciole.checkout", ".")).toRealPath();
    Launcher launcher = new Launcher(checkout);
    try {
      launcher.buildUnlessDone();
    } catch (IOException e) {
      System.err.println("luciole: cannot build: " + e);
      System.exit(1);
    }
    System.exit(launcher.run(args));
  }

  // ---- Running

  private int run(String[] args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(java().toString());
    command.addAll(List.of("-Xlog:disable", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    if (Runtime.version().feature() >= 23) {
      command.add("--sun-misc-unsafe-memory-access=allow");
    }
    String options = System.getenv("LUCIOLE_JAVA_OPTS");
    if (options != null && !options.isBlank()) {
      command.addAll(Arrays.asList(options.strip().split(" +")));
    }
    command.addAll(List.of("-cp", built.resolve("lib") + File.separator + "*", "io.luciole.cli.Main"));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().put("LUCIOLE_COMMAND", System.getProperty("luciole.command", "luciole"));
    Process process = builder.start();
    // Ctrl-C reaches both: this one ends when the other has.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> waitFor(process)));
    return process.waitFor();
  }

  private static Path java() {
    return Path.of(System.getProperty("java.home"), "bin", "java");
  }

  private static void waitFor(Process process) {
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- Building

  private boolean isBuiltFrom(String sources) throws IOException {
    return Files.isRegularFile(record) && Files.readString(record).equals(sources);
  }

  private void buildUnlessDone() throws IOException, InterruptedException {
    if (isBuiltFrom(sources())) {
      return;
    }
    Files.createDirectories(target);
    try (FileChannel file = FileChannel.open(target.resolve("launcher.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = lock(file)) {
      String sources = sources();
      if (lock.isValid() && !isBuiltFrom(sources)) {
        build(sources);
      }
    }
  }

  private static FileLock lock(FileChannel file) throws IOException {
    FileLock free = file.tryLock();
    if (free != null) {
      return free;
    }
    System.err.println("luciole: another luciole is building; waiting for it");
    return file.lock();
  }

  private void build(String sources) throws IOException, InterruptedException {
    Path log = target.resolve("luciole-build.log");
    System.err.println("luciole: building, because " + (Files.exists(built) ? "the sources changed since the last build" : "nothing is built yet")
        + " (log: " + log + ")");
    Path made = target.resolve("luciole.new");
    delete(made);
    boolean windows = File.separatorChar == '\\';
    Process maven =
        new ProcessBuilder(checkout.resolve(windows ? "mvnw.cmd" : "mvnw").toString(), "-q", "-B",
                "-Plauncher" + (profiles.isEmpty() ? "" : "," + profiles), "-pl", "cli", "-am", "package")
            .directory(checkout.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    maven.getOutputStream().close();
    if (maven.waitFor() != 0) {
      List<String> lines = Files.readAllLines(log).stream().filter(line -> !line.strip().startsWith("at ")).toList();
      lines.subList(Math.max(0, lines.size() - 30), lines.size()).forEach(System.err::println);
      System.err.println("luciole: the build failed; these were the last lines of " + log);
      System.exit(1);
    }
    Files.writeString(made.resolve("sources"), sources);
    try {
      delete(built);
    } catch (FileSystemException e) {
      throw new IOException("expected to replace " + built + ", found it in use (" + e + "). Stop the luciole that runs, and call again.", e);
    }
    Files.move(made, built);
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  // ---- What a build reads

  /** A digest of the names and contents of all that a build reads, and of the profiles it is made with; editors' files do not count. */
  private String sources() throws IOException {
    Map<String, Path> files = new TreeMap<>();
    List<Path> roots = new ArrayList<>(List.of(checkout.resolve("pom.xml"), checkout.resolve(".mvn"), checkout.resolve("examples/corpus")));
    try (Stream<Path> modules = Files.list(checkout)) {
      modules.filter(Files::isDirectory).forEach(module -> roots.addAll(List.of(module.resolve("pom.xml"), module.resolve("src/main"))));
    }
    for (Path root : roots) {
      if (Files.exists(root)) {
        try (Stream<Path> all = Files.walk(root)) {
          all.filter(Files::isRegularFile).filter(Launcher::counts).forEach(file -> files.put(checkout.relativize(file).toString(), file));
        }
      }
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(profiles.getBytes());
      for (Map.Entry<String, Path> file : files.entrySet()) {
        digest.update(file.getKey().getBytes());
        digest.update(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file.getValue())));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean counts(Path file) {
    String name = file.getFileName().toString();
    return !name.startsWith(".") && !name.endsWith("~");
  }
}
