package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** Checks what comes in, so that nothing wrong reaches native code, and runs it in an encoder. */
final class OnnxBackend implements Backend {
  private final Encoder encoder;
  private final EnvironmentHold hold;
  private final BackendInfo info;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * Creates a backend, which closes both of these.
   *
   * @param hold taken before the encoder was opened
   */
  OnnxBackend(Encoder encoder, EnvironmentHold hold, String version, Device device, int maxTokens) {
    this.encoder = encoder;
    this.hold = hold;
    this.info =
        new BackendInfo(
            OnnxBackendProvider.NAME,
            version,
            device,
            encoder.precision(),
            encoder.outputs(),
            encoder.dimension(),
            encoder.colbertDimension(),
            maxTokens,
            encoder.pads(),
            encoder.concurrentRuns());
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public int vocabulary() {
    return encoder.vocabulary();
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    requireNonNull(batch, "batch");
    requireNonNull(outputs, "outputs");
    if (closed.get()) {
      throw new IllegalStateException("this backend is closed");
    }
    info.check(batch, outputs, encoder.vocabulary());
    return encoder.run(batch, outputs);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      try (hold) {
        encoder.close();
      }
    }
  }
}
