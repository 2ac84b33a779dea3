package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.lucene.search.Explanation;

/**
 * A document found.
 *
 * @param rank its place in the list, 1 for the first
 * @param id its id
 * @param score what it is ranked by: the fused score, in the units of the fusion, or for one of the
 *     documents scored again that score
 * @param title its title, may be empty
 * @param text its text, may be empty
 * @param passage the passage of the text that fits the query best, where the index cuts texts into
 *     passages: the one that scored best when the document was scored again, else the nearest by
 *     dense vectors if that leg found the document, else by sparse weights if that one did, else
 *     the one with most of the query's words
 * @param metadata what else was stored with it, in the source's order
 * @param legs what each leg that found it said, in the order of {@link Leg}
 * @param tokens the tokens it shares with the query, those that add most first; empty unless asked
 *     for with {@link HybridQuery#matchedTokens}
 * @param explain how the score came about; {@code toString} is a readable tree
 */
public record Hit(
    int rank,
    String id,
    double score,
    String title,
    String text,
    Optional<Passage> passage,
    Map<String, String> metadata,
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
