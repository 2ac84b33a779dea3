package io.luciole.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** What this processor does when it adds products of bytes. */
final class ByteArithmetic {
  private static final Path CPUINFO = Path.of("/proc/cpuinfo");

  /** Instructions that add products of bytes in 32 bits, as Linux names them. */
  private static final Set<String> EXACT = Set.of("avx512_vnni", "avx_vnni", "amx_int8");

  private ByteArithmetic() {}

  /**
   * The largest magnitude of a weight with which products of unsigned and signed bytes are added
   * exactly: 127 where instructions for that exist (VNNI, AMX, ARM). x86 without them adds two
   * products in 16 bits, which saturate, and 2·255·63 is the most that does not.
   */
  static int weightRange() {
    return weightRange(System.getProperty("os.arch", ""), CPUINFO);
  }

  static int weightRange(String architecture, Path cpuinfo) {
    if (architecture.toLowerCase(Locale.ROOT).equals("aarch64")) {
      return 127;
    }
    try (Stream<String> lines = Files.lines(cpuinfo)) {
      boolean exact =
          lines
              .filter(line -> line.startsWith("flags"))
              .limit(1)
              .flatMap(line -> Stream.of(line.split("\\s+")))
              .anyMatch(EXACT::contains);
      return exact ? 127 : 63;
    } catch (IOException | RuntimeException e) {
      return 63;
    }
  }
}
