package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The PTX in the repository is that of the CUDA sources beside it, as far as can be told without
 * CUDA's compiler: {@code make-ptx.sh} writes the hashes of both to {@code ptx/sources.sha256}.
 */
class PtxTest {
  private static final Path CUDA = Path.of("src/main/cuda");

  @Test
  void ptx_isThatOfTheSources() throws Exception {
    Map<String, String> written = new TreeMap<>();
    for (String line : Files.readAllLines(CUDA.resolve("ptx/sources.sha256"))) {
      String[] hashAndName = line.split("  ", 2);
      written.put(hashAndName[1], hashAndName[0]);
    }
    Map<String, String> found = new TreeMap<>();
    for (String name : hashed()) {
      byte[] bytes = Files.readAllBytes(CUDA.resolve(name));
      found.put(name, HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
    }
    Set<String> differing = new TreeSet<>(found.keySet());
    differing.addAll(written.keySet());
    differing.removeIf(name -> Objects.equals(found.get(name), written.get(name)));
    assertThat(differing)
        .as(
            "files that changed since the PTX was made, by ptx/sources.sha256: run %s/make-ptx.sh,"
                + " commit ptx/",
            CUDA)
        .isEmpty();
  }

  /** What the PTX depends on, and the PTX. */
  private static Set<String> hashed() throws Exception {
    Set<String> names = new TreeSet<>(Set.of("make-ptx.sh", "params.h"));
    try (Stream<Path> files = Files.walk(CUDA)) {
      files
          .map(file -> CUDA.relativize(file).toString())
          .filter(name -> name.matches(".*\\.(cu|cuh|ptx)"))
          .forEach(names::add);
    }
    return names;
  }
}
