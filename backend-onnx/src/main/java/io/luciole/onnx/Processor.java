package io.luciole.onnx;

import io.luciole.internal.NativePlatform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What this machine's processor can do, as Linux tells it in {@code /proc/cpuinfo}. Elsewhere
 * nothing is known of it.
 *
 * @param model its name, such as {@code AMD EPYC}; empty where it is not known
 * @param flags its abilities, in Linux's names
 */
record Processor(String model, Set<String> flags) {
  private static final Path FILE = Path.of("/proc/cpuinfo");

  Processor {
    flags = Set.copyOf(flags);
  }

  /** The processor that this process runs on. */
  static Processor here() {
    if (!NativePlatform.name().equals("linux-x86_64") || !Files.isReadable(FILE)) {
      return new Processor("", Set.of());
    }
    try (Stream<String> lines = Files.lines(FILE, StandardCharsets.ISO_8859_1)) {
      return of(lines);
    } catch (IOException e) {
      return new Processor("", Set.of());
    }
  }

  /** Reads the first processor of such a file. */
  static Processor of(Stream<String> lines) {
    String text =
        lines.takeWhile(line -> !line.isBlank()).collect(Collectors.joining("\n", "\n", "\n"));
    return new Processor(
        value(text, "model name").orElse(""),
        value(text, "flags").stream()
            .flatMap(flags -> Arrays.stream(flags.split(" ", -1)))
            .filter(flag -> !flag.isEmpty())
            .collect(Collectors.toSet()));
  }

  private static Optional<String> value(String text, String name) {
    return text.lines()
        .filter(line -> line.startsWith(name) && line.contains(":"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst();
  }

  /** Whether the kernels of {@link CpuLayers} run on it. */
  boolean multipliesBytes() {
    return flags.containsAll(
        Set.of("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "fma"));
  }

  /** Whether it multiplies bf16 in vectors. */
  boolean multipliesHalves() {
    return flags.contains("avx512_bf16");
  }
}
