package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineHealth;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.PairScore;
import io.luciole.Truncation;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.TokenBatch;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A tokenizer with more ids than the model. */
class VocabularyTest extends EngineTestCase {
  /** A backend whose model has so many ids. */
  private record Small(BackendProvider all, int vocabulary) implements BackendProvider {
    @Override
    public String name() {
      return all.name();
    }

    @Override
    public Probe probe() {
      return all.probe();
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      Backend open = all.open(model, config);
      return new Backend() {
        @Override
        public BackendInfo info() {
          return open.info();
        }

        @Override
        public int vocabulary() {
          return vocabulary;
        }

        @Override
        public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
          open.info().check(batch, outputs, vocabulary);
          return open.run(batch, outputs);
        }

        @Override
        public void close() {
          open.close();
        }
      };
    }
  }

  @Test
  void aTextWithAnIdThatTheModelDoesNotHave_failsAlone() {
    try (EmbeddingEngine engine = open(b -> b.backend(new Small(backend, 100)))) {
      CompletableFuture<Embedding> right = engine.embed("w1 w96");
      CompletableFuture<Embedding> wrong = engine.embed("w1 w97");
      assertRight(engine, "w1 w96", get(right));
      assertThat(failure(wrong))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("0 to 99")
          .hasMessageContaining("the id 100 ");
      assertThat(engine.health().state()).isEqualTo(EngineHealth.State.HEALTHY);
      assertThat(engine.stats().failedRuns()).isZero();
    }
  }

  @Test
  void tokenIds_laterChunks_andPairs_areCheckedToo() {
    try (EmbeddingEngine engine = open(b -> b.backend(new Small(backend, 100)))) {
      List<CompletableFuture<Embedding>> wrong =
          List.of(
              engine.embed(new int[] {3, 100}, EmbedOptions.passage()),
              engine.embed(
                  "w1 ".repeat(600) + "w97", EmbedOptions.passage().truncation(Truncation.CHUNK)));
      assertThat(wrong)
          .allSatisfy(f ->
              assertThat(failure(f))
                  .isInstanceOf(ModelException.class)
                  .hasMessageContaining("the id 100 "));
      assertThat(engine.stats().failedRuns()).isZero();
    }
    EngineBuilder builder =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(FakeReranker.write(folder, 40))
            .backend(new Small(backend, 100));
    try (CrossEncoder reranker = CrossEncoder.open(builder)) {
      assertThat(reranker.score("w1", "w2").join().tokenCount()).isEqualTo(6);
      for (CompletableFuture<PairScore> pair :
          List.of(reranker.score("w97", "w1"), reranker.score("w1", "w97"))) {
        assertThatThrownBy(pair::join).hasCauseInstanceOf(ModelException.class);
      }
      assertThat(reranker.engine().stats().failedRuns()).isZero();
    }
  }

  @Test
  void aTokenizerWhoseSpecialIdsTheModelDoesNotHave_isRefusedWhenTheEngineOpens() {
    assertThatThrownBy(() -> open(b -> b.backend(new Small(backend, 1))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("0 to 0")
        .hasMessageContaining("tokenizer.json");
  }
}
