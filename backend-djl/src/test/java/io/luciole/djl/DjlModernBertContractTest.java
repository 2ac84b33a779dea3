package io.luciole.djl;

import org.junit.jupiter.api.Tag;

/**
 * The backend djl passes the contract with rotary positions, windows, gates and norms that come
 * first.
 */
@Tag("long")
class DjlModernBertContractTest extends DjlTinyContract {
  DjlModernBertContractTest() {
    super("modernbert");
  }
}
