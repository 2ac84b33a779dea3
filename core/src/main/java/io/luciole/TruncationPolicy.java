package io.luciole;

import io.luciole.model.Chunker;
import io.luciole.model.ModelDescription;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Applies the rules of {@link Truncation} that do more than cut a text's end off: refuses texts
 * that are longer than the model's limit, or cuts them into chunks and merges the chunks'
 * embeddings. Safe for use by many threads.
 */
final class TruncationPolicy {
  /** The largest number of tokens of a text in chunks. */
  static final int MAX_TOKENS = 1 << 20;

  /** The largest number of tokens if each of them is a row of the result. */
  static final int MAX_ROWS = 1 << 15;

  /** The length of a text, in characters, up to which its tokens are counted for a message. */
  private static final int COUNTED_CHARS = 1 << 20;

  private final TextTokenizer tokenizer;
  private final int maxTokens;
  private final boolean normalize;

  /**
   * Creates a policy.
   *
   * @param maxTokens the model's limit, special tokens included
   * @param normalize whether dense vectors have length 1
   */
  TruncationPolicy(TextTokenizer tokenizer, int maxTokens, boolean normalize) {
    this.tokenizer = tokenizer;
    this.maxTokens = maxTokens;
    this.normalize = normalize;
  }

  /** A model's tokenizer together with the policy for texts that are too long for it. */
  static TokenizerStage.Tokenizer tokenizer(
      TextTokenizer texts, ModelDescription description, VocabularyCheck check) {
    TruncationPolicy truncationPolicy =
        new TruncationPolicy(texts, description.maxTokens(), description.normalize());
    return new TokenizerStage.Tokenizer() {
      @Override
      public TokenizedText tokenize(String text, Role role) {
        return check.check(texts.tokenize(text, role));
      }

      @Override
      public TruncationPolicy truncationPolicy() {
        return truncationPolicy;
      }
    };
  }

  static int maxChunkedTokens(Set<Output> outputs) {
    return outputs.contains(Output.COLBERT) ? MAX_ROWS : MAX_TOKENS;
  }

  TextTooLongException refusal(String text, Role role) {
    boolean counted = text.length() <= COUNTED_CHARS;
    int tokens = counted ? tokenizer.count(text, role) : maxTokens + 1;
    return new TextTooLongException(
        "Expected a text of at most "
            + maxTokens
            + " tokens, found one of "
            + (counted ? tokens : "more, in " + text.length() + " characters")
            + ". Cut it into passages (Chunker), or let the engine merge its chunks"
            + " (luciole.truncation=chunk) or cut its end off (luciole.truncation=truncate).",
        tokens,
        maxTokens);
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
   * @param deliver receives the merged embedding
   * @return the chunks, tokenised
   */
  List<Request> chunks(Request whole, String text, Consumer<Embedding> deliver) {
    int left = maxChunkedTokens(whole.outputs);
    List<TokenizedText> pieces = new ArrayList<>();
    Iterator<Chunker.Chunk> chunks =
        new Chunker(tokenizer, whole.role, maxTokens, 0).iterator(text);
    while (chunks.hasNext() && left > 0) {
      TokenizedText piece = tokenizer.tokenize(chunks.next().of(text), whole.role);
      if (!pieces.isEmpty() && piece.length() > left) {
        break;
      }
      left -= piece.length();
      pieces.add(piece);
      if (whole.isSettled()) {
        return List.of();
      }
    }
    boolean cut = chunks.hasNext() || pieces.stream().anyMatch(TokenizedText::truncated);
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

  /** Merges embeddings with the same outputs, as {@link Truncation#CHUNK} says. */
  Embedding merge(List<Embedding> chunks, boolean truncated) {
    Embedding first = chunks.get(0);
    return new Embedding(
        first.has(Output.DENSE) ? dense(chunks) : null,
        first.has(Output.SPARSE) ? sparse(chunks) : null,
        first.has(Output.COLBERT) ? colbert(chunks) : null,
        chunks.stream().mapToInt(Embedding::tokenCount).sum(),
        truncated);
  }

  private float[] dense(List<Embedding> chunks) {
    double[] sum = new double[chunks.get(0).dense().length];
    double weights = 0;
    for (Embedding chunk : chunks) {
      float[] vector = chunk.dense();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += (double) chunk.tokenCount() * vector[i];
      }
      weights += chunk.tokenCount();
    }
    double length =
        normalize ? Math.max(Math.sqrt(Arrays.stream(sum).map(x -> x * x).sum()), 1e-12) : weights;
    float[] mean = new float[sum.length];
    for (int i = 0; i < sum.length; i++) {
      mean[i] = (float) (sum[i] / length);
    }
    return mean;
  }

  private static SparseVector sparse(List<Embedding> chunks) {
    TreeMap<Integer, Float> largest = new TreeMap<>();
    for (Embedding chunk : chunks) {
      SparseVector vector = chunk.sparse();
      for (int i = 0; i < vector.size(); i++) {
        largest.merge(vector.id(i), vector.weight(i), Math::max);
      }
    }
    int[] ids = new int[largest.size()];
    float[] weights = new float[ids.length];
    int n = 0;
    for (Map.Entry<Integer, Float> entry : largest.entrySet()) {
      ids[n] = entry.getKey();
      weights[n++] = entry.getValue();
    }
    return SparseVector.of(ids, weights);
  }

  private static MultiVector colbert(List<Embedding> chunks) {
    return MultiVector.concat(chunks.stream().map(Embedding::colbert).toList());
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
