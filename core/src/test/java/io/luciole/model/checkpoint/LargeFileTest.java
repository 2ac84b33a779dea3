package io.luciole.model.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Offsets beyond 4 GiB and tensors beyond 2 GiB, in files that are sparse where the disk can. */
@Tag("long")
class LargeFileTest {
  private static final long BIG = (3L << 30);

  @TempDir private Path folder;

  @Test
  void tensors_beyondTwoGigabytesAreRefusedAndThoseBehindThemRead() throws IOException {
    Path file = folder.resolve("large.safetensors");
    String header =
        """
        {"largest":{"dtype":"U8","shape":[2147483647],"data_offsets":[0,2147483647]},\
        "larger":{"dtype":"U8","shape":[%d],"data_offsets":[2147483647,%d]},\
        "last":{"dtype":"F32","shape":[2],"data_offsets":[%d,%d]}}\
        """
            .formatted(
                BIG, Integer.MAX_VALUE + BIG, Integer.MAX_VALUE + BIG, Integer.MAX_VALUE + BIG + 8);
    byte[] start = WeightFiles.safetensors(header, 0);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(start));
      ByteBuffer last = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      last.putFloat(1.5f).putFloat(-2f).flip();
      channel.write(last, BIG + Integer.MAX_VALUE + start.length);
    }
    assertThat(header.getBytes(UTF_8).length).isEqualTo(start.length - 8);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.require("last").toFloats()).containsExactly(1.5f, -2f);
      ByteBuffer largest = checkpoint.require("largest").data();
      assertThat(largest.get(Integer.MAX_VALUE - 1)).isZero();
      assertThatThrownBy(() -> checkpoint.require("larger").data())
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("'larger' of at most 2147483647 bytes", "found " + BIG);
    }
  }
}
