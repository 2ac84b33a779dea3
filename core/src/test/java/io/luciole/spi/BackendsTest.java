package io.luciole.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.WeightFormat;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackendsTest {
  @TempDir Path folder;

  /** A provider that opens nothing. */
  public abstract static class Fake implements BackendProvider {
    private final String name;
    private final List<Device> devices;

    Fake(String name, Device... devices) {
      this.name = name;
      this.devices = List.of(devices);
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Probe probe() {
      return new Probe("fake", devices, List.of());
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      throw new BackendException("opens nothing");
    }
  }

  /** On the CPU. */
  public static final class Onnx extends Fake {
    /** For the service loader. */
    public Onnx() {
      super("onnx", Device.CPU);
    }
  }

  /** On an accelerator too. */
  public static final class Djl extends Fake {
    /** For the service loader. */
    public Djl() {
      super("djl", new Device("cuda", 1), Device.CPU);
    }
  }

  /** On the CPU, under a name that comes before the others'. */
  public static final class Another extends Fake {
    /** For the service loader. */
    public Another() {
      super("another", Device.CPU);
    }
  }

  /** On the CPU, with a format of its own. */
  public static final class Tables extends Fake {
    /** For the service loader. */
    public Tables() {
      super("tables", Device.CPU);
    }

    @Override
    public List<WeightFormat> weightFormats() {
      return List.of(new WeightFormat("*.vec", "a table of vectors"));
    }
  }

  /** Throws as it is made. */
  public static final class Broken extends Fake {
    /** For the service loader. */
    public Broken() {
      super("broken");
      throw new IllegalStateException("its library is missing");
    }
  }

  /** Throws as it is asked for its devices. */
  public static final class Failing extends Fake {
    /** For the service loader. */
    public Failing() {
      super("failing");
    }

    @Override
    public Probe probe() {
      throw new UnsatisfiedLinkError("libfailing.so");
    }
  }

  /** Comes first and has no device, as where its library cannot be loaded. */
  public static final class NoDevice extends Fake {
    /** For the service loader. */
    public NoDevice() {
      super("onnx");
    }
  }

  /** Tells without being probed that it has no accelerator. */
  public static final class CpuOnly extends Fake {
    private static int probes;

    /** For the service loader. */
    public CpuOnly() {
      super("cpu-only", Device.CPU);
    }

    @Override
    public boolean mayHaveAccelerator() {
      return false;
    }

    @Override
    public Probe probe() {
      probes++;
      return super.probe();
    }
  }

  private Backends find(String... classes) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.write(services.resolve(BackendProvider.class.getName()), List.of(classes));
    return Backends.find(
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader()));
  }

  private static String nameOf(Class<?> type) {
    return type.getName();
  }

  @Test
  void none_isRefusedWithTheArtifactsToAdd() throws IOException {
    Backends none = find();

    assertThatThrownBy(() -> none.select(Optional.empty(), Optional.empty()))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("luciole-backend-onnx")
        .hasMessageContaining("onnxruntime")
        .hasMessageContaining("luciole-backend-djl");
  }

  @Test
  void unknownName_listsThoseFound() throws IOException {
    Backends two = find(nameOf(Onnx.class), nameOf(Djl.class));

    assertThatThrownBy(() -> two.select(Optional.of("tensorrt"), Optional.empty()))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("no backend \"tensorrt\"")
        .hasMessageContaining("found: onnx, djl")
        .hasMessageNotContaining("luciole-backend-tensorrt");
    assertThat(two.select(Optional.of("djl"), Optional.empty()).name()).isEqualTo("djl");
  }

  @Test
  void aModelInAFormatOfOneBackend_isThatBackends() throws IOException {
    Backends two = find(nameOf(Onnx.class), nameOf(Tables.class));
    Path model = Files.createDirectory(folder.resolve("model"));
    Files.writeString(model.resolve("tokenizer.json"), "{}");
    Files.writeString(model.resolve("luciole.json"), "{\"maxTokens\": 512}");
    Files.writeString(model.resolve("table.vec"), "");

    ModelFiles files = ModelSource.path(model).resolve(two.weightFormats());
    assertThat(two.reading(files).select(Optional.empty(), Optional.empty()).name())
        .isEqualTo("tables");

    Files.writeString(model.resolve("model.onnx"), "");
    ModelFiles both = ModelSource.path(model).resolve(two.weightFormats());
    assertThat(two.reading(both).select(Optional.empty(), Optional.empty()).name())
        .isEqualTo("onnx");
  }

  @Test
  void severalWithoutAChoice_theOneWithAnAcceleratorWins() throws IOException {
    Backends two = find(nameOf(Onnx.class), nameOf(Djl.class));

    assertThat(two.select(Optional.empty(), Optional.empty()).name()).isEqualTo("djl");
    assertThat(two.select(Optional.empty(), Optional.of(Device.CPU)).name()).isEqualTo("onnx");
    assertThat(two.select(Optional.empty(), Optional.of(new Device("cuda", 1))).name())
        .isEqualTo("djl");
  }

  @Test
  void tie_isSettledByAFixedOrder() throws IOException {
    Backends two = find(nameOf(Another.class), nameOf(Onnx.class));

    assertThat(two.select(Optional.empty(), Optional.empty()).name()).isEqualTo("onnx");
    assertThat(two.providers())
        .extracting(BackendProvider::name)
        .containsExactly("onnx", "another");
  }

  @Test
  void brokenProvider_isNamedAndTheOthersStillOffered() throws IOException {
    Backends found = find(nameOf(Broken.class), "io.luciole.NoSuchClass", nameOf(Onnx.class));

    assertThat(found.select(Optional.empty(), Optional.empty()).name()).isEqualTo("onnx");
    assertThat(found.broken())
        .hasSize(2)
        .anySatisfy(m -> assertThat(m).contains("Broken"))
        .anySatisfy(m -> assertThat(m).contains("io.luciole.NoSuchClass"));
    Backends alone = find(nameOf(Broken.class));
    assertThatThrownBy(() -> alone.select(Optional.empty(), Optional.empty()))
        .hasMessageContaining("Found but not loadable")
        .hasMessageContaining("Broken");
  }

  @Test
  void providerThatFailsAsItIsProbed_isPassedOver() throws IOException {
    Backends found = find(nameOf(Failing.class), nameOf(Djl.class), nameOf(Another.class));

    assertThat(found.select(Optional.empty(), Optional.empty()).name()).isEqualTo("djl");
    assertThat(found.select(Optional.empty(), Optional.of(Device.CPU)).name()).isEqualTo("djl");
    Backends other = find(nameOf(Failing.class), nameOf(NoDevice.class), nameOf(Another.class));
    assertThat(other.select(Optional.empty(), Optional.empty()).name()).isEqualTo("another");
  }

  @Test
  void providerWithoutAnAccelerator_isNotProbed_ifOneBeforeItCanBeUsed() throws IOException {
    Backends two = find(nameOf(Onnx.class), nameOf(CpuOnly.class));
    CpuOnly.probes = 0;

    for (Optional<Device> device :
        List.of(
            Optional.<Device>empty(),
            Optional.of(Device.CPU),
            Optional.of(new Device("cuda", 0)))) {
      assertThat(two.select(Optional.empty(), device).name()).isEqualTo("onnx");
    }
    assertThat(CpuOnly.probes).isZero();

    Backends other = find(nameOf(NoDevice.class), nameOf(CpuOnly.class));
    assertThat(other.select(Optional.empty(), Optional.empty()).name()).isEqualTo("cpu-only");
    assertThat(CpuOnly.probes).isPositive();
  }

  @Test
  void choice_comesWithItsReason() throws IOException {
    Backends two = find(nameOf(Onnx.class), nameOf(Djl.class));

    assertThat(two.choose(Optional.empty(), Optional.empty()).reason())
        .isEqualTo("first of onnx, djl to offer an accelerator");
    assertThat(two.choose(Optional.empty(), Optional.of(Device.CPU)).reason())
        .isEqualTo("first of onnx, djl to offer cpu");
    assertThat(two.choose(Optional.of("djl"), Optional.empty()).reason())
        .isEqualTo("luciole.backend names it");
    assertThat(find(nameOf(Onnx.class)).choose(Optional.empty(), Optional.empty()).reason())
        .isEqualTo("the only one on the class path");
    assertThat(
            find(nameOf(Onnx.class), nameOf(Another.class))
                .choose(Optional.empty(), Optional.empty())
                .reason())
        .isEqualTo("first of onnx, another in fixed order, none with an accelerator");
  }
}
