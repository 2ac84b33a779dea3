package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrecisionChoiceTest {
  private static final Device GPU = new Device("cuda", 0);

  @TempDir private Path folder;

  /** Knows a faster precision on CPUs. */
  private static final class Provider implements BackendProvider {
    @Override
    public String name() {
      return "test";
    }

    @Override
    public Optional<Precision> fastest(ModelFiles model, Device device) {
      return device.isAccelerator() ? Optional.empty() : Optional.of(Precision.INT8);
    }

    @Override
    public Probe probe() {
      return new Probe("test", List.of(Device.CPU), List.of());
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      throw new UnsupportedOperationException();
    }
  }

  private ModelFiles model() throws Exception {
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    Files.writeString(folder.resolve("luciole.json"), "{\"maxTokens\": 512}");
    Files.write(folder.resolve("model.safetensors"), new byte[0]);
    return ModelSource.path(folder).resolve();
  }

  @Test
  void policy_choosesByBackendAndDevice() throws Exception {
    Provider provider = new Provider();

    assertThat(PrecisionChoice.AUTO.on(provider, model(), Device.CPU)).isEmpty();
    assertThat(PrecisionChoice.EXACT.on(provider, model(), GPU)).contains(Precision.FP32);
    assertThat(PrecisionChoice.FAST.on(provider, model(), Device.CPU)).contains(Precision.INT8);
    assertThat(PrecisionChoice.FAST.on(provider, model(), GPU)).isEmpty();
    assertThat(PrecisionChoice.of(Precision.BF16).on(provider, model(), GPU))
        .contains(Precision.BF16);
  }

  @Test
  void name_isReadAsItIsWritten() {
    for (String name : List.of("auto", "exact", "fast", "fp32", "bf16", "int8")) {
      assertThat(PrecisionChoice.parse(name).id()).isEqualTo(name);
      assertThat(PrecisionChoice.parse(" " + name.toUpperCase(Locale.ROOT)))
          .isEqualTo(PrecisionChoice.parse(name))
          .hasSameHashCodeAs(PrecisionChoice.parse(name))
          .hasToString(name);
    }
    assertThat(PrecisionChoice.EXACT).isNotEqualTo(PrecisionChoice.of(Precision.FP32));
  }

  @Test
  void name_thatIsUnknown_isRefusedWithAllThereAre() {
    assertThatThrownBy(() -> PrecisionChoice.parse("fp4"))
        .hasMessage(
            "expected auto, exact, fast or a precision of [fp32, fp16, bf16, int8, fp8], got"
                + " \"fp4\"");
  }
}
