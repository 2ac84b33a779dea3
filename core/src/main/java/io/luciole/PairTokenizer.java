package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.Chunker;
import io.luciole.model.ScoringHead;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Puts a query before each passage: {@code <s> query </s></s> passage </s>}, cut to the limit as
 * FlagEmbedding's {@code FlagReranker} cuts. Immutable and safe for use by many threads.
 */
final class PairTokenizer implements TokenizerStage.Tokenizer {
  /** The special tokens of a pair: one before, two between, one behind. */
  private static final int SPECIALS = 4;

  /** The smallest limit that leaves a token of the passage beside the longest query. */
  static final int MIN_LIMIT = 4 * (SPECIALS + 1);

  private final TextTokenizer texts;
  private final ScoringHead head;
  private final int maxTokens;
  private final int first;
  private final int separator;
  private final String query;
  private final int[] queryIds;
  private final boolean queryTruncated;

  /**
   * The tokenizer of a query's pairs.
   *
   * @param texts puts one special token before a text and one behind it
   * @param head tells which of a passage's chunks scores best
   * @param maxTokens the limit of a pair, at least {@link #MIN_LIMIT}
   */
  PairTokenizer(TextTokenizer texts, ScoringHead head, int maxTokens, String query) {
    TokenizedText tokens = texts.tokenize(requireNonNull(query, "query"), Role.PASSAGE);
    int most = maxTokens * 3 / 4;
    int[] ids = inner(tokens);
    this.texts = texts;
    this.head = head;
    this.maxTokens = maxTokens;
    this.first = tokens.ids()[0];
    this.separator = tokens.ids()[tokens.length() - 1];
    this.query = query;
    this.queryIds = ids.length > most ? Arrays.copyOf(ids, most) : ids;
    this.queryTruncated = tokens.truncated() || ids.length > most;
  }

  String query() {
    return query;
  }

  /** A text's tokens without the special ones around them. */
  private static int[] inner(TokenizedText text) {
    return Arrays.copyOfRange(text.ids(), 1, text.length() - 1);
  }

  @Override
  public TokenizedText tokenize(String passage, Role role) {
    TokenizedText tokens = texts.tokenize(passage, role);
    int[] ids = inner(tokens);
    int kept = Math.min(ids.length, room());
    int[] pair = new int[SPECIALS + queryIds.length + kept];
    pair[0] = first;
    System.arraycopy(queryIds, 0, pair, 1, queryIds.length);
    pair[1 + queryIds.length] = separator;
    pair[2 + queryIds.length] = separator;
    System.arraycopy(ids, 0, pair, 3 + queryIds.length, kept);
    pair[pair.length - 1] = separator;
    return new TokenizedText(pair, queryTruncated || tokens.truncated() || kept < ids.length);
  }

  /** The largest number of tokens of a passage. */
  private int room() {
    return maxTokens - SPECIALS - queryIds.length;
  }

  @Override
  public TruncationPolicy truncationPolicy() {
    return new OfPairs();
  }

  /** A passage in chunks, each with the whole query before it: the best of them counts. */
  private final class OfPairs extends TruncationPolicy {
    OfPairs() {
      super(PairTokenizer.this.maxTokens);
    }

    @Override
    TextTooLongException refusal(String passage, Role role) {
      boolean counted = passage.length() <= COUNTED_CHARS;
      int tokens =
          counted ? texts.count(passage, role) - 2 + SPECIALS + queryIds.length : maxTokens + 1;
      return new TextTooLongException(
          "Expected a pair of at most "
              + maxTokens
              + " tokens, the query at most "
              + maxTokens * 3 / 4
              + " of them, found "
              + (queryTruncated
                  ? "a longer query"
                  : counted ? tokens : "more, in a passage of " + passage.length() + " characters")
              + ". Cut the passage, or let the engine take its best chunk (luciole.truncation=chunk)"
              + " or cut its end off (luciole.truncation=truncate).",
          Math.max(tokens, maxTokens + 1),
          maxTokens);
    }

    @Override
    Iterator<TokenizedText> pieces(String passage, Role role) {
      Chunker chunker = new Chunker(texts, role, room() + 2, 0);
      return pieces(chunker, passage, piece -> tokenize(piece, role));
    }

    @Override
    Embedding merge(List<Embedding> pieces, boolean truncated) {
      ToDoubleFunction<Embedding> score = piece -> head.score(piece.dense());
      Embedding best = pieces.stream().max(Comparator.comparingDouble(score)).orElseThrow();
      int tokens = pieces.stream().mapToInt(Embedding::tokenCount).sum();
      return new Embedding(best.dense(), null, null, tokens, truncated);
    }
  }
}
