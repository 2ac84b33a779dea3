package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SlackTest {
  /** Wrong poolings are off by less than a tenth. */
  @Test
  void scores_haveLittleSlack() {
    assertThat(Slack.of("fp16").score()).isEqualTo(5e-3);
    assertThat(Slack.of("as exported").score()).isEqualTo(2e-2);
    assertThat(Slack.FP32.score()).isZero();
  }

  @Test
  void fp8_mayDifferFromABatch_int8MayNot() {
    assertThat(Slack.of("fp8").ofBatch()).isEqualTo(Slack.of("fp8"));
    assertThat(Slack.of("int8").ofBatch()).isEqualTo(Slack.FP32);
  }
}
