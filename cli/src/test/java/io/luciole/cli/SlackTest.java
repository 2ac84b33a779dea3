package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SlackTest {
  @Test
  void fp8_mayDifferFromABatch_int8MayNot() {
    assertThat(Slack.of("fp8").ofBatch()).isEqualTo(Slack.of("fp8"));
    assertThat(Slack.of("int8").ofBatch()).isEqualTo(Slack.FP32);
  }
}
