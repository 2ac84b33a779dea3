package io.luciole.lucene;

/**
 * What one leg found out about a document.
 *
 * @param rank the document's rank in the leg's list, from 1
 * @param score the leg's score, in the leg's own units
 * @param contribution what the leg adds to the document's fused score: the {@linkplain
 *     Fusion#contributions contribution} times the leg's weight, divided by the sum of the weights
 *     where the fusion {@linkplain Fusion#averaged averages}
 */
public record LegScore(int rank, float score, double contribution) {}
