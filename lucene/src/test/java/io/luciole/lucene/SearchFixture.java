package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * An index of random texts in several segments, with duplicates (so that scores tie) and deleted
 * documents, beside the embeddings it was made of in the index's order.
 */
final class SearchFixture implements AutoCloseable {
  final EmbeddingEngine engine = FakeModel.withAll().open();
  final HybridIndexer indexer;
  final HybridSearcher searcher;
  final Texts texts;
  final List<SourceDocument> documents = new ArrayList<>();
  final Map<String, Embedding> embeddings = new LinkedHashMap<>();

  SearchFixture(Path index, long seed, Function<HybridSchema.Builder, HybridSchema> schema) {
    texts = new Texts(seed);
    IndexOptions options =
        IndexOptions.defaults().writerThreads(1).schema(schema.apply(HybridSchema.builder(engine)));
    indexer = HybridIndexer.open(index, engine, options);
    List<SourceDocument> all = texts.documents(400);
    for (int i = 0; i < 40; i++) {
      all.add(SourceDocument.of("twin" + i, "", all.get(i * 3).text()));
    }
    for (int i = 0; i < all.size(); i++) {
      SourceDocument document =
          new SourceDocument(all.get(i).id(), "", all.get(i).text(), Map.of("group", "g" + i % 10));
      // One at a time, so that the order of the index is known.
      indexer.put(document).join();
      if (i % 10 == 9) {
        indexer.delete(document.id());
      } else {
        documents.add(document);
      }
      if (i % 100 == 99) {
        indexer.commit();
      }
    }
    indexer.commit();
    for (SourceDocument document : documents) {
      embeddings.put(
          document.id(),
          engine.embed(document.content(), EmbedOptions.passage().outputs(all())).join());
    }
    searcher = HybridSearcher.open(index, engine);
  }

  private Set<Output> all() {
    return engine.backend().outputs();
  }

  Embedding query(String text) {
    return engine.embed(text, EmbedOptions.query().outputs(all())).join();
  }

  /**
   * All documents by a score, best first, ties in the index's order; those without one left out.
   */
  List<ScoredId> bruteForce(ToDoubleFunction<Embedding> score) {
    List<ScoredId> all = new ArrayList<>();
    embeddings.forEach((id, embedding) -> {
      double s = score.applyAsDouble(embedding);
      if (!Double.isNaN(s)) {
        all.add(new ScoredId(id, s));
      }
    });
    all.sort(Comparator.comparingDouble(ScoredId::score).reversed());
    return all;
  }

  @Override
  public void close() {
    searcher.close();
    indexer.close();
    engine.close();
  }
}
