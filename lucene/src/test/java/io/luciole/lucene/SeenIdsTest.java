package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeenIdsTest {
  @Test
  void addAndRemove_asASetOfStrings() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    SeenIds ids = new SeenIds();
    Set<String> expected = new HashSet<>();
    for (int i = 0; i < 50_000; i++) {
      String id = "d" + random.nextInt(5_000);
      if (random.nextInt(3) == 0) {
        assertThat(ids.remove(id)).as("seed %d", seed).isEqualTo(expected.remove(id));
      } else {
        assertThat(ids.add(id)).as("seed %d", seed).isEqualTo(expected.add(id));
      }
    }
    for (int i = 0; i < 5_000; i++) {
      assertThat(ids.contains("d" + i)).as("seed %d", seed).isEqualTo(expected.contains("d" + i));
    }
  }
}
