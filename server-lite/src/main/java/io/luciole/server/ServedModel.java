package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;

/**
 * A model that the server serves.
 *
 * @param name what clients call it, and what answers call it
 * @param engine what computes its embeddings; its owner closes it
 * @param readiness whether it can answer
 */
record ServedModel(String name, EmbeddingEngine engine, EngineReadiness readiness) {
  ServedModel {
    requireNonNull(name, "name");
    requireNonNull(engine, "engine");
    requireNonNull(readiness, "readiness");
  }
}
