package io.luciole.model;

import static io.luciole.model.checkpoint.ProtoBytes.external;
import static io.luciole.model.checkpoint.ProtoBytes.field;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.luciole.internal.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files of a model its fingerprint tells apart. */
class FileDigestsTest {
  @TempDir private Path folder;

  @BeforeEach
  void tokenizer() throws IOException {
    write("tokenizer.json", "{}");
    write("config.json", "{\"max_position_embeddings\":64}");
  }

  private void write(String name, String content) throws IOException {
    write(name, content.getBytes(UTF_8));
  }

  private void write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, content);
  }

  /** An ONNX model of one initializer, which is in another file. */
  private void onnx(String name, String location) throws IOException {
    write(name, field(7, field(5, external(location))));
  }

  private String digest() {
    return ModelSource.path(folder).resolve().fingerprint(8, "").weightsDigest();
  }

  private String digestOf(String... files) throws IOException {
    MessageDigest all = Sha256.start();
    for (String file : files) {
      byte[] one = Sha256.start().digest(Files.readAllBytes(folder.resolve(file)));
      if (files.length == 1) {
        return Sha256.hex(one);
      }
      all.update(one);
    }
    return Sha256.hex(all.digest());
  }

  @Test
  void externalTensors_countWhateverTheirFileIsCalled() throws IOException {
    for (String location : new String[] {"weights.bin", "parts/table", "Constant_7_attr__value"}) {
      onnx("model.onnx", location);
      write(location, "one");
      String one = digest();
      write(location, "two");

      assertThat(digest())
          .as(location)
          .isNotEqualTo(one)
          .isEqualTo(digestOf("model.onnx", location));
    }
  }

  @Test
  void externalTensorsBesideAnExportInItsOwnFolder_count() throws IOException {
    onnx("onnx/model.onnx", "weights.bin");
    write("onnx/weights.bin", "one");

    assertThat(digest()).isEqualTo(digestOf("onnx/model.onnx", "onnx/weights.bin"));
  }

  /** Indexes were written with these fingerprints. */
  @Test
  void externalTensorsWithTheUsualNames_haveTheFingerprintTheyAlwaysHad() throws IOException {
    onnx("model.onnx", "./model.onnx_data");
    write("model.onnx_data", "data");
    assertThat(digest())
        .isEqualTo(digestOf("model.onnx", "model.onnx_data"))
        .isEqualTo("5d1ec663926461f2d07d3e9249b8260fcc21796849e66453a15a6e226ac406ea");

    write("model.onnx.data", "more, which the model does not name");
    write("other", "nothing of this model's");
    assertThat(digest()).isEqualTo(digestOf("model.onnx", "model.onnx.data", "model.onnx_data"));
  }

  @Test
  void modelWithoutExternalTensors_hasTheDigestOfItsFile() throws IOException {
    write("model.onnx", field(7, new byte[0]));
    assertThat(digest()).isEqualTo(digestOf("model.onnx"));

    write("model.onnx", "not a model");
    assertThat(digest()).isEqualTo(digestOf("model.onnx"));
  }

  @Test
  void namedFileThatIsNotThere_isMissed() throws IOException {
    onnx("model.onnx", "weights.bin");

    assertThatThrownBy(this::digest)
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("Expected the file", "weights.bin", "found none", "model's page");
  }

  /** Such as another model in an image whose files all have one time. */
  @Test
  void largeFile_whichChangesButForSizeAndModificationTime_isReadAnew() throws IOException {
    assumeThat(folder.getFileSystem().supportedFileAttributeViews()).contains("unix");
    String cacheBefore = System.getProperty("luciole.cache");
    System.setProperty("luciole.cache", folder.resolve("cache").toString());
    try {
      byte[] content = new byte[33 << 20];
      write("model.safetensors", content);
      Path file = folder.resolve("model.safetensors");
      FileTime time = FileTime.fromMillis(0);
      Files.setLastModifiedTime(file, time);
      assertThat(digest()).isEqualTo(digestOf("model.safetensors"));
      content[1 << 20] = 1;
      write("model.safetensors", content);
      Files.setLastModifiedTime(file, time);

      assertThat(digest()).isEqualTo(digestOf("model.safetensors"));
      assertThat(folder.resolve("cache/digests")).isNotEmptyDirectory();
    } finally {
      if (cacheBefore == null) {
        System.clearProperty("luciole.cache");
      } else {
        System.setProperty("luciole.cache", cacheBefore);
      }
    }
  }

  @Test
  void shardsAndHeads_count() throws IOException {
    String index = "model.safetensors.index.json";
    write(index, "{\"weight_map\":{\"a\":\"second\",\"b\":\"first\",\"c\":\"second\"}}");
    write("first", "1");
    write("second", "2");
    write("colbert_linear.pt", "head");
    write("sparse_linear.pt", "head");

    assertThat(digest())
        .isEqualTo(digestOf(index, "first", "second", "sparse_linear.pt", "colbert_linear.pt"));
  }
}
