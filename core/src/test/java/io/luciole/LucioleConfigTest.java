package io.luciole;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

  private static String origin(LucioleConfig config, LucioleConfig.Key key) {
    return requireNonNull(config.settings().get(key)).origin();
  }

  @Test
  void load_letsTheEnvironmentWinOverTheFileAndSystemPropertiesOverBoth() {
    system.setProperty("luciole.backend", "system");
    LucioleConfig config =
        LucioleConfig.load(
            folder,
            Map.of("LUCIOLE_BACKEND", "environment", "LUCIOLE_DEVICE", "cuda:1", "PATH", "/bin"),
            system);

    assertThat(config.get(LucioleConfig.Key.BACKEND)).contains("system");
    assertThat(config.get(LucioleConfig.Key.DEVICE)).contains("cuda:1");
    assertThat(config.get(LucioleConfig.Key.THREADS)).contains("3");
    assertThat(config.get(LucioleConfig.Key.MODEL)).isEmpty();
    assertThat(origin(config, LucioleConfig.Key.DEVICE))
        .isEqualTo("environment variable LUCIOLE_DEVICE");
    assertThat(origin(config, LucioleConfig.Key.THREADS)).contains("luciole.properties");
  }

  @Test
  void load_readsTheFileThatIsNamedAndRefusesOneThatIsMissing() throws IOException {
    Path other = Files.writeString(folder.resolve("other.properties"), "luciole.threads=5");
    system.setProperty("luciole.config", other.toString());
    assertThat(LucioleConfig.load(folder, Map.of(), system).get(LucioleConfig.Key.THREADS))
        .contains("5");

    system.setProperty("luciole.config", folder.resolve("none.properties").toString());
    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of(), system))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("none.properties");
  }

  @Test
  void unknownKey_isRefusedWithTheOneThatMayHaveBeenMeant() {
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.bakend", "onnx")))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(
            "Unknown setting luciole.bakend (given properties); did you mean luciole.backend?");
    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of("LUCIOLE_DEVISE", "cpu"), system))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("did you mean LUCIOLE_DEVICE?");
    system.setProperty("luciole.nonsense", "1");
    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of(), system))
        .hasMessageContaining("Unknown setting luciole.nonsense (system property)");
  }

  @Test
  void variablesOfOthers_areLeftAlone() {
    LucioleConfig config =
        LucioleConfig.load(folder, Map.of("LUCIOLE_JAVA_OPTS", "-Xmx1g"), system);

    assertThat(config.get(LucioleConfig.Key.BACKEND)).contains("file");
  }

  @Test
  void valueThatCannotBe_isRefusedWithItsKeyAndOrigin() {
    assertThatThrownBy(() -> LucioleConfig.load(folder, Map.of("LUCIOLE_THREADS", "two"), system))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "luciole.threads (environment variable LUCIOLE_THREADS): expected a whole number of at"
                + " least 1, got \"two\"");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.device", "GPU 0")))
        .hasMessageContaining("expected a device such as cpu, cuda or cuda:1, got \"GPU 0\"");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.precision", "fp8")))
        .hasMessageContaining("expected a precision of [fp32, fp16, bf16, int8], got \"fp8\"");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.outputs", "dense,spars")))
        .hasMessageContaining("expected outputs of dense, sparse and colbert");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.model", " ")))
        .hasMessageContaining("expected a value, got none");
  }
}
