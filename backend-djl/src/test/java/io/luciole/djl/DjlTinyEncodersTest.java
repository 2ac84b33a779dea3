package io.luciole.djl;

import io.luciole.model.Pooling;
import io.luciole.spi.BackendProvider;
import io.luciole.testkit.TinyEncodersTest;
import java.util.EnumSet;
import java.util.Set;

/** All architectures that run from their checkpoint, compared with Transformers. */
class DjlTinyEncodersTest extends TinyEncodersTest {
  @Override
  protected BackendProvider provider() {
    return new DjlBackendProvider();
  }

  /** The program pools the states of all encoders alike, and TinyBertTest compares how. */
  @Override
  protected Set<Pooling> poolings() {
    return EnumSet.of(Pooling.MEAN);
  }
}
