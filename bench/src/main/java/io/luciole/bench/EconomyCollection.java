package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.eval.EvaluationQuery;
import io.luciole.lucene.eval.Qrels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * A collection with all vectors of its texts in memory, for {@link IndexEconomy}.
 *
 * @param weights where the sparse weights are from, for people
 * @param rowDimension components of a token vector; 0 if there are none
 */
record EconomyCollection(
    String name, List<Doc> documents, List<Query> queries, String weights, int rowDimension) {
  private static final int SHOWN = 10;
  private static final Map<String, List<ScoredId>> BEST = new HashMap<>();

  /** A document with its vectors. */
  record Doc(SourceDocument document, Embedding embedding) {}

  /** A judged query with its vectors. */
  record Query(String id, String text, Embedding embedding, Map<String, Integer> grades) {}

  static EconomyCollection read(Path folder, EmbeddingEngine engine, int most, int questionsAtMost)
      throws IOException {
    Qrels qrels = Qrels.read(folder.resolve("qrels.tsv"));
    List<SourceDocument> sources = new ArrayList<>();
    try (DocumentSource source = BeirReader.corpus(folder.resolve("corpus.jsonl"))) {
      while (source.hasNext() && sources.size() < most) {
        sources.add(source.next());
      }
    }
    List<EvaluationQuery> asked =
        EvaluationQuery.readBeir(folder.resolve("queries.jsonl")).stream()
            .filter(query -> qrels.isJudged(query.id()))
            .limit(questionsAtMost)
            .toList();
    List<String> texts = sources.stream().map(SourceDocument::content).toList();
    List<Embedding> passages = embed(engine, texts, EmbedOptions.passage());
    List<String> questions = asked.stream().map(EvaluationQuery::text).toList();
    List<Embedding> embedded = embed(engine, questions, EmbedOptions.query());
    String weights = "sparse weights of the model";
    if (!engine.outputs().contains(Output.SPARSE)) {
      MadeUpWeights made =
          MadeUpWeights.of(texts.stream().map(t -> engine.tokenize(t, Role.PASSAGE)).toList());
      for (int i = 0; i < passages.size(); i++) {
        passages.set(i, passages.get(i).withSparse(made.passage(i)));
      }
      for (int i = 0; i < embedded.size(); i++) {
        // Without the query's prompt, whose tokens are in every query.
        embedded.set(
            i,
            embedded
                .get(i)
                .withSparse(made.query(engine.tokenize(questions.get(i), Role.PASSAGE), i)));
      }
      weights = "made-up sparse weights";
    }
    List<Doc> documents = new ArrayList<>();
    for (int i = 0; i < sources.size(); i++) {
      documents.add(new Doc(sources.get(i), passages.get(i)));
    }
    List<Query> queries = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      String id = asked.get(i).id();
      queries.add(new Query(id, questions.get(i), embedded.get(i), qrels.grades(id)));
    }
    int rows = engine.outputs().contains(Output.COLBERT) ? engine.backend().colbertDimension() : 0;
    return new EconomyCollection(
        String.valueOf(folder.getFileName()), documents, queries, weights, rows);
  }

  private static List<Embedding> embed(
      EmbeddingEngine engine, List<String> texts, EmbedOptions options) {
    return new ArrayList<>(engine.embedAll(texts, options.outputs(engine.outputs())));
  }

  static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /** The vectors of the documents, by their ids. */
  Map<String, Embedding> byId() {
    Map<String, Embedding> byId = new HashMap<>();
    documents.forEach(d -> byId.put(d.document().id(), d.embedding()));
    return byId;
  }

  /**
   * The best of all documents that score more than 0, by brute force.
   *
   * @param kind what the score is of; remembered by it
   */
  List<ScoredId> best(String kind, Query query, ToDoubleFunction<Embedding> score) {
    return BEST.computeIfAbsent(
        name + ' ' + kind + ' ' + query.id(),
        key ->
            documents.stream()
                .map(d -> new ScoredId(d.document().id(), score.applyAsDouble(d.embedding())))
                .filter(hit -> hit.score() > 0)
                .sorted(Comparator.comparingDouble(ScoredId::score).reversed())
                .limit(SHOWN)
                .toList());
  }

  /**
   * The best of a query's list by exact scores.
   *
   * @param kind what the score is of; remembered by it
   */
  List<ScoredId> order(
      String kind, Query query, List<ScoredId> list, ToDoubleFunction<Embedding> score) {
    Map<String, Embedding> byId = byId();
    return BEST.computeIfAbsent(
        name + ' ' + kind + ' ' + query.id(),
        key ->
            list.stream()
                .filter(hit -> byId.containsKey(hit.id()))
                .map(hit -> new ScoredId(hit.id(), score.applyAsDouble(byId.get(hit.id()))))
                .sorted(Comparator.comparingDouble(ScoredId::score).reversed())
                .limit(SHOWN)
                .toList());
  }
}
