package io.luciole.bench;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Holds the layers that Maven does not: those between packages of one module, and who uses a module
 * that others may depend on for other reasons. What a class uses is read from its class file by the
 * JDK's {@code jdeps}. This module is the place, since all others are on its class path.
 */
class LayeringTest {
  private static final Pattern LINE =
      Pattern.compile("\\s+(io\\.luciole\\.\\S+)\\s+->\\s+(io\\.luciole\\.\\S+)\\s.*");

  private static Set<Use> uses = Set.of();

  /** A class and another that it uses. */
  private record Use(String from, String to) implements Comparable<Use> {
    @Override
    public int compareTo(Use o) {
      return toString().compareTo(o.toString());
    }

    @Override
    public String toString() {
      return from + " -> " + to;
    }
  }

  /**
   * A layer.
   *
   * @param users the classes that the rule is about
   * @param forbidden what they must not use
   * @param except what they may use of that
   */
  record Rule(String users, String forbidden, String except) {}

  /** Named after the layer that each holds; regular expressions of class names. */
  private static Stream<Rule> rules() {
    String root = "io\\.luciole\\.[A-Z].*";
    return Stream.of(
        // Models know nothing of the engine that runs them.
        new Rule(
            in("model(\\.checkpoint)?"), root, "io\\.luciole\\.(LucioleException|Output|Role)"),
        // The helpers beneath all know nothing of what is above them but where the cache folder is
        // set.
        new Rule(
            in("internal"),
            root + "|" + in("(?!internal\\.).*"),
            "io\\.luciole\\.(model\\.ModelException|Key|ProcessKeys)"),
        // Downloads are the command's alone.
        new Rule("(?!" + in("(hub|cli)") + ").*", in("hub"), ""),
        // A backend knows no search, no server and no command.
        new Rule(in("(onnx|djl)"), in("(lucene(\\.eval)?|server|cli|hub)"), ""),
        // Search does without its own evaluation.
        new Rule(in("lucene"), in("lucene\\.eval"), ""));
  }

  private static String in(String packages) {
    return "io\\.luciole\\." + packages + "\\.[A-Z].*";
  }

  @BeforeAll
  static void read() throws Exception {
    List<String> arguments = new ArrayList<>(List.of("-verbose:class", "-filter:none"));
    for (URL url :
        Collections.list(LayeringTest.class.getClassLoader().getResources("io/luciole"))) {
      arguments.add(root(url).toString());
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        ToolProvider.findFirst("jdeps")
            .orElseThrow()
            .run(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                arguments.toArray(String[]::new));
    assertThat(status).as("jdeps: %s", err.toString(StandardCharsets.UTF_8)).isZero();
    uses =
        out.toString(StandardCharsets.UTF_8)
            .lines()
            .map(LINE::matcher)
            .filter(Matcher::matches)
            .map(m -> new Use(m.group(1), m.group(2)))
            .collect(toSet());
  }

  /** The folder or jar of a module, by the address of a folder in it. */
  private static Path root(URL url) throws Exception {
    URLConnection connection = url.openConnection();
    if (connection instanceof JarURLConnection jar) {
      return Path.of(jar.getJarFileURL().toURI());
    }
    return Path.of(URI.create(url.toString())).resolve("../..").normalize();
  }

  @ParameterizedTest
  @MethodSource("rules")
  void classes_useNothingOfAnotherLayer(Rule rule) {
    Pattern users = Pattern.compile(rule.users());
    Pattern forbidden = Pattern.compile(rule.forbidden());
    Pattern except = Pattern.compile(rule.except() + "(\\$.*)?");
    TreeSet<Use> broken = new TreeSet<>();
    for (Use use : uses) {
      if (users.matcher(use.from()).matches()
          && forbidden.matcher(use.to()).matches()
          && !except.matcher(use.to()).matches()) {
        broken.add(use);
      }
    }
    assertThat(broken).isEmpty();
  }

  /** Without this, rules about classes that were not found would hold. */
  @Test
  void usesThatThereMustBe_areSeen() {
    Set<Use> expected = new TreeSet<>();
    expected.add(new Use("io.luciole.EmbeddingEngine", "io.luciole.model.ModelDescription"));
    expected.add(new Use("io.luciole.model.ModelSource", "io.luciole.internal.HubCache"));
    expected.add(new Use("io.luciole.internal.HubCache", "io.luciole.model.ModelException"));
    expected.add(new Use("io.luciole.hub.ModelHub", "io.luciole.internal.HubCache"));
    expected.add(new Use("io.luciole.cli.PullCommand", "io.luciole.hub.ModelHub"));
    expected.add(new Use("io.luciole.onnx.OnnxBackend", "io.luciole.spi.Backend"));
    expected.add(new Use("io.luciole.djl.DjlBackend", "io.luciole.spi.Backend"));
    expected.add(new Use("io.luciole.lucene.HybridSearcher", "io.luciole.EmbeddingEngine"));
    expected.add(new Use("io.luciole.server.LucioleServer", "io.luciole.EmbeddingEngine"));
    expected.removeAll(uses);
    assertThat(expected).isEmpty();
  }
}
