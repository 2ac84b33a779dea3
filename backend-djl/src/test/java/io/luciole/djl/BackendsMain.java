package io.luciole.djl;

import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;

/** Prints which backend is chosen on its class path. */
final class BackendsMain {
  private BackendsMain() {}

  public static void main(String[] args) {
    try {
      BackendProvider chosen = Backends.find().select(args.length > 0 ? args[0] : null, null);
      System.out.println("chosen " + chosen.name());
      for (String problem : chosen.probe().problems()) {
        System.out.println("problem " + problem);
      }
    } catch (BackendException e) {
      System.out.println("error " + e.getMessage());
    }
  }
}
