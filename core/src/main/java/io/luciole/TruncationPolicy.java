package io.luciole;

import io.luciole.model.Chunker;
import io.luciole.model.TokenizedText;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Applies the rules of {@link Truncation} that do more than cut a text's end off: refuses texts
 * that are longer than the model's limit, or cuts them into chunks and merges the chunks'
 * embeddings. Safe for use by many threads.
 */
abstract class TruncationPolicy {
  /** The largest number of tokens of a text in chunks. */
  static final int MAX_TOKENS = 1 << 20;

  /** The largest number of tokens if each of them is a row of the result. */
  static final int MAX_ROWS = 1 << 15;

  /** The length of a text, in characters, up to which its tokens are counted for a message. */
  static final int COUNTED_CHARS = 1 << 20;

  /** The model's limit, special tokens included. */
  final int maxTokens;

  TruncationPolicy(int maxTokens) {
    this.maxTokens = maxTokens;
  }

  /** The refusal of a text that is too long. */
  abstract TextTooLongException refusal(String text, Role role);

  /** Cuts a text into pieces that keep the limit, each when it is asked for; at least one. */
  abstract Iterator<TokenizedText> pieces(String text, Role role);

  /** The chunks of a text, tokenised one by one. */
  static Iterator<TokenizedText> pieces(
      Chunker chunker, String text, Function<String, TokenizedText> tokens) {
    Iterator<Chunker.Chunk> chunks = chunker.iterator(text);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return chunks.hasNext();
      }

      @Override
      public TokenizedText next() {
        return tokens.apply(chunks.next().of(text));
      }
    };
  }

  /** Makes one embedding of those of a text's pieces, which have the same outputs. */
  abstract Embedding merge(List<Embedding> pieces, boolean truncated);

  static int maxChunkedTokens(Set<Output> outputs) {
    return outputs.contains(Output.COLBERT) ? MAX_ROWS : MAX_TOKENS;
  }

  /** The refusal of a text that was submitted as token ids; they were cut on arrival. */
  TextTooLongException refusal() {
    return new TextTooLongException(
        "Expected token ids for at most "
            + maxTokens
            + " tokens with the special ones, found more. Send fewer, or let the engine cut them off"
            + " (luciole.truncation=truncate).",
        maxTokens + 1,
        maxTokens);
  }

  /**
   * Cuts a text into chunks that settle it: with their merged embedding, or with the first failure.
   * If the text is settled otherwise, its waiting chunks are dropped.
   *
   * @param text the text of {@code whole}
   * @param check throws for a chunk that the model cannot compute
   * @param deliver receives the merged embedding
   * @return the chunks, tokenised
   */
  List<Request> chunks(
      Request whole, String text, UnaryOperator<TokenizedText> check, Consumer<Embedding> deliver) {
    int left = maxChunkedTokens(whole.outputs);
    boolean beyond = false;
    List<TokenizedText> pieces = new ArrayList<>();
    Iterator<TokenizedText> all = pieces(text, whole.role);
    while (all.hasNext() && left > 0) {
      TokenizedText piece = all.next();
      if (piece.length() == 0) {
        continue; // blanks, where the tokenizer adds no special tokens
      }
      if (!pieces.isEmpty() && piece.length() > left) {
        beyond = true;
        break;
      }
      left -= piece.length();
      pieces.add(check.apply(piece));
      if (whole.isSettled()) {
        return List.of();
      }
    }
    if (pieces.isEmpty()) {
      throw TokenizerStage.noTokens();
    }
    boolean cut = beyond || all.hasNext() || pieces.stream().anyMatch(TokenizedText::truncated);
    whole.chunked(pieces.stream().mapToInt(TokenizedText::length).sum(), cut);
    Owner owner = new Owner();
    List<Request> requests = pieces.stream().map(p -> new Request(whole, p, owner)).toList();
    AtomicInteger missing = new AtomicInteger(requests.size());
    for (Request request : requests) {
      var unused =
          request.whenComplete((embedding, failure) -> {
            try {
              if (failure != null) {
                whole.completeExceptionally(failure);
              } else if (missing.decrementAndGet() == 0) {
                deliver.accept(merge(requests.stream().map(Request::join).toList(), cut));
              }
            } catch (Throwable t) {
              whole.completeExceptionally(t);
            }
          });
    }
    var unused = whole.whenComplete((e, f) -> requests.forEach(r -> r.cancel(false)));
    return requests;
  }

  /** Chunks are counted through the text they are of; they only have to leave their queue. */
  private static final class Owner implements Request.Owner {
    @Override
    public void attempting(Request chunk) {}

    @Override
    public void settling(Request chunk, Request.Ending ending, @Nullable Throwable failure) {
      BatchScheduler holder = chunk.holder;
      if (holder != null) {
        holder.remove(chunk);
      }
    }

    @Override
    public void attempted(Request chunk) {}
  }
}
