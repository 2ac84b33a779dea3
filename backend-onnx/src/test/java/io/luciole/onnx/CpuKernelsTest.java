package io.luciole.onnx;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Each kernel of {@link CpuLayers} against a reference in double precision, by the program of
 * {@code src/test/cpu/kernel_test.c}, for each set of instructions that the processor has.
 */
class CpuKernelsTest {
  @Test
  void kernels_areNearAReferenceInDoublePrecision() throws Exception {
    URL program = CpuKernelsTest.class.getResource("/native/cpu_kernel_test");
    assumeThat(program).as("the program was not built (-Dcuda.skip, or not Linux)").isNotNull();
    Process process =
        new ProcessBuilder(Path.of(requireNonNull(program).toURI()).toString())
            .redirectErrorStream(true)
            .start();
    List<String> lines = process.inputReader().lines().toList();

    assertThat(process.waitFor()).as("the program's status, after %s", lines).isZero();
    assumeThat(lines).as("a processor without AVX-512 and VNNI").isNotEqualTo(List.of("none"));
    assertThat(lines).hasSizeGreaterThan(100);
    assertThat(lines)
        .allSatisfy(line -> {
          String[] columns = line.split(" ", -1);
          assertThat(Double.parseDouble(columns[1]))
              .as(line)
              .isLessThanOrEqualTo(Double.parseDouble(columns[2]));
        });
  }
}
