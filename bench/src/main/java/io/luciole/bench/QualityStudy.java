package io.luciole.bench;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.cache.DiskCache;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.lucene.eval.Evaluation;
import io.luciole.lucene.eval.EvaluationQuery;
import io.luciole.lucene.eval.EvaluationTable;
import io.luciole.lucene.eval.FusionTuning;
import io.luciole.lucene.eval.Metric;
import io.luciole.lucene.eval.Qrels;
import io.luciole.lucene.eval.Significance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Every leg and fusion on several collections, with several analysers, and what would have been
 * chosen on each collection by looking at the others only.
 *
 * <pre>QualityStudy WORK-FOLDER MODEL DEPTH COLLECTION=analyzer,analyzer …</pre>
 *
 * <p>A collection is a folder in BEIR's layout; {@code DEPTH} is the length of the legs' lists.
 * Embeddings are kept in the work folder, so a second run is quick; those of an index that is there
 * already are taken from {@code WORK-FOLDER/NAME.vectors}.
 */
public final class QualityStudy {
  private static final List<Fusion> FUSIONS =
      List.of(
          Fusion.rrf(),
          Fusion.rrf(10),
          Fusion.minMax(),
          Fusion.zScore(),
          Fusion.distributionBased());

  private static final List<Double> GRID = List.of(0.0, 0.25, 0.5, 0.75, 1.0);
  private static final int PARTS = 5;
  private static final long SEED = 1;

  private QualityStudy() {}

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    int depth = Integer.parseInt(args[2]);
    Path work = Path.of(args[0]);
    Map<String, Map<String, EvaluationTable>> tables = new LinkedHashMap<>();
    Map<String, Qrels> judgements = new LinkedHashMap<>();
    try (DiskCache cache = DiskCache.open(work.resolve("embeddings.mv"));
        EmbeddingEngine engine = EmbeddingEngine.builder().model(args[1]).cache(cache).open()) {
      for (int i = 3; i < args.length; i++) {
        Path folder = Path.of(args[i].substring(0, args[i].indexOf('=')));
        String name = String.valueOf(folder.getFileName());
        Qrels qrels = Qrels.read(folder.resolve("qrels.tsv"));
        judgements.put(name, qrels);
        for (String analyzer : args[i].substring(args[i].indexOf('=') + 1).split(",", -1)) {
          EvaluationTable table = evaluate(work, folder, analyzer, engine, qrels, depth);
          tables.computeIfAbsent(name, n -> new LinkedHashMap<>()).put(analyzer, table);
          print(name, analyzer, table, qrels);
        }
      }
    }
    leaveOneOut(tables, judgements);
  }

  private static EvaluationTable evaluate(
      Path work, Path folder, String analyzer, EmbeddingEngine engine, Qrels qrels, int depth)
      throws IOException {
    try (HybridSearcher searcher =
        HybridSearcher.open(index(work, folder, analyzer, engine), engine)) {
      return Evaluation.of(searcher)
          .fusions(FUSIONS)
          .depth(depth)
          .run(EvaluationQuery.readBeir(folder.resolve("queries.jsonl")), qrels, done -> {});
    }
  }

  /** {@return the folder of a collection's index, which is made if it is not there} */
  static Path index(Path work, Path folder, String analyzer, EmbeddingEngine engine)
      throws IOException {
    String name = String.valueOf(folder.getFileName());
    Path index = work.resolve(name + "-" + analyzer);
    if (!Files.exists(index)) {
      index(index, folder, work.resolve(name + ".vectors"), analyzer, engine);
    }
    return index;
  }

  private static void index(
      Path index, Path folder, Path vectors, String analyzer, EmbeddingEngine engine)
      throws IOException {
    HybridSchema schema = HybridSchema.builder(engine).analyzer(analyzer).build();
    try (DocumentSource source = BeirReader.corpus(folder.resolve("corpus.jsonl"));
        HybridIndexer indexer =
            HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema))) {
      if (!Files.exists(vectors)) {
        indexer.indexAll(source, progress -> {});
        return;
      }
      Map<String, float[]> known = QuantizationRecall.vectors(vectors);
      while (source.hasNext()) {
        SourceDocument document = source.next();
        float[] vector = known.get(document.id());
        indexer
            .put(
                document,
                vector == null
                    ? engine.embed(document.content()).join()
                    : Embedding.ofTokens(1).withDense(vector))
            .join();
      }
      indexer.commit();
    }
  }

  private static void print(String name, String analyzer, EvaluationTable table, Qrels qrels) {
    for (EvaluationTable.Row row : table.rows()) {
      System.out.printf(
          Locale.ROOT,
          "%s\t%s\t%s\t%.4f\t%.4f\t%.4f\t%.4f%n",
          name,
          analyzer,
          row.name(),
          row.ndcg10(),
          row.mrr10(),
          row.recall100(),
          row.map());
    }
    FusionTuning tuned =
        FusionTuning.search(table.legRuns(), qrels, Metric.NDCG_10, FUSIONS, GRID, PARTS, SEED);
    System.out.printf(
        Locale.ROOT,
        "%s\t%s\tcross-validated nDCG@10 %.4f; chosen on all: %s (%.4f); folds: %s%n",
        name,
        analyzer,
        tuned.heldOut(),
        tuned.best(),
        tuned.bestScore(),
        tuned.folds());
    significance(name, analyzer, table, qrels);
  }

  /** Each fusion against the best leg. */
  private static void significance(
      String name, String analyzer, EvaluationTable table, Qrels qrels) {
    int best = 0;
    int legs = table.legRuns().size();
    for (int i = 0; i < legs; i++) {
      if (table.rows().get(i).ndcg10() > table.rows().get(best).ndcg10()) {
        best = i;
      }
    }
    for (int i = legs; i < table.runs().size(); i++) {
      Significance of =
          Significance.between(
              table.runs().get(i), table.runs().get(best), qrels, Metric.NDCG_10, 20_000, SEED);
      System.out.printf(
          Locale.ROOT,
          "%s\t%s\t%s against %s: %+.4f, p = %.4f%n",
          name,
          analyzer,
          table.runs().get(i).name(),
          table.runs().get(best).name(),
          of.first() - of.second(),
          of.pValue());
    }
  }

  /**
   * For each collection the fusion with the best mean gain over the best leg on all the others,
   * with every collection's first analyser.
   */
  private static void leaveOneOut(
      Map<String, Map<String, EvaluationTable>> tables, Map<String, Qrels> judgements) {
    List<String> names = new ArrayList<>(judgements.keySet());
    if (names.size() < 2) {
      return;
    }
    for (String left : names) {
      String chosen = "";
      double largest = Double.NEGATIVE_INFINITY;
      for (Fusion fusion : FUSIONS) {
        double gain = 0;
        for (String name : names) {
          if (!name.equals(left)) {
            gain += gain(first(tables, name), fusion.name());
          }
        }
        if (gain > largest) {
          largest = gain;
          chosen = fusion.name();
        }
      }
      System.out.printf(
          Locale.ROOT,
          "without %s: %s, whose gain over the best leg is %+.4f there, %+.4f in the mean"
              + " elsewhere%n",
          left,
          chosen,
          gain(first(tables, left), chosen),
          largest / (names.size() - 1));
    }
  }

  private static EvaluationTable first(
      Map<String, Map<String, EvaluationTable>> tables, String name) {
    return tables.getOrDefault(name, Map.of()).values().iterator().next();
  }

  private static double gain(EvaluationTable table, String fusion) {
    double best = 0;
    double of = 0;
    int legs = table.legRuns().size();
    for (int i = 0; i < table.rows().size(); i++) {
      EvaluationTable.Row row = table.rows().get(i);
      if (i < legs) {
        best = Math.max(best, row.ndcg10());
      } else if (row.name().equals(fusion)) {
        of = row.ndcg10();
      }
    }
    return of - best;
  }
}
