package io.luciole.djl;

import org.junit.jupiter.api.Tag;

/** The backend djl passes the contract with scores with a bias by distance. */
@Tag("long")
class DjlMpNetContractTest extends DjlTinyContract {
  DjlMpNetContractTest() {
    super("mpnet");
  }
}
