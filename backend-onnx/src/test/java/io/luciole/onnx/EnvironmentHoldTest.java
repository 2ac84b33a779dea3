package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import org.junit.jupiter.api.Test;

/** References to ONNX Runtime's environment. {@link ShutdownTest} shows what they are for. */
class EnvironmentHoldTest {
  private final OrtEnvironment environment = OrtRuntime.load().environment();

  /** Fails with a version of ONNX Runtime that has other private methods. */
  @Test
  void environment_isHeld() {
    try (EnvironmentHold hold = EnvironmentHold.of(environment)) {
      assertThat(hold.isHeld()).isTrue();
    }
  }

  @Test
  void environment_worksOn_afterHoldsWereClosedTwice() throws OrtException {
    for (int i = 0; i < 3; i++) {
      EnvironmentHold hold = EnvironmentHold.of(environment);
      hold.close();
      hold.close();
    }
    try (OrtSession session = environment.createSession(TrivialModel.bytes())) {
      assertThat(session.getNumOutputs()).isPositive();
    }
  }

  @Test
  void missingMethods_leaveTheEnvironmentUnheld() {
    try (EnvironmentHold hold = EnvironmentHold.of(environment, String.class)) {
      assertThat(hold.isHeld()).isFalse();
    }
  }
}
