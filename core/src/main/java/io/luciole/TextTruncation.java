package io.luciole;

import io.luciole.model.Chunker;
import io.luciole.model.ModelDescription;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** The truncation of texts that stand alone, as {@link Truncation} describes it. */
final class TextTruncation extends TruncationPolicy {
  private final TextTokenizer tokenizer;
  private final boolean normalize;

  /**
   * Creates a policy.
   *
   * @param maxTokens the model's limit, special tokens included
   * @param normalize whether dense vectors have length 1
   */
  TextTruncation(TextTokenizer tokenizer, int maxTokens, boolean normalize) {
    super(maxTokens);
    this.tokenizer = tokenizer;
    this.normalize = normalize;
  }

  /** A model's tokenizer together with the policy for texts that are too long for it. */
  static TokenizerStage.Tokenizer tokenizer(
      TextTokenizer texts, ModelDescription description, VocabularyCheck vocabulary) {
    TruncationPolicy truncationPolicy =
        new TextTruncation(texts, description.maxTokens(), description.normalize());
    return new TokenizerStage.Tokenizer() {
      @Override
      public TokenizedText tokenize(String text, Role role) {
        return texts.tokenize(text, role);
      }

      @Override
      public TokenizedText check(TokenizedText tokens) {
        return vocabulary.check(tokens);
      }

      @Override
      public TruncationPolicy truncationPolicy() {
        return truncationPolicy;
      }
    };
  }

  @Override
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

  @Override
  Iterator<TokenizedText> pieces(String text, Role role) {
    Function<String, TokenizedText> tokens = piece -> tokenizer.tokenize(piece, role);
    return pieces(new Chunker(tokenizer, role, maxTokens, 0), text, tokens);
  }

  @Override
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
}
