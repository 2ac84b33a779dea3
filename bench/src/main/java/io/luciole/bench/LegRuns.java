package io.luciole.bench;

import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaFields;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.eval.EvaluationQuery;
import io.luciole.lucene.eval.Qrels;
import io.luciole.lucene.eval.RankedRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.BayesianScoreEstimator;
import org.apache.lucene.search.BayesianScoreEstimator.Parameters;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.FSDirectory;

/**
 * What the legs found in one collection, and what is known of its queries. The runs are kept as
 * TREC run files in the work folder, one for each leg, and read from there the next time.
 *
 * @param collection the name of the collection's folder
 * @param analyzer the analyser of the leg of words
 * @param runs each leg's lists of up to {@link #DEPTH} documents; the leg of sparse weights is
 *     words by a second analyser that stand in for it, if there is one
 * @param texts the queries' texts, by id
 * @param tokens the number of the model's tokens in each query, without special ones
 * @param calibration what Lucene's sampling says of the scores of the index's words
 * @param qrels the judgements
 */
record LegRuns(
    String collection,
    String analyzer,
    Map<Leg, RankedRun> runs,
    Map<String, String> texts,
    Map<String, Integer> tokens,
    Parameters calibration,
    Qrels qrels) {
  /** The length of the lists. */
  static final int DEPTH = 1000;

  /**
   * Reads a collection's runs, or makes its index and searches it first.
   *
   * @param third the analyser of the words that stand in for sparse weights, or "" for two legs
   */
  static LegRuns of(Path work, Path folder, String analyzer, String third, EmbeddingEngine engine)
      throws IOException {
    String name = String.valueOf(folder.getFileName());
    Qrels qrels = Qrels.read(folder.resolve("qrels.tsv"));
    Map<String, String> texts = new LinkedHashMap<>();
    Map<String, Integer> tokens = new LinkedHashMap<>();
    for (EvaluationQuery query : EvaluationQuery.readBeir(folder.resolve("queries.jsonl"))) {
      if (qrels.isJudged(query.id())) {
        texts.put(query.id(), query.text());
        tokens.put(query.id(), engine.tokenize(query.text(), Role.PASSAGE).length() - 2);
      }
    }
    Map<Leg, RankedRun> runs = new EnumMap<>(Leg.class);
    Path index = QualityStudy.index(work, folder, analyzer, engine);
    runs.put(Leg.DENSE, run(work, index, engine, Leg.DENSE, texts));
    runs.put(Leg.BM25, run(work, index, engine, Leg.BM25, texts));
    if (!third.isEmpty()) {
      Path other = QualityStudy.index(work, folder, third, engine);
      runs.put(Leg.SPARSE, run(work, other, engine, Leg.BM25, texts));
    }
    return new LegRuns(name, analyzer, runs, texts, tokens, calibration(index), qrels);
  }

  private static Parameters calibration(Path index) throws IOException {
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      return BayesianScoreEstimator.estimate(new IndexSearcher(reader), SchemaFields.WORDS);
    }
  }

  private static RankedRun run(
      Path work, Path index, EmbeddingEngine engine, Leg leg, Map<String, String> texts)
      throws IOException {
    Path file =
        Files.createDirectories(work.resolve("runs"))
            .resolve(index.getFileName() + "-" + leg.id() + ".trec");
    if (!Files.exists(file)) {
      search(index, engine, leg, texts).writeTrec(file);
    }
    return RankedRun.readTrec(file, leg.id());
  }

  private static RankedRun search(
      Path index, EmbeddingEngine engine, Leg leg, Map<String, String> texts) {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      Map<String, List<ScoredId>> rankings = new LinkedHashMap<>();
      texts.forEach((id, text) -> {
        HybridQuery query = HybridQuery.of(text).top(0).legs(leg).depth(DEPTH);
        rankings.put(id, searcher.search(query).legs().getOrDefault(leg, List.of()));
      });
      return new RankedRun(leg.id(), rankings);
    }
  }
}
