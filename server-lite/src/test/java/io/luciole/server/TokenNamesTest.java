package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.MiniM3;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Names of all tokens of a vocabulary of pieces within words, and of a SentencePiece one. */
class TokenNamesTest {
  private static EmbeddingEngine engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(model)
        .backend(new FakeBackend())
        .open();
  }

  /** Names of the ids from 0 on; how many have their id in the name. */
  private static int assertDistinct(EmbeddingEngine engine, int ids) {
    TokenNames names = new TokenNames(engine);
    Map<String, Integer> seen = new HashMap<>();
    int withId = 0;
    for (int id = 0; id < ids; id++) {
      String name = names.of(id);
      assertThat(name).isNotBlank().doesNotContain(".");
      assertThat(seen.put(name, id)).as(name).isNull();
      assertThat(names.of(id)).isEqualTo(name);
      withId += name.endsWith("#" + id) ? 1 : 0;
    }
    return withId;
  }

  @Test
  void namesOfWordPieces_areDistinctAndNeverEmpty() {
    try (EmbeddingEngine engine = engine("starter")) {
      assertThat(assertDistinct(engine, 3000)).isLessThan(3000);
      assertThat(new TokenNames(engine).of(engine.tokens("moon", Role.PASSAGE).get(1).id()))
          .isEqualTo("moon");
      int dot = engine.tokens(".", Role.PASSAGE).get(1).id();
      assertThat(new TokenNames(engine).of(dot)).isEqualTo("_#" + dot);
    }
  }

  @Test
  void namesOfSentencePieces_areDistinctAndNeverEmpty() {
    try (EmbeddingEngine engine = engine(MiniM3.folder().toString())) {
      int strings = 0;
      int all = 0;
      Map<String, Integer> byString = new HashMap<>();
      for (; all < 250; all++) {
        strings += byString.put(engine.decodeToken(all).strip(), all) == null ? 1 : 0;
      }
      // Else this shows nothing.
      assertThat(strings).isLessThan(all);
      assertThat(assertDistinct(engine, all)).isBetween(1, all - 1);
    }
  }
}
