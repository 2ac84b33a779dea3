package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.Bits;

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

  SearchFixture(Path index, long seed, Function<SchemaBuilder, HybridSchema> schema) {
    texts = new Texts(seed);
    WriteOptions how =
        WriteOptions.defaults().writerThreads(1).schema(schema.apply(HybridSchema.builder(engine)));
    indexer = HybridIndexer.open(index, engine, how);
    List<SourceDocument> all = texts.documents(400);
    for (int i = 0; i < 40; i++) {
      all.add(SourceDocument.of("twin" + i, "", all.get(i * 3).text()));
    }
    Map<String, SourceDocument> kept = new LinkedHashMap<>();
    Map<String, CompletableFuture<Embedding>> embedded = new HashMap<>();
    EmbedOptions options = EmbedOptions.passage().outputs(engine.backend().outputs());
    for (int i = 0; i < all.size(); i++) {
      SourceDocument document =
          new SourceDocument(all.get(i).id(), "", all.get(i).text(), Map.of("group", "g" + i % 10));
      CompletableFuture<Boolean> written = indexer.put(document);
      if (i % 10 == 9) {
        indexer.delete(document.id());
      } else {
        kept.put(document.id(), document);
        embedded.put(document.id(), engine.embed(document.content(), options));
      }
      if (i % 100 == 99) {
        written.join();
        indexer.commit();
      }
    }
    indexer.commit();
    for (String id : inOrderOfTheIndex(index)) {
      documents.add(requireNonNull(kept.get(id)));
      embeddings.put(id, requireNonNull(embedded.get(id)).join());
    }
    searcher = HybridSearcher.open(index, engine);
  }

  private static List<String> inOrderOfTheIndex(Path index) {
    List<String> order = new ArrayList<>();
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      for (LeafReaderContext leaf : reader.leaves()) {
        BinaryDocValues ids = leaf.reader().getBinaryDocValues(SchemaFields.ID);
        Bits live = leaf.reader().getLiveDocs();
        for (int d = 0; d < leaf.reader().maxDoc(); d++) {
          if ((live == null || live.get(d)) && ids.advanceExact(d)) {
            order.add(ids.binaryValue().utf8ToString());
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return order;
  }

  Embedding query(String text) {
    return engine.embed(text, EmbedOptions.query().outputs(engine.backend().outputs())).join();
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
