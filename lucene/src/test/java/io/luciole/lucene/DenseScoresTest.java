package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.Scores;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenseScoresTest {
  private static final long SEED = 20_261_129;

  @TempDir private Path folder;

  @Test
  void hitsOfEveryLeg_haveTheDotProductOfTheVectors() {
    try (SearchFixture fixture = new SearchFixture(folder, SEED, SchemaBuilder::build)) {
      for (int q = 0; q < 20; q++) {
        String text = fixture.texts.text(1 + q % 8);
        Embedding query = fixture.engine.embed(text, EmbedOptions.query()).join();
        for (Leg leg : Leg.values()) {
          List<Hit> hits = fixture.searcher.search(HybridQuery.of(text).legs(leg).top(20)).hits();
          Map<String, Double> scores = DenseScores.of(fixture.searcher, query, hits);
          assertThat(scores.keySet())
              .as("seed %d, query %s, leg %s", SEED, text, leg)
              .hasSize(hits.size());
          scores.forEach((id, score) ->
              assertThat(score)
                  .isCloseTo(
                      Scores.dense(query, requireNonNull(fixture.embeddings.get(id))),
                      within(1e-4)));
        }
      }
    }
  }

  @Test
  void withoutHits_thereIsNothing() {
    try (SearchFixture fixture = new SearchFixture(folder, SEED, SchemaBuilder::build)) {
      Embedding query = fixture.engine.embed("words", EmbedOptions.query()).join();
      assertThat(DenseScores.of(fixture.searcher, query, List.of())).isEmpty();
    }
  }
}
