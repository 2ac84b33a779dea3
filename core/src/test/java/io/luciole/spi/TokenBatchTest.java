package io.luciole.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Output;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenBatchTest {
  @Test
  void of_laysTextsEndToEnd() {
    TokenBatch batch = TokenBatch.of(List.of(new int[] {0, 5, 2}, new int[] {0, 2}));

    assertThat(batch.size()).isEqualTo(2);
    assertThat(batch.tokens()).isEqualTo(5);
    assertThat(batch.maxLength()).isEqualTo(3);
    assertThat(batch.tokenIds()).containsExactly(0, 5, 2, 0, 2);
    assertThat(batch.offset(1)).isEqualTo(3);
    assertThat(batch.length(1)).isEqualTo(2);
  }

  @Test
  void whatIsNoBatch_isRefused() {
    assertThatThrownBy(() -> TokenBatch.of(List.of())).hasMessageContaining("empty batch");
    assertThatThrownBy(() -> TokenBatch.of(List.of(new int[] {1}, new int[0])))
        .hasMessageContaining("text 1 has 0 tokens");
    assertThatThrownBy(() -> new TokenBatch(new int[3], new int[] {0, 2}))
        .hasMessageContaining("expected offsets from 0 to 3, got 0 to 2");
  }

  @Test
  void whatABackendMayNotRun_isRefused() {
    BackendInfo info =
        new BackendInfo("b", "1", Device.CPU, "fp32", Set.of(Output.DENSE), 4, 0, 3, false, 1);
    TokenBatch batch = TokenBatch.of(List.of(new int[] {0, 5, 2}));

    info.check(batch, Set.of(Output.DENSE), 6);

    assertThatThrownBy(() -> info.check(batch, Set.of(), 6))
        .hasMessage("expected some of the outputs [DENSE], got []");
    assertThatThrownBy(() -> info.check(batch, Set.of(Output.SPARSE), 6))
        .hasMessage("expected some of the outputs [DENSE], got [SPARSE]");
    assertThatThrownBy(() -> info.check(TokenBatch.of(List.of(new int[4])), info.outputs(), 6))
        .hasMessage("expected texts of at most 3 tokens, got one of 4");
    assertThatThrownBy(() -> info.check(batch, info.outputs(), 5))
        .hasMessage("expected token ids from 0 to 4, got 5");
    assertThatThrownBy(() -> info.check(TokenBatch.of(List.of(new int[] {-1})), info.outputs(), 5))
        .hasMessage("expected token ids from 0 to 4, got -1");
  }

  @Test
  void device_readsWhatItWrites() {
    assertThat(Device.parse("cuda")).isEqualTo(new Device("cuda", 0)).hasToString("cuda:0");
    assertThat(Device.parse(" cuda:3 ")).hasToString("cuda:3");
    assertThat(Device.parse("cpu")).isEqualTo(Device.CPU).hasToString("cpu");
    assertThatThrownBy(() -> Device.parse("cpu:1")).hasMessageContaining("no such device");
    assertThatThrownBy(() -> Device.parse("cuda:x")).hasMessageContaining("expected a device");
  }
}
