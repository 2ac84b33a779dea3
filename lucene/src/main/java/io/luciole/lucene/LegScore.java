package io.luciole.lucene;

/**
 * What one leg said of a document.
 *
 * @param rank its place in the leg's list, 1 for the first
 * @param score the leg's own score, in the leg's own units
 */
public record LegScore(int rank, float score) {}
