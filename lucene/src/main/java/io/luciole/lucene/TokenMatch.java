package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * A token that a hit shares with the query.
 *
 * @param tokenId its id in the model's vocabulary
 * @param token its string, for people
 * @param queryWeight its weight in the query
 * @param documentWeight its weight in the document
 */
public record TokenMatch(int tokenId, String token, float queryWeight, float documentWeight) {
  /** Checks the components. */
  public TokenMatch {
    requireNonNull(token, "token");
  }

  /** {@return what the token adds to the sparse score: the product of its weights} */
  public float product() {
    return queryWeight * documentWeight;
  }
}
