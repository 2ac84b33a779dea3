package io.luciole.server;

import com.google.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether the server is ready: whether each of its models is, and each index can be written.
 */
final class Readiness {
  private final ServedModels models;
  private final Indexes indexes;

  @Inject
  Readiness(ServedModels models, Indexes indexes) {
    this.models = models;
    this.indexes = indexes;
  }

  /** Records that an inference of the default model has succeeded. */
  void recordSuccess() {
    models.standard().readiness().recordSuccess();
  }

  /**
   * Why the server is not ready, or null if it is: of every index, or else of every model. Models
   * without a recent success are probed.
   */
  @Nullable String reasonNotReady() {
    List<String> failed = indexes.problems();
    if (!failed.isEmpty()) {
      return String.join(" ", failed);
    }
    List<ServedModel> all = models.running();
    // The first one's probe runs while it is asked.
    all.stream().skip(1).forEach(model -> model.readiness().begin());
    List<String> reasons = new ArrayList<>();
    for (ServedModel model : all) {
      String reason = model.readiness().reasonNotReady();
      if (reason != null) {
        reasons.add(all.size() == 1 ? reason : model.name() + ": " + reason);
      }
    }
    return reasons.isEmpty() ? null : String.join("; ", reasons);
  }
}
