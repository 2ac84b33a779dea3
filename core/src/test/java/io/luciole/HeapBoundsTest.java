package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.spi.Device;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HeapBoundsTest {
  private static final long MIB = 1L << 20;

  private static EngineSettings settings(Map<String, String> properties) {
    return new EngineSettings.Draft(LucioleConfig.of(properties)).on(Device.CPU);
  }

  @Test
  void lanes_takeAnEighthOfTheHeapEachAtMost() {
    for (long heap : new long[] {16 * MIB, 128 * MIB, 512 * MIB, 32_768 * MIB}) {
      long tokens = HeapBounds.waitingTokens(heap) * HeapBounds.TOKEN_BYTES;
      long texts = HeapBounds.waitingTexts(heap) * HeapBounds.TEXT_BYTES;
      assertThat(tokens + texts).isLessThanOrEqualTo(heap / 8);
      assertThat(HeapBounds.streamBytes(heap)).isLessThanOrEqualTo(heap / 8);
    }
    assertThat(HeapBounds.waitingTokens(128 * MIB)).isEqualTo(1 << 20);
    assertThat(HeapBounds.waitingTokens(512 * MIB)).isEqualTo(HeapBounds.MOST_TOKENS);
    assertThat(HeapBounds.waitingTokens(32_768 * MIB)).isEqualTo(HeapBounds.MOST_TOKENS);
    assertThat(HeapBounds.waitingTexts(1)).isEqualTo(1);
  }

  @Test
  void aBoundThatIsSet_countsAlone() {
    EngineSettings set = settings(Map.of("luciole.max-waiting-tokens", "7"));
    assertThat(set.maxWaitingTokens()).isEqualTo(7);
    assertThat(set.boundsTexts()).isFalse();

    EngineSettings usual = settings(Map.of());
    long heap = Runtime.getRuntime().maxMemory();
    assertThat(usual.maxWaitingTokens()).isEqualTo(HeapBounds.waitingTokens(heap));
    assertThat(usual.maxWaitingTexts()).isEqualTo(HeapBounds.waitingTexts(heap));
  }
}
