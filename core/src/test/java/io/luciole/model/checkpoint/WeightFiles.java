package io.luciole.model.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.function.Executable;

/** The fixtures among the test resources, and hostile weight files put together by hand. */
final class WeightFiles {
  private WeightFiles() {}

  /** A file among the test resources, such as {@code mini-m3/model.safetensors}. */
  static Path fixture(String name) {
    URL url = Objects.requireNonNull(WeightFiles.class.getResource("/" + name), name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A safetensors file of this header and so many zero bytes of data. */
  static byte[] safetensors(String header, int dataBytes) {
    byte[] json = header.getBytes(UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  /** A pickle of protocol 2: the instructions as Latin-1 characters, without the first and last. */
  static byte[] pickle(String instructions) {
    return ("\u0080\2" + instructions + ".").getBytes(ISO_8859_1);
  }

  /** The instruction that pushes a short string. */
  static String text(String value) {
    return "X" + (char) value.length() + "\0\0\0" + value;
  }

  /** The instructions that push a storage of F32. */
  static String storage(String key, int elements) {
    return "("
        + text("storage")
        + "ctorch\nFloatStorage\n"
        + text(key)
        + text("cpu")
        + "K"
        + (char) elements
        + "tQ";
  }

  /** The instructions that push a tensor: size and stride are instructions that push tuples. */
  static String tensor(String storage, String offset, String size, String stride) {
    return "ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + offset
        + size
        + stride
        + "\u0089ccollections\nOrderedDict\n)RtR";
  }

  /** A file of torch.save with this pickle and a storage "0" of four floats. */
  static byte[] torchFile(byte[] pickle) {
    return torchFile(
        Map.of(
            "x/data.pkl",
            pickle,
            "x/byteorder",
            "little".getBytes(UTF_8),
            "x/data/0",
            new byte[16]));
  }

  /** A zip archive of stored entries. */
  static byte[] torchFile(Map<String, byte[]> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> entry : new TreeMap<>(entries).entrySet()) {
        CRC32 crc = new CRC32();
        crc.update(entry.getValue());
        ZipEntry header = new ZipEntry(entry.getKey());
        header.setMethod(ZipEntry.STORED);
        header.setSize(entry.getValue().length);
        header.setCrc(crc.getValue());
        zip.putNextEntry(header);
        zip.write(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Runs what must end in a {@link CheckpointException} that names the file, and soon. */
  static void assertRefused(Executable executable, String file, String... parts) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertRefusedInTheEnd(executable, file, parts));
  }

  /** The same without a thread and a limit of its own, for tests that do it thousands of times. */
  static void assertRefusedInTheEnd(Executable executable, String file, String... parts) {
    CheckpointException refused = Assertions.assertThrows(CheckpointException.class, executable);
    assertThat(refused).hasMessageStartingWith("expected ").hasMessageContaining(file);
    for (String part : parts) {
      assertThat(refused).hasMessageContaining(part);
    }
  }
}
