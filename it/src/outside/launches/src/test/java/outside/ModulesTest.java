package outside;

import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jars as modules, and the JDK's own modules that they need. */
class ModulesTest {
  private static final String PAGE = "in-your-jvm.md";

  @Test
  void jars_haveNames_andNoPackageInTwo() {
    List<ModuleDescriptor> modules =
        ModuleFinder.of(
                Jvm.libraries().stream()
                    // "ai.djl.pytorch_native_cpu_linux-x86_64" is no module's name.
                    .filter(jar -> !Jvm.name(jar).startsWith("pytorch-native"))
                    .toArray(Path[]::new))
            .findAll()
            .stream()
            .map(ModuleReference::descriptor)
            .toList();

    TreeSet<String> names =
        modules.stream()
            .map(ModuleDescriptor::name)
            .filter(name -> name.startsWith("io.luciole"))
            .collect(toCollection(TreeSet::new));
    assertThat(names)
        .containsExactly(
            "io.luciole.cli",
            "io.luciole.core",
            "io.luciole.djl",
            "io.luciole.guice",
            "io.luciole.hub",
            "io.luciole.lucene",
            "io.luciole.micrometer",
            "io.luciole.onnx",
            "io.luciole.server",
            "io.luciole.starter");
    Map<String, String> owners = new TreeMap<>();
    List<String> split = new ArrayList<>();
    for (ModuleDescriptor module : modules) {
      for (String inside : module.packages()) {
        String other = owners.put(inside, module.name());
        if (other != null && (other + module.name()).contains("io.luciole")) {
          split.add(inside + " in " + other + " and " + module.name());
        }
      }
    }
    assertThat(split).isEmpty();
  }

  @Test
  void modulePath_embeds_withTheModulesThatThePageNames() throws Exception {
    List<String> command =
        List.of(
            Jvm.java().toString(),
            Jvm.cache(),
            "--module-path",
            Jvm.classPath(Jvm.onnxLibraries()),
            "--add-modules",
            onPage("--add-modules ([a-z0-9.,]*io\\.luciole\\.onnx)"),
            "--add-opens",
            onPage("--add-opens ([^ `]+)"),
            "-m",
            "program/outside.Embed");

    assertThat(Jvm.run(command, Map.of())).containsExactly(Jvm.EMBEDDED);
  }

  @Test
  void linkedRunTime_withTheModulesThatThePageNames_embeds(@TempDir Path folder)
      throws Exception {
    Path image = folder.resolve("image");
    Jvm.run(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "jlink").toString(),
            "--add-modules",
            onPage("jlink --add-modules ([a-z.,]+)"),
            "--output",
            image.toString()),
        Map.of());

    List<String> command =
        List.of(
            image.resolve("bin/java").toString(),
            Jvm.cache(),
            "-cp",
            Jvm.classPath(Jvm.onnxLibraries()),
            "outside.Embed");
    assertThat(Jvm.run(command, Map.of())).containsExactly(Jvm.EMBEDDED);
  }

  private static String onPage(String pattern) throws IOException {
    String page = Files.readString(Path.of(System.getProperty("docs"), PAGE));
    Matcher matcher = Pattern.compile(pattern).matcher(page);
    assertThat(matcher.find()).as("%s has %s", PAGE, pattern).isTrue();
    return matcher.group(1);
  }
}
