package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import io.luciole.testkit.TinyEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir private Path folder;

  @Test
  void doctor_onAMachineThatWorks_saysWhatIsThere() {
    Run run = Cli.run("doctor", "--threads", 1);

    assertThat(run.status()).as(run.out()).isZero();
    assertThat(run.out())
        .contains("vector kernels for Lucene are on")
        .contains("onnx: ONNX Runtime 1.")
        .contains("devices cpu")
        .contains("ok    onnx is chosen: the only one on the class path")
        .contains("luciole.threads                   1   (flag)")
        .contains("Model starter")
        .contains("weights: the ONNX file ")
        .contains("384 dimensions, gives dense, texts of up to 512 tokens")
        .doesNotContain("FAIL")
        .endsWith("Ready. luciole verify proves the model's vectors.\n");
  }

  @Test
  void doctor_checkpointOfOtherLayersThanBerts_saysHowItRuns() {
    Run run = Cli.run("doctor", "--model", new TinyEncoder("modernbert").folder());

    assertThat(run.status()).as(run.out()).isZero();
    assertThat(run.out())
        .contains("weights: the checkpoint model.safetensors, 5 layers of 32 components")
        .contains("other layers than BERT's")
        .contains("32 dimensions, gives dense, texts of up to 520 tokens");
  }

  @Test
  void doctor_thatMeasures_tellsSpeedAndDeviationOfEachPrecision() {
    Run run = Cli.run("doctor", "--measure", "--device", "cpu");

    assertThat(run.status()).as(run.out()).isZero();
    assertThat(run.out())
        .contains("cosine to fp32")
        .containsPattern("fp32 +\\d+ +\\d+\\.\\d +1\\.000000, 1\\.000000")
        .containsPattern("int8 +\\d+ +\\d+\\.\\d +0\\.99\\d+, 0\\.99\\d+")
        .containsPattern("fp8 +not offered: Expected a precision of ");
  }

  @Test
  void doctor_modelThatIsNotHere_failsAndSaysHowToGetIt() {
    Run run = Cli.run("doctor", "--model", "nobody/nothing");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out())
        .contains("  FAIL  The model nobody/nothing is not on this machine")
        .contains("Not ready");
  }

  @Test
  void doctor_settingsFromAFile_areShownWithTheirOrigin() throws Exception {
    Path file = Files.writeString(folder.resolve("my.properties"), "luciole.token-budget=2048\n");

    Run run = withProperty("luciole.config", file.toString(), "doctor");

    assertThat(run.status()).as(run.out()).isZero();
    assertThat(run.out())
        .contains("luciole.token-budget              2048   (" + file + " luciole.token-budget)");
  }

  @Test
  void doctor_wrongSetting_fails() throws Exception {
    Path file = Files.writeString(folder.resolve("my.properties"), "luciole.devise=cpu\n");

    Run run = withProperty("luciole.config", file.toString(), "doctor");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out())
        .contains("FAIL  Unknown setting luciole.devise")
        .contains("did you mean luciole.device?");
  }

  @Test
  void doctor_unknownBackend_failsAndListsThoseThereAre() {
    Run run = Cli.run("doctor", "--backend", "tensorrt");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out())
        .contains("luciole.backend                   tensorrt   (flag)")
        .contains("FAIL  There is no backend \"tensorrt\" on the class path; found: onnx.");
  }

  @Test
  void doctor_backendsOwnSwitch_isShown() {
    Run run = withProperty("luciole.onnx.form", "loop", "doctor");

    assertThat(run.out())
        .contains("luciole.onnx.form                 loop   (system property luciole.onnx.form)");
  }

  @Test
  void doctor_settingsOfEveryModule_areShownWithValueAndOrigin() {
    Run run =
        Properties.with(
            Map.of("luciole.cuda.tune", "false", "luciole.server.port", "9000"),
            () -> Cli.run("doctor"));

    assertThat(run.status()).as(run.out()).isZero();
    assertThat(run.out().replaceAll(" +", " "))
        .contains("\n luciole.cuda.tune false (system property luciole.cuda.tune)\n")
        .contains("\n luciole.server.port 9000 (system property luciole.server.port)\n")
        .contains("\n luciole.onnx.runs 1; for small encoders in int8 one for each thread; with")
        .contains("\n luciole.overload block (default)\n")
        .contains("\n luciole.cache ");
  }

  @Test
  void doctor_everyWrongSetting_isNamed() {
    Run run =
        Properties.with(
            Map.of("luciole.onnx.runs", "abc", "luciole.devise", "cpu", "luciole.threads", "0"),
            () -> Cli.run("doctor"));

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out())
        .contains(
            "FAIL  luciole.onnx.runs (system property luciole.onnx.runs): expected a whole number from 1 to 64")
        .contains("FAIL  Unknown setting luciole.devise")
        .contains("FAIL  luciole.threads (system property luciole.threads): expected a whole");
  }

  @Test
  void doctor_cacheThatCannotBeWritten_fails() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");

    Run run = withProperty("luciole.cache", file.resolve("cache").toString(), "doctor");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out())
        .contains("FAIL  cannot write to " + file.resolve("cache"))
        .contains("LUCIOLE_CACHE");
  }

  private static Run withProperty(String key, String value, Object... args) {
    return Properties.with(Map.of(key, value), () -> Cli.run(args));
  }
}
