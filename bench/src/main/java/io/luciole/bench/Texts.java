package io.luciole.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Made-up English texts: common words, about a token each. The same seed gives the same texts. */
final class Texts {
  private static final String[] WORDS =
      ("the of and to in a is that for it as was with be by on not he this are or his from at which"
              + " but have an had they you were their one all we can her has there been if more when"
              + " will would who so no time light water night river small great house world people"
              + " work long year place day good very before where through much back never came right"
              + " under might while last city tree story since road page earth light food point book"
              + " summer evening insect firefly glow lantern garden window paper music winter forest"
              + " signal engine memory language search index vector query field table number letter"
              + " history science market country island bridge morning silver yellow quiet simple")
          .split(" ");

  private Texts() {}

  /** A text of so many words. */
  static String ofWords(Random random, int words) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append(i == 0 ? "" : " ").append(WORDS[random.nextInt(WORDS.length)]);
    }
    return text.toString();
  }

  /** Lengths log-normally distributed about a median, as passages of a collection are. */
  static List<String> mixed(int count, int median, double sigma, int most, long seed) {
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      double words = median * Math.exp(sigma * random.nextGaussian());
      texts.add(ofWords(random, (int) Math.max(3, Math.min(most, words))));
    }
    return texts;
  }
}
