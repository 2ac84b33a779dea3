package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.spi.Device;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LucioleConfigTest {
  @TempDir Path folder;
  private final Properties system = new Properties();

  @BeforeEach
  void writeFile() throws IOException {
    Files.writeString(
        folder.resolve("luciole.properties"),
        "luciole.backend = file\nluciole.device=cpu\nluciole.threads=3\n");
  }

  private static String origin(LucioleConfig config, Key<?> key) {
    return config.setting(key).orElseThrow().origin();
  }

  @Test
  void load_letsTheEnvironmentWinOverTheFileAndSystemPropertiesOverBoth() {
    system.setProperty("luciole.backend", "system");
    LucioleConfig config =
        LucioleConfig.load(
            folder,
            Map.of("LUCIOLE_BACKEND", "environment", "LUCIOLE_DEVICE", "cuda:1", "PATH", "/bin"),
            system,
            List.of());

    assertThat(config.get(EngineKeys.BACKEND)).contains("system");
    assertThat(config.get(EngineKeys.DEVICE)).contains(List.of(new Device("cuda", 1)));
    assertThat(config.get(EngineKeys.THREADS)).contains(3);
    assertThat(config.setting(EngineKeys.MODEL)).isEmpty();
    assertThat(config.get(EngineKeys.MODEL)).isEqualTo("starter");
    assertThat(origin(config, EngineKeys.DEVICE)).isEqualTo("environment variable LUCIOLE_DEVICE");
    assertThat(origin(config, EngineKeys.THREADS)).contains("luciole.properties");
  }

  @Test
  void load_readsTheFileThatIsNamedAndRefusesOneThatIsMissing() throws IOException {
    Path other = Files.writeString(folder.resolve("other.properties"), "luciole.threads=5");
    system.setProperty("luciole.config", other.toString());
    assertThat(LucioleConfig.load(folder, Map.of(), system, List.of()).get(EngineKeys.THREADS))
        .contains(5);

    system.setProperty("luciole.config", folder.resolve("none.properties").toString());
    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of(), system, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("none.properties");
  }

  @Test
  void unknownKey_isRefusedWithTheOneThatMayHaveBeenMeant() {
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.bakend", "onnx")))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(
            "Unknown setting luciole.bakend (given properties); did you mean luciole.backend?");
    assertThatThrownBy(
            () -> LucioleConfig.load(folder, Map.of("LUCIOLE_DEVISE", "cpu"), system, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("did you mean LUCIOLE_DEVICE?");
  }

  @Test
  void unknownSystemProperty_mayBeAnApplicationsOwn_andIsWarnedOfOnce() {
    system.setProperty("luciole.myapp", "1");
    system.setProperty("luciole.thread", "1");
    PrintStream usual = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      for (int i = 0; i < 2; i++) {
        LucioleConfig config = LucioleConfig.load(folder, Map.of(), system, List.of());
        assertThat(config.get(EngineKeys.THREADS)).contains(3);
        assertThat(EmbeddingEngine.builder(config)).isNotNull();
        assertThatThrownBy(config::requireKnown)
            .isInstanceOfSatisfying(
                ConfigException.class, e -> assertThat(e.problems()).hasSize(2));
      }
    } finally {
      System.setErr(usual);
    }
    assertThat(log.toString(StandardCharsets.UTF_8))
        .containsOnlyOnce("Unknown setting luciole.myapp (system property)")
        .containsOnlyOnce("did you mean luciole.threads?");
  }

  @Test
  void fileWithAByteOrderMark_isReadFromItsFirstLine() throws IOException {
    Files.writeString(
        folder.resolve("luciole.properties"), "\uFEFFluciole.threads=7\nluciole.device=cpu\n");

    LucioleConfig config = LucioleConfig.load(folder, Map.of(), system, List.of());

    assertThat(config.get(EngineKeys.THREADS)).contains(7);
  }

  @Test
  void fileThatIsNotUtf8_isRefusedWithTheLine() throws IOException {
    Files.write(
        folder.resolve("luciole.properties"),
        "luciole.threads=7\nluciole.model=/m\u00e4rz\n".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of(), system, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.properties")
        .hasMessageContaining("UTF-8, found other bytes in line 2");
  }

  @Test
  void offlineWithAnotherWord_isRefused() {
    assertThatThrownBy(
            () -> LucioleConfig.load(folder, Map.of("LUCIOLE_OFFLINE", "maybe"), system, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.offline (environment variable LUCIOLE_OFFLINE)")
        .hasMessageContaining("\"maybe\"");
  }

  @Test
  void variablesOfOthers_areLeftAlone() {
    LucioleConfig config =
        LucioleConfig.load(folder, Map.of("LUCIOLE_JAVA_OPTS", "-Xmx1g"), system, List.of());

    assertThat(config.get(EngineKeys.BACKEND)).contains("file");
  }

  @Test
  void valueThatCannotBe_isRefusedWithItsKeyAndOrigin() {
    assertThatThrownBy(
            () -> LucioleConfig.load(folder, Map.of("LUCIOLE_THREADS", "two"), system, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "luciole.threads (environment variable LUCIOLE_THREADS): expected a whole number of at"
                + " least 1, got \"two\"");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.device", "GPU 0")))
        .hasMessageContaining("expected a device such as cpu, cuda or cuda:1, got \"GPU 0\"");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.precision", "fp4")))
        .hasMessageContaining(
            "expected auto, exact, fast or a precision of [fp32, fp16, bf16, int8, fp8], got"
                + " \"fp4\"");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.outputs", "dense,spars")))
        .hasMessageContaining("expected outputs of dense, sparse and colbert");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.model", " ")))
        .hasMessageContaining("expected a value, got none");
  }

  @Test
  void everythingWrong_isSaidAtOnce() throws IOException {
    Files.writeString(
        folder.resolve("luciole.properties"), "luciole.threads=0\nluciole.bakend=onnx\n");
    system.setProperty("luciole.max-wait", "soon");
    system.setProperty("luciole.nonsense", "1");

    assertThatThrownBy(() ->
            LucioleConfig.load(
                folder,
                Map.of("LUCIOLE_BATCH_TOKNS", "3", "LUCIOLE_CALIBRATE", "maybe"),
                system,
                List.of()))
        .isInstanceOfSatisfying(
            ConfigException.class,
            e -> {
              assertThat(e.problems()).hasSize(6);
              assertThat(e.problems())
                  .anySatisfy(p -> assertThat(p).startsWith("luciole.threads (" + folder))
                  .anySatisfy(p -> assertThat(p).contains("did you mean luciole.backend?"))
                  .anySatisfy(
                      p -> assertThat(p).contains("LUCIOLE_BATCH_TOKNS").contains("closest"))
                  .anySatisfy(p -> assertThat(p).contains("LUCIOLE_CALIBRATE").contains("true or"))
                  .anySatisfy(p -> assertThat(p).contains("luciole.max-wait (system property"))
                  .anySatisfy(p -> assertThat(p).contains("luciole.nonsense (system property"));
              assertThat(e.getMessage()).startsWith("6 settings are wrong:").contains(e.problems());
            });
  }

  @Test
  void namesOfTheApplication_areIgnoredFromEverySource() throws IOException {
    Files.writeString(
        folder.resolve("luciole.properties"), "app.threads=many\nluciolex=1\nthreads=x\n");
    system.setProperty("server.port", "x");
    system.setProperty("lucioles.threads", "x");

    LucioleConfig loaded =
        LucioleConfig.load(
            folder, Map.of("LUCIOLES", "x", "MY_LUCIOLE_THREADS", "x"), system, List.of());

    assertThat(loaded.settings()).isEmpty();
    assertThat(LucioleConfig.of(Map.of("spring.application.name", "x")).settings()).isEmpty();
  }

  @Test
  void with_overridesSomeSettings_andKeepsThoseOfTheProcess() {
    system.setProperty("luciole.cache", "/caches");
    system.setProperty("luciole.model", "starter");
    LucioleConfig loaded = LucioleConfig.load(folder, Map.of(), system, List.of());

    LucioleConfig changed = loaded.with(Map.of("luciole.model", "m3", "luciole.threads", "2"));

    assertThat(changed.get(EngineKeys.MODEL)).isEqualTo("m3");
    assertThat(changed.get(EngineKeys.THREADS)).contains(2);
    assertThat(changed.settings().keySet())
        .containsAll(loaded.settings().keySet())
        .contains("luciole.cache", "luciole.threads")
        .hasSize(loaded.settings().size());
    assertThat(loaded.get(EngineKeys.MODEL)).isEqualTo("starter");
    assertThatThrownBy(() -> loaded.with(Map.of("luciole.threads", "many")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.threads");
  }

  @Test
  void namesForTests_areIgnored() {
    system.setProperty("luciole.test.npl", "/data");
    system.setProperty("luciole.testkit.seed", "1");
    system.setProperty("luciole.fuzz.cases", "1");

    LucioleConfig config =
        LucioleConfig.load(folder, Map.of("LUCIOLE_TEST_ROOT", "/x"), system, List.of());

    assertThat(config.settings()).hasSize(3);
  }

  @Test
  void settingsOfTheProcess_areShownAndRefusedInAFile() throws IOException {
    system.setProperty("luciole.cache", "/cache");
    LucioleConfig config =
        LucioleConfig.load(
            folder, Map.of("LUCIOLE_OFFLINE", "1", "LUCIOLE_DEBUG", ""), system, List.of());
    assertThat(config.get(ProcessKeys.CACHE)).contains(Path.of("/cache"));
    assertThat(config.get(ProcessKeys.OFFLINE)).contains("1");
    assertThat(config.setting(ProcessKeys.DEBUG)).isEmpty();

    Files.writeString(folder.resolve("luciole.properties"), "luciole.cache=/cache\n");
    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of(), system, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.cache (" + folder)
        .hasMessageContaining("LUCIOLE_CACHE or a system property");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.offline", "1")))
        .hasMessageContaining("the environment variable LUCIOLE_OFFLINE,");
  }

  @Test
  void settingsOfAModuleThatIsNotHere_areKeptUnread() {
    LucioleConfig config = LucioleConfig.of(Map.of("luciole.server.port", "9000"));
    assertThat(config.settings()).containsOnlyKeys("luciole.server.port");
    assertThat(
            LucioleConfig.load(folder, Map.of("LUCIOLE_ONNX_RUNS", "2"), system, List.of())
                .settings())
        .containsKey("LUCIOLE_ONNX_RUNS");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.sever.port", "9000")))
        .hasMessageContaining("Unknown setting luciole.sever.port");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.djl.threads", "1")))
        .hasMessageContaining("Unknown setting luciole.djl.threads");
  }

  @Test
  void variablesOfKubernetes_areIgnoredAndOthersOfThatNameAreNot() {
    LucioleConfig config =
        LucioleConfig.load(
            folder,
            Map.of(
                "LUCIOLE_SERVICE_HOST", "10.0.0.1",
                "LUCIOLE_SERVICE_PORT", "80",
                "LUCIOLE_SERVICE_PORT_HTTP", "80",
                "LUCIOLE_PORT", "tcp://10.0.0.1:80",
                "LUCIOLE_PORT_80_TCP", "tcp://10.0.0.1:80",
                "LUCIOLE_PORT_80_TCP_ADDR", "10.0.0.1",
                "LUCIOLE_SEARCH_SERVICE_HOST", "10.0.0.2"),
            system,
            List.of());
    assertThat(config.settings()).hasSize(3);

    assertThatThrownBy(
            () -> LucioleConfig.load(folder, Map.of("LUCIOLE_PORT", "80"), system, List.of()))
        .hasMessageContaining("Unknown setting LUCIOLE_PORT (environment variable)");
  }

  @Test
  void settingsOfAnApplicationsBackend_areKnownWhereTheyAreGiven() {
    Key<Integer> own = Key.of("luciole.mine.depth", ValueParser.positive(), "3", "How deep.");

    LucioleConfig config = LucioleConfig.of(Map.of("luciole.mine.depth", "4"), List.of(own));

    assertThat(config.get(own)).isEqualTo(4);
    assertThat(config.with(Map.of("luciole.mine.depth", "5")).get(own)).isEqualTo(5);
    assertThatThrownBy(() -> config.with(Map.of("luciole.mine.depht", "5")))
        .hasMessageContaining("did you mean luciole.mine.depth?");
    assertThat(LucioleConfig.of(Map.of()).get(own)).isEqualTo(3);
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.mine.depth", "0"), List.of(own)))
        .hasMessageContaining("luciole.mine.depth")
        .hasMessageContaining("at least 1");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.mine.depth", "4")))
        .hasMessageContaining("Unknown setting luciole.mine.depth");
  }

  @Test
  void everyKnownKey_hasANameOfItsOwnAndOneLineOfText() {
    List<Key<?>> keys = LucioleConfig.knownKeys();

    assertThat(keys).extracting(Key::name).doesNotHaveDuplicates().hasSizeGreaterThan(20);
    assertThat(keys).extracting(Key::variable).doesNotHaveDuplicates();
    for (Key<?> key : keys) {
      assertThat(key.doc()).as(key.name()).endsWith(".").doesNotContain("\n");
      assertThat(key.variable()).matches("LUCIOLE(_[A-Z0-9]+)+");
    }
  }

  @Test
  void key_withAnotherForm_isRefused() {
    for (String name : List.of("threads", "luciole.Threads", "luciole.", "luciole.a_b")) {
      assertThatThrownBy(() -> Key.of(name, ValueParser.text(), "x", "."))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(name);
    }
    assertThatThrownBy(() -> Key.of("luciole.a", ValueParser.positive(), "0", "."))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
