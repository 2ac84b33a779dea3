package io.luciole.djl;

import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import java.util.Arrays;
import java.util.Optional;

/** Prints which backend is chosen on its class path. */
final class BackendsMain {
  private BackendsMain() {}

  public static void main(String[] args) {
    try {
      BackendProvider chosen =
          Backends.find().select(Arrays.stream(args).findFirst(), Optional.empty());
      System.out.println("chosen " + chosen.name());
      for (String problem : chosen.probe().problems()) {
        System.out.println("problem " + problem);
      }
    } catch (BackendException e) {
      System.out.println("error " + e.getMessage());
    }
  }
}
