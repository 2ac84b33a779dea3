package io.luciole.lucene;

import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.search.TaskExecutor;

/**
 * Scores documents by the weighted mean of the exact scores of a query's vectors with the vectors
 * that the index keeps: {@code Σ w·score / Σ w}. A document of passages has the score of its best
 * passage. Safe for use by many threads.
 */
final class ExactScorer {
  /**
   * Documents that one task scores by token vectors; for fewer a task costs more than it saves. The
   * other scores cost a microsecond each and are computed by one thread.
   */
  private static final int DOCUMENTS_PER_TASK = 16;

  private final VectorQueries queries;
  private final Scores.Weights weights;
  private final double sumOfWeights;
  private final float[] dense;
  private final SparseVector sparse;
  private final TokenQuery colbert;

  /**
   * The exact scores of a document, or of its best passage. Those of weight 0 are not computed.
   *
   * @param passage the number in the index of that passage, or of the document
   * @param score the mean of the three by the weights
   */
  record Score(
      int passage, double score, float dense, float sparse, float colbert, Scores.Weights weights) {
    private static Score none(int doc, Scores.Weights weights) {
      return new Score(doc, 0, 0, 0, 0, weights);
    }
  }

  /**
   * Creates a scorer.
   *
   * @throws IllegalArgumentException if the index lacks vectors that are to count, or the query's
   *     have another dimension, a component that is not finite, or one beyond 1e15
   * @throws IllegalStateException if the query lacks them
   */
  ExactScorer(VectorQueries queries, Embedding query, Scores.Weights weights) {
    this.queries = queries;
    this.weights = weights;
    this.sumOfWeights = weights.dense() + weights.sparse() + weights.colbert();
    require(weights.dense(), Output.DENSE);
    require(weights.sparse(), Output.SPARSE);
    require(weights.colbert(), Output.COLBERT);
    dense = weights.dense() > 0 ? query.dense() : new float[0];
    sparse = weights.sparse() > 0 ? query.sparse() : SparseVector.EMPTY;
    colbert = new TokenQuery(weights.colbert() > 0 ? query.colbert().toArrays() : new float[0][]);
    if (weights.dense() > 0) {
      int expected = queries.fields().dense().orElseThrow().dimension();
      VectorChecks.requireDimension("a dense vector", expected, dense.length);
      VectorChecks.requireFiniteQuery("dense vector", dense);
    }
    VectorChecks.requireSparse("a query", sparse);
    if (colbert.rows().length > 0) {
      int expected = queries.fields().multiVectors().orElseThrow().dimension();
      VectorChecks.requireDimension("token vectors", expected, colbert.rows()[0].length);
      for (float[] row : colbert.rows()) {
        VectorChecks.requireFiniteQuery("token vectors", row);
      }
    }
  }

  private void require(double weight, Output output) {
    if (weight > 0 && !queries.fields().outputs().contains(output)) {
      throw new IllegalArgumentException(
          "expected an index that keeps "
              + output
              + ", to score by it, got one of "
              + queries.fields().outputs());
    }
  }

  /**
   * Scores documents, by token vectors on several threads.
   *
   * @param docs their numbers in the index, ascending
   * @param timeOut asked before each document whether to stop
   * @return a score for each, in their order; fewer if it was told to stop
   */
  List<Score> score(IndexReader reader, int[] docs, TaskExecutor tasks, BooleanSupplier timeOut)
      throws IOException {
    if (weights.colbert() == 0) {
      return score(reader, docs, timeOut);
    }
    List<Callable<List<Score>>> calls = new ArrayList<>();
    for (int from = 0; from < docs.length; from += DOCUMENTS_PER_TASK) {
      int[] part = Arrays.copyOfRange(docs, from, Math.min(docs.length, from + DOCUMENTS_PER_TASK));
      calls.add(() -> score(reader, part, timeOut));
    }
    List<Score> scores = new ArrayList<>(docs.length);
    tasks.invokeAll(calls).forEach(scores::addAll);
    return scores;
  }

  /** Scores documents on this thread; see the other method. */
  List<Score> score(IndexReader reader, int[] docs, BooleanSupplier timeOut) throws IOException {
    List<Score> scores = new ArrayList<>(docs.length);
    SegmentCursor<DocumentVectors> segments = new SegmentCursor<>(reader, queries::vectorsOf);
    for (int doc : docs) {
      if (timeOut.getAsBoolean()) {
        return List.of();
      }
      DocumentVectors vectors = segments.advance(doc);
      scores.add(score(vectors, segments.base(), doc - segments.base()));
    }
    return scores;
  }

  private Score score(DocumentVectors vectors, int base, int doc) throws IOException {
    Score best = Score.none(base + doc, weights);
    int first = vectors.firstPassage(doc);
    for (int passage = first; passage <= vectors.lastPassage(doc); passage++) {
      float d = weights.dense() > 0 ? vectors.dense(passage, dense) : 0;
      float s = weights.sparse() > 0 ? vectors.sparse(passage, sparse) : 0;
      float c = weights.colbert() > 0 ? vectors.colbert(passage, colbert) : 0;
      double score =
          (weights.dense() * d + weights.sparse() * s + weights.colbert() * c) / sumOfWeights;
      if (passage == first || score > best.score()) {
        best = new Score(base + passage, score, d, s, c, weights);
      }
    }
    return best;
  }
}
