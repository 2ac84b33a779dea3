package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** {@link BlockLayout}'s packed numbers. */
class BlockLayoutTest {
  private final long seed = new Random().nextLong();

  @Test
  void packedNumbers_areInTheBitsThatTheLayoutSays() {
    Random random = new Random(seed);
    byte[] numbers = new byte[64];
    for (int i = 0; i < 56; i++) {
      numbers[i] = (byte) random.nextInt(BlockLayout.BLOCK);
    }
    byte[] expected = new byte[3 + 35 + BlockLayout.PADDING];
    byte[] packed = new byte[expected.length];
    byte[] unpacked = new byte[64];
    for (int i = 0; i < 56; i++) {
      BlockLayout.writeBits(expected, 3, 5L * i, numbers[i]);
    }
    for (int i = 0; i < 56; i += 8) {
      BlockLayout.pack(numbers, i, packed, 3);
    }
    for (int i = 0; i < 56; i += 8) {
      BlockLayout.unpack(packed, 3, unpacked, i);
    }
    assertThat(packed).as("seed %d", seed).isEqualTo(expected);
    assertThat(unpacked).as("seed %d", seed).isEqualTo(numbers);
  }
}
