package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ByteArithmeticTest {
  @TempDir Path folder;

  private int rangeOf(String flags) throws IOException {
    Path file = folder.resolve("cpuinfo");
    Files.writeString(file, "processor\t: 0\nflags\t\t: " + flags + "\n\nprocessor\t: 1\n");
    return ByteArithmetic.weightRange("amd64", file);
  }

  @Test
  void weights_useAllBits_whereNothingSaturates() throws IOException {
    assertThat(rangeOf("fpu avx2 avx512f avx512_vnni sse")).isEqualTo(127);
    assertThat(rangeOf("fpu avx2 avx_vnni")).isEqualTo(127);
    assertThat(ByteArithmetic.weightRange("aarch64", folder.resolve("none"))).isEqualTo(127);
  }

  @Test
  void weights_keepABitBack_otherwise() throws IOException {
    assertThat(rangeOf("fpu avx avx2 avx512f")).isEqualTo(63);
    assertThat(ByteArithmetic.weightRange("amd64", folder.resolve("none"))).isEqualTo(63);
  }
}
