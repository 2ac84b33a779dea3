package io.luciole;

import io.luciole.internal.EnumNames;
import java.util.Locale;

/** What happens to a text that has more tokens than the model's limit. */
public enum Truncation {
  /** Its end is cut off; the embedding says so ({@link Embedding#truncated}). */
  TRUNCATE,

  /** It fails with {@link TextTooLongException}. */
  ERROR,

  /**
   * It is cut into chunks at the ends of sentences ({@link io.luciole.model.Chunker}, no overlap),
   * each is embedded, and their embeddings are merged:
   *
   * <ul>
   *   <li>dense: the mean, weighted by the chunks' tokens, scaled to length 1 if the model's
   *       vectors are (as the OpenAI Cookbook does, "Embedding texts that are longer than the
   *       model's maximum context length");
   *   <li>sparse: each token id's largest weight, as within a chunk;
   *   <li>ColBERT: the rows of all chunks, so that each query token finds its best match anywhere.
   * </ul>
   *
   * <p>At most about a million tokens of a text are embedded, or 32,768 if ColBERT vectors are
   * asked for; the rest is cut off as by {@link #TRUNCATE}. To find passages of long documents,
   * index chunks instead: the mean of many vectors is close to none of them.
   */
  CHUNK;

  /** {@return the name used in configuration: {@code truncate}, {@code error}, {@code chunk}} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a name as {@link #id} returns it, in upper or lower case.
   *
   * @param text the name
   * @return the rule
   * @throws IllegalArgumentException if no rule has this name
   */
  public static Truncation parse(String text) {
    return EnumNames.parse(values(), Truncation::id, text);
  }
}
