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
  private final int[] query;
  private final boolean queryTruncated;

  private PairTokenizer(TextTokenizer texts, ScoringHead head, int maxTokens, String query) {
    TokenizedText tokens = texts.tokenize(query, Role.PASSAGE);
    int most = maxTokens * 3 / 4;
    int[] ids = inner(tokens);
    this.texts = texts;
    this.head = head;
    this.maxTokens = maxTokens;
    this.first = tokens.ids()[0];
    this.separator = tokens.ids()[tokens.length() - 1];
    this.query = ids.length > most ? Arrays.copyOf(ids, most) : ids;
    this.queryTruncated = tokens.truncated() || ids.length > most;
  }

  /**
   * The tokenizer of a query's pairs.
   *
   * @param texts puts one special token before a text and one behind it
   * @param head tells which of a passage's chunks scores best
   * @param maxTokens the limit of a pair, at least {@link #MIN_LIMIT}
   */
  static PairTokenizer of(TextTokenizer texts, ScoringHead head, int maxTokens, String query) {
    return new PairTokenizer(texts, head, maxTokens, requireNonNull(query, "query"));
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
    int[] pair = new int[SPECIALS + query.length + kept];
    pair[0] = first;
    System.arraycopy(query, 0, pair, 1, query.length);
    pair[1 + query.length] = separator;
    pair[2 + query.length] = separator;
    System.arraycopy(ids, 0, pair, 3 + query.length, kept);
    pair[pair.length - 1] = separator;
    return new TokenizedText(pair, queryTruncated || tokens.truncated() || kept < ids.length);
  }

  /** The largest number of tokens of a passage. */
  private int room() {
    return maxTokens - SPECIALS - query.length;
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
          counted ? texts.count(passage, role) - 2 + SPECIALS + query.length : maxTokens + 1;
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
