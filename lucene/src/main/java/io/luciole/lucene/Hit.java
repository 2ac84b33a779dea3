package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.lucene.search.Explanation;

/**
 * A document found.
 *
 * @param rank its rank in the list, from 1
 * @param id its id
 * @param score what it is ranked by: the fused score in the units of the fusion, or the score of
 *     the reranking if it was reranked
 * @param title its title, may be empty
 * @param text its text, may be empty
 * @param passage the passage of the text that fits the query best, where the index cuts texts into
 *     passages: the one that scored best in the reranking; else the nearest by dense vectors if
 *     that leg found the document; else the best by sparse weights if that leg did; else the one
 *     with most of the query's words. Empty if the index has it outside the text
 * @param metadata what else was stored with it, as it was given, in the source's order
 * @param legs what each leg that found it found out, in the order of {@link Leg}
 * @param tokens the tokens that it shares with the query, those that add most first; empty unless
 *     asked for with {@link HybridQuery#matchedTokens}
 * @param explain how the score came about; {@code toString} gives a readable tree
 */
public record Hit(
    int rank,
    String id,
    double score,
    String title,
    String text,
    Optional<Passage> passage,
    Metadata metadata,
    Map<Leg, LegScore> legs,
    List<TokenMatch> tokens,
    Explanation explain) {
  /** Checks the components. */
  public Hit {
    requireNonNull(id, "id");
    requireNonNull(title, "title");
    requireNonNull(text, "text");
    requireNonNull(passage, "passage");
    requireNonNull(metadata, "metadata");
    requireNonNull(legs, "legs");
    requireNonNull(explain, "explain");
    tokens = List.copyOf(tokens);
  }
}
