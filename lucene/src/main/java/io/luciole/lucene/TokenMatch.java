package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * A token that a hit shares with the query.
 *
 * @param tokenId its id
 * @param token its string, for people
 * @param queryWeight its weight in the query
 * @param documentWeight its weight in the document
 */
public record TokenMatch(int tokenId, String token, float queryWeight, float documentWeight) {
  /** Checks the components. */
  public TokenMatch {
    requireNonNull(token, "token");
  }

  /** What it adds to the sparse score. */
  public float product() {
    return queryWeight * documentWeight;
  }
}
