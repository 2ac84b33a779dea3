package io.luciole.djl;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** Checks every batch, so that nothing invalid reaches native code, and runs it in an encoder. */
final class DjlBackend implements Backend {
  private final Encoder encoder;
  private final BackendInfo info;
  private final AtomicBoolean closed = new AtomicBoolean();

  DjlBackend(Encoder encoder, String version, Device device, int maxTokens) {
    this.encoder = encoder;
    this.info =
        new BackendInfo(
            DjlBackendProvider.NAME,
            version,
            device,
            encoder.precision(),
            encoder.outputs(),
            encoder.dimension(),
            encoder.colbertDimension(),
            maxTokens,
            encoder.pads(),
            1);
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

  /** Native tensors that exist now. Between two runs these are the weights and nothing else. */
  int tensors() {
    return encoder.tensors();
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      encoder.close();
    }
  }
}
