package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.luciole.CrossEncoder;

/**
 * A reranker that the server serves.
 *
 * @param model its name, engine and readiness; texts alone are not embedded by it
 * @param reranker what scores pairs; its owner closes it
 */
record ServedReranker(ServedModel model, CrossEncoder reranker) {
  ServedReranker {
    requireNonNull(model, "model");
    requireNonNull(reranker, "reranker");
  }

  String name() {
    return model.name();
  }
}
