package io.luciole.bench;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.WriteOptions;
import io.luciole.lucene.eval.Evaluation;
import io.luciole.lucene.eval.EvaluationQuery;
import io.luciole.lucene.eval.EvaluationTable;
import io.luciole.lucene.eval.Metric;
import io.luciole.lucene.eval.Qrels;
import io.luciole.lucene.eval.RankedRun;
import io.luciole.lucene.eval.Significance;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * BM25 with several analysers on several collections. Needs no model: the vectors are made up.
 *
 * <pre>AnalyzerStudy WORK-FOLDER ANALYZER,ANALYZER… COLLECTION…</pre>
 *
 * <p>A collection is a folder in BEIR's layout, the work folder a new one. Prints nDCG@10 and
 * Recall@100 of each analyser, and the p-value of its difference to the first one.
 */
public final class AnalyzerStudy {
  private static final long SEED = 1;

  private AnalyzerStudy() {}

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    Path work = Files.createDirectories(Path.of(args[0]));
    String[] analyzers = args[1].split(",", -1);
    Path model = Files.createDirectories(work.resolve("model"));
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder()
            .model(FakeModel.write(model, 512))
            .backend(new FakeBackend())
            .open()) {
      for (int i = 2; i < args.length; i++) {
        study(work, analyzers, Path.of(args[i]), engine);
      }
    }
  }

  private static void study(Path work, String[] analyzers, Path folder, EmbeddingEngine engine)
      throws IOException {
    Qrels qrels = Qrels.read(folder.resolve("qrels.tsv"));
    List<EvaluationQuery> queries = EvaluationQuery.readBeir(folder.resolve("queries.jsonl"));
    List<RankedRun> runs = new ArrayList<>();
    for (String analyzer : analyzers) {
      Path index = work.resolve(folder.getFileName() + "-" + analyzer);
      index(index, folder, analyzer, engine);
      try (HybridSearcher searcher = HybridSearcher.open(index)) {
        EvaluationTable table = Evaluation.of(searcher).run(queries, qrels, done -> {});
        runs.add(table.runs().get(0));
        EvaluationTable.Row row = table.rows().get(0);
        Significance difference =
            Significance.between(
                runs.get(runs.size() - 1),
                runs.get(0),
                qrels,
                Metric.NDCG_10,
                Significance.DEFAULT_ROUNDS,
                SEED);
        System.out.printf(
            Locale.ROOT,
            "%s\t%s\tnDCG@10 %.4f\tRecall@100 %.4f\tp = %.4f%n",
            folder.getFileName(),
            analyzer,
            row.ndcg10(),
            row.recall100(),
            difference.pValue());
      }
    }
  }

  private static void index(Path index, Path folder, String analyzer, EmbeddingEngine engine) {
    HybridSchema schema = HybridSchema.builder(engine).analyzer(analyzer).build();
    try (DocumentSource source = BeirReader.corpus(folder.resolve("corpus.jsonl"));
        HybridIndexer indexer =
            HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema))) {
      indexer.indexAll(source, progress -> {});
    }
  }
}
