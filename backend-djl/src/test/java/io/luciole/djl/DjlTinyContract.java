package io.luciole.djl;

import io.luciole.Output;
import io.luciole.model.ModelSource;
import io.luciole.testkit.ReferenceText;
import io.luciole.testkit.TinyEncoder;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * The contract of the backend djl over a {@link TinyEncoder}, whose vectors {@link
 * DjlTinyEncodersTest} compares.
 */
abstract class DjlTinyContract extends DjlContract {
  private final String family;

  DjlTinyContract(String family) {
    this.family = family;
  }

  @Override
  protected ModelSource model() {
    return new TinyEncoder(family).source();
  }

  @Override
  protected List<ReferenceText> reference() {
    return List.of(); // DjlTinyEncodersTest compares the vectors.
  }

  @Override
  protected Set<Output> outputs() {
    return EnumSet.of(Output.DENSE);
  }
}
