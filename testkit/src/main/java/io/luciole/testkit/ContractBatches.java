package io.luciole.testkit;

import io.luciole.Output;
import io.luciole.spi.Backend;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Inputs of {@link BackendContractTest}. */
final class ContractBatches {
  private ContractBatches() {}

  /** Random ids of ordinary tokens, between the special tokens 0 and 2 around a text. */
  static int[] text(Random random, int length, int vocabulary) {
    int[] ids = new int[length];
    for (int i = 1; i < length; i++) {
      ids[i] = 5 + random.nextInt(Math.min(5000, vocabulary - 5));
    }
    if (length > 1) {
      ids[length - 1] = 2;
    }
    return ids;
  }

  /** Runs batches of some of the texts in random order, and closes their outputs. */
  static void runShuffled(
      Backend on, List<int[]> texts, Set<Output> outputs, int times, Random random) {
    for (int i = 0; i < times; i++) {
      List<int[]> some = new ArrayList<>(texts);
      Collections.shuffle(some, random);
      on.run(TokenBatch.of(some.subList(0, 1 + random.nextInt(some.size()))), outputs).close();
    }
  }

  /** All subsets but the empty one. */
  static List<Set<Output>> subsets(Set<Output> of) {
    List<Output> all = List.copyOf(of);
    List<Set<Output>> subsets = new ArrayList<>();
    for (int bits = 1; bits < 1 << all.size(); bits++) {
      Set<Output> subset = EnumSet.noneOf(Output.class);
      for (int i = 0; i < all.size(); i++) {
        if ((bits >> i & 1) == 1) {
          subset.add(all.get(i));
        }
      }
      subsets.add(subset);
    }
    return subsets;
  }
}
