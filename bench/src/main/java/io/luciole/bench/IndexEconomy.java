package io.luciole.bench;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.Leg;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.SparseWeights;
import io.luciole.lucene.WriteOptions;
import io.luciole.lucene.eval.Metric;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.apache.lucene.util.IOUtils;

/**
 * What an index takes in each form that vectors can be kept in, and what that form does to the
 * results: bytes a document by part, nDCG@10, the share of the ten best that are also those of the
 * exact vectors, and how far scores are off.
 *
 * <pre>
 * IndexEconomy WORK-FOLDER MODEL [documents=N] [queries=N] [only=sparse,dense,colbert] COLLECTION…
 * </pre>
 *
 * <p>A collection is a folder in BEIR's layout. A model that gives no sparse weights has them made
 * up ({@link MadeUpWeights}); one that gives no token vectors has none measured. {@code documents}
 * and {@code queries} take the first of them. Indexes are made in the work folder and deleted.
 */
public final class IndexEconomy {
  private static final int TOP = 10;
  private static final int RERANKED = 50;

  private final EconomyCollection collection;
  private final ModelFingerprint model;
  private final Path work;

  private IndexEconomy(EconomyCollection collection, ModelFingerprint model, Path work) {
    this.collection = collection;
    this.model = model;
    this.work = work;
  }

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    Path work = Files.createDirectories(Path.of(args[0]));
    int most = Integer.MAX_VALUE;
    int asked = Integer.MAX_VALUE;
    String only = "sparse,dense,colbert";
    try (EmbeddingEngine engine = engine(args[1])) {
      for (int i = 2; i < args.length; i++) {
        if (args[i].startsWith("documents=")) {
          most = Integer.parseInt(args[i].substring("documents=".length()));
        } else if (args[i].startsWith("queries=")) {
          asked = Integer.parseInt(args[i].substring("queries=".length()));
        } else if (args[i].startsWith("only=")) {
          only = args[i].substring("only=".length());
        } else {
          EconomyCollection collection =
              EconomyCollection.read(Path.of(args[i]), engine, most, asked);
          new IndexEconomy(collection, engine.fingerprint(), work).run(only);
        }
      }
    }
  }

  private static EmbeddingEngine engine(String model) {
    EmbeddingEngine usual = EmbeddingEngine.builder().model(model).open();
    Set<Output> all = usual.backend().outputs();
    usual.close();
    return EmbeddingEngine.builder().model(model).outputs(all).open();
  }

  private void run(String only) throws IOException {
    System.out.printf(
        Locale.ROOT,
        "%s: %,d documents, %d queries, %s%n",
        collection.name(),
        collection.documents().size(),
        collection.queries().size(),
        collection.weights());
    if (only.contains("sparse")) {
      for (SparseForm form : List.of(SparseForm.IMPACTS, SparseForm.BLOCKS)) {
        for (SparseWeights weights : SparseWeights.values()) {
          leg(
              form.id() + ", " + weights.id(),
              Leg.SPARSE,
              b -> b.dense(false).sparseForm(form).sparseWeights(weights));
        }
      }
    }
    if (only.contains("dense")) {
      for (DenseQuantization quantization : DenseQuantization.values()) {
        leg(quantization.id(), Leg.DENSE, b -> b.sparse(false).quantization(quantization));
      }
    }
    if (only.contains("colbert") && collection.rowDimension() > 0) {
      rerank();
    }
  }

  /** Makes an index, and hands it over with its description until it is deleted. */
  private void with(Consumer<SchemaBuilder> how, Consumer<Path> use) throws IOException {
    Path index = work.resolve("index");
    IOUtils.rm(index);
    SchemaBuilder schema = HybridSchema.builder(model.dimension(), true);
    how.accept(schema);
    try (HybridIndexer indexer =
        HybridIndexer.open(
            index, model, WriteOptions.defaults().schema(schema.build()).writerThreads(1))) {
      collection.documents().forEach(d -> indexer.put(d.document(), d.embedding()).join());
      indexer.commitMerged();
    }
    use.accept(index);
    IOUtils.rm(index);
  }

  private static double score(Leg leg, Embedding query, Embedding document) {
    return leg == Leg.SPARSE
        ? query.sparse().dot(document.sparse())
        : EconomyCollection.dot(query.dense(), document.dense());
  }

  private void leg(String name, Leg leg, Consumer<SchemaBuilder> how) throws IOException {
    with(
        how,
        index -> {
          Figures figures = new Figures();
          try (HybridSearcher searcher = HybridSearcher.open(index)) {
            for (EconomyCollection.Query query : collection.queries()) {
              HybridQuery asked =
                  HybridQuery.of("").embedding(query.embedding()).legs(leg).depth(TOP).top(TOP);
              figures.add(
                  query,
                  searcher.search(asked).leg(leg),
                  collection.best(leg.id(), query, d -> score(leg, query.embedding(), d)),
                  d -> score(leg, query.embedding(), d));
            }
          }
          figures.print(leg.id() + ": " + name, IndexDescription.read(index), leg.id());
        });
  }

  /** The best by words, reranked by token vectors in each form. */
  private void rerank() throws IOException {
    for (MultiVectorForm form : MultiVectorForm.values()) {
      with(
          b -> b.dense(false).sparse(false).multiVectors(form, collection.rowDimension()),
          index -> {
            Figures figures = new Figures();
            try (HybridSearcher searcher = HybridSearcher.open(index)) {
              for (EconomyCollection.Query query : collection.queries()) {
                HybridQuery asked =
                    HybridQuery.of(query.text())
                        .embedding(query.embedding())
                        .legs(Leg.BM25)
                        .depth(RERANKED)
                        .top(RERANKED);
                List<ScoredId> words = searcher.search(asked).fused();
                List<ScoredId> reranked = searcher.search(asked.rerank(RERANKED)).fused();
                ToDoubleFunction<Embedding> exact =
                    d -> query.embedding().colbert().maxSim(d.colbert());
                figures.add(
                    query,
                    reranked.subList(0, Math.min(TOP, reranked.size())),
                    collection.order("colbert", query, words, exact),
                    exact);
              }
            }
            figures.print("colbert: " + form.id(), IndexDescription.read(index), "colbert");
          });
    }
  }

  /** What a form does to the results, over the queries. */
  private final class Figures {
    private final List<Double> ndcg = new ArrayList<>();
    private final List<Double> exactNdcg = new ArrayList<>();
    private final Map<String, Embedding> byId = collection.byId();
    private double shared;
    private double places;
    private double off;
    private double offRelative;
    private double largest;
    private int scores;

    void add(
        EconomyCollection.Query query,
        List<ScoredId> found,
        List<ScoredId> exact,
        ToDoubleFunction<Embedding> score) {
      ndcg.add(Metric.NDCG_10.of(found, query.grades()));
      exactNdcg.add(Metric.NDCG_10.of(exact, query.grades()));
      List<String> ids = exact.stream().map(ScoredId::id).toList();
      shared += found.stream().filter(hit -> ids.contains(hit.id())).count();
      places += ids.size();
      for (ScoredId hit : found) {
        Embedding document = byId.get(hit.id());
        if (document != null) {
          double right = score.applyAsDouble(document);
          double error = Math.abs(hit.score() - right);
          off += error;
          offRelative += right == 0 ? 0 : error / Math.abs(right);
          largest = Math.max(largest, error);
          scores++;
        }
      }
    }

    private static double mean(List<Double> values) {
      return values.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    }

    void print(String name, IndexDescription index, String field) {
      Map<String, Double> parts = new LinkedHashMap<>();
      index
          .parts()
          .forEach((part, bytes) -> {
            if (part.contains("of " + field)) {
              parts.put(part, (double) bytes / index.documents());
            }
          });
      System.out.printf(
          Locale.ROOT,
          "%-24s nDCG@10 %.4f (exact %.4f)  top 10 shared %.4f  score off %.2e mean, %.2e of the"
              + " score, %.2e most  bytes a document %.1f",
          name,
          mean(ndcg),
          mean(exactNdcg),
          shared / Math.max(1, places),
          off / Math.max(1, scores),
          offRelative / Math.max(1, scores),
          largest,
          parts.values().stream().mapToDouble(Double::doubleValue).sum());
      new HashMap<>(parts)
          .forEach((part, bytes) -> System.out.printf(Locale.ROOT, "  [%s %.1f]", part, bytes));
      System.out.println();
    }
  }
}
