/**
 * Measures how well an index answers queries whose answers are known. Built on the public API of
 * {@code io.luciole.lucene}, which knows nothing of this package.
 *
 * <p>The way of an evaluation:
 *
 * <ol>
 *   <li>{@link io.luciole.lucene.eval.EvaluationQuery} and {@link io.luciole.lucene.eval.Qrels}
 *       read the queries and the judgements of a test collection.
 *   <li>{@link io.luciole.lucene.eval.Evaluation} searches with every query, by each leg alone and
 *       by each fusion, and gives an {@link io.luciole.lucene.eval.EvaluationTable}: one row of
 *       figures and one {@link io.luciole.lucene.eval.RankedRun} for each.
 *   <li>{@link io.luciole.lucene.eval.Metric} names the figures, which are trec_eval's.
 *   <li>{@link io.luciole.lucene.eval.Significance} tells whether two runs differ by more than
 *       chance, and {@link io.luciole.lucene.eval.FusionTuning} looks for the fusion and the
 *       weights that suit a collection.
 * </ol>
 */
@API(status = API.Status.MAINTAINED, since = "0.1")
@NullMarked
package io.luciole.lucene.eval;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
