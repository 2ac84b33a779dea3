package io.luciole.bench;

import io.luciole.SparseVector;
import io.luciole.model.TokenizedText;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Sparse weights where no model gives any, of the sizes that BGE-M3's published examples have: 0.05
 * for the most frequent tokens of the collection to 0.30 for those of one text. With {@code r} the
 * inverse document frequency of a token over the largest, a weight is {@code (0.05 + 0.25·r^1.5) ·
 * exp(0.25·g)}, {@code g} from the normal distribution in place of context, seeded by text and
 * token. They rank as words by rarity do, so that they show what rounding does to a ranking; they
 * know no meaning.
 */
final class MadeUpWeights {
  private static final double LEAST = 0.05;
  private static final double SPAN = 0.25;
  private static final double POWER = 1.5;
  private static final double SIGMA = 0.25;
  private static final long SEED = 22;

  private final List<TokenizedText> passages;
  private final Map<Integer, Integer> frequencies;

  private MadeUpWeights(List<TokenizedText> passages, Map<Integer, Integer> frequencies) {
    this.passages = passages;
    this.frequencies = frequencies;
  }

  static MadeUpWeights of(List<TokenizedText> passages) {
    Map<Integer, Integer> frequencies = new HashMap<>();
    for (TokenizedText passage : passages) {
      tokens(passage).forEach(token -> frequencies.merge(token, 1, Integer::sum));
    }
    return new MadeUpWeights(passages, frequencies);
  }

  /** The tokens of a text but for the first and the last, which are special. */
  private static Set<Integer> tokens(TokenizedText text) {
    Set<Integer> tokens = new HashSet<>();
    for (int i = 1; i < text.length() - 1; i++) {
      tokens.add(text.ids()[i]);
    }
    return tokens;
  }

  SparseVector passage(int number) {
    return weights(passages.get(number), number);
  }

  SparseVector query(TokenizedText text, int number) {
    return weights(text, -1 - number);
  }

  private SparseVector weights(TokenizedText text, int number) {
    Map<Integer, Float> weights = new TreeMap<>();
    double most = Math.log(passages.size() + 1.0);
    for (int token : tokens(text)) {
      int frequency = frequencies.getOrDefault(token, 0);
      double rarity = Math.log((passages.size() + 1.0) / (frequency + 1.0)) / most;
      SplittableRandom random = new SplittableRandom(SEED + 31L * (number * 1_000_003L + token));
      double noise = Math.exp(SIGMA * random.nextGaussian());
      weights.put(token, (float) ((LEAST + SPAN * Math.pow(rarity, POWER)) * noise));
    }
    int[] ids = weights.keySet().stream().mapToInt(Integer::intValue).toArray();
    float[] values = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      values[i] = weights.getOrDefault(ids[i], 0f);
    }
    return SparseVector.of(ids, values);
  }
}
