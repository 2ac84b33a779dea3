package io.luciole.bench;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.lucene.SourceDocument;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Documents and queries made up from their numbers, so that they need no file: the same number
 * gives the same document anywhere.
 *
 * <p>Dense vectors have 1024 components: one of {@value #TOPICS} topics' directions, plus a point
 * in a space of {@value #DIRECTIONS} directions that all share, with variances falling as 1/i, plus
 * a little noise; so neighbours are to be found, as in embeddings of texts, and not only by chance.
 * Of the about 70 tokens some 50 follow Zipf's law over {@value #VOCABULARY}, and 20 a topic's own;
 * weights are from 0.04 to 0.35, as BGE-M3's. The text has the same tokens as words.
 */
final class SyntheticCorpus {
  static final int DIMENSION = 1024;
  static final int TOPICS = 1000;
  static final int DIRECTIONS = 64;
  static final int VOCABULARY = 250_000;

  private static final double TOPIC = 0.6;
  private static final double SHARED = 1.0;
  private static final double NOISE = 0.15;
  private static final int TOKENS = 70;
  private static final int OF_TOPIC = 20;
  private static final int TOPIC_TOKENS = 200;

  private final float[][] topics = new float[TOPICS][];
  private final float[][] directions = new float[DIRECTIONS][];

  SyntheticCorpus() {
    for (int i = 0; i < TOPICS; i++) {
      topics[i] = direction(new SplittableRandom(-1 - i));
    }
    for (int i = 0; i < DIRECTIONS; i++) {
      directions[i] = direction(new SplittableRandom(-1_000_000 - i));
    }
  }

  /** A document and its vectors. */
  record Item(SourceDocument document, Embedding embedding) {}

  /** The document of a number; of metadata {@code percent} 1 in 100 have "one", 10 "ten" more. */
  Item document(int number) {
    SplittableRandom random = new SplittableRandom(number);
    int topic = random.nextInt(TOPICS);
    float[] dense = dense(topic, random);
    int[] ids = tokens(topic, TOKENS - 20 + random.nextInt(41), random);
    int percent = random.nextInt(100);
    Map<String, String> metadata =
        percent < 1
            ? Map.of("percent", "one")
            : percent < 11 ? Map.of("percent", "ten") : Map.of("percent", "rest");
    SourceDocument document =
        new SourceDocument(Integer.toString(number), "", words(ids), metadata);
    return new Item(document, embedding(dense, sparse(ids, random), ids.length));
  }

  /** A query near a document: of its topic, with some tokens of its own and a few others. */
  Item query(int number, int near) {
    SplittableRandom random = new SplittableRandom(number * 7919L + 1_000_003);
    float[] dense = document(near).embedding().dense();
    float[] noise = direction(random);
    for (int i = 0; i < DIMENSION; i++) {
      dense[i] += 0.5f * noise[i];
    }
    normalize(dense);
    SparseVector of = document(near).embedding().sparse();
    int[] ids = new int[8];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i < 5 ? of.id(random.nextInt(of.size())) : zipf(random);
    }
    ids = Arrays.stream(ids).distinct().sorted().toArray();
    return new Item(
        SourceDocument.of("q" + number, "", words(ids)),
        embedding(dense, sparse(ids, random), ids.length));
  }

  private static Embedding embedding(float[] dense, SparseVector sparse, int tokens) {
    return Embedding.ofTokens(tokens).withDense(dense).withSparse(sparse);
  }

  private float[] dense(int topic, SplittableRandom random) {
    float[] vector = new float[DIMENSION];
    add(vector, topics[topic], (float) TOPIC);
    for (int i = 0; i < DIRECTIONS; i++) {
      double scale = SHARED / Math.sqrt(i + 1.0) / Math.sqrt(Math.log(DIRECTIONS + 1.0));
      add(vector, directions[i], (float) (scale * gaussian(random)));
    }
    float noise = (float) (NOISE / Math.sqrt(DIMENSION));
    for (int i = 0; i < DIMENSION; i++) {
      vector[i] += noise * gaussian(random);
    }
    normalize(vector);
    return vector;
  }

  private static void add(float[] to, float[] what, float times) {
    for (int i = 0; i < to.length; i++) {
      to[i] += times * what[i];
    }
  }

  /** About a Gaussian: cheap, and enough of one. */
  private static float gaussian(SplittableRandom random) {
    long bits = random.nextLong();
    int sum = 0;
    for (int i = 0; i < 4; i++) {
      sum += (int) (bits >>> (16 * i) & 0xFFFF);
    }
    return (sum - 131_070) / 37_837f;
  }

  private static float[] direction(SplittableRandom random) {
    float[] vector = new float[DIMENSION];
    for (int i = 0; i < DIMENSION; i++) {
      vector[i] = gaussian(random);
    }
    normalize(vector);
    return vector;
  }

  private static void normalize(float[] vector) {
    double sum = 0;
    for (float x : vector) {
      sum += (double) x * x;
    }
    float length = (float) Math.sqrt(sum);
    for (int i = 0; i < vector.length; i++) {
      vector[i] /= length;
    }
  }

  private static int[] tokens(int topic, int count, SplittableRandom random) {
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = i < OF_TOPIC ? (topic * 131 + ofTopic(random) * 17) % VOCABULARY : zipf(random);
    }
    return Arrays.stream(ids).distinct().sorted().toArray();
  }

  /** Which of a topic's own tokens, by Zipf's law. */
  private static int ofTopic(SplittableRandom random) {
    return (int) Math.pow(TOPIC_TOKENS, random.nextDouble());
  }

  /** A rank by Zipf's law, by the inverse of its distribution. */
  private static int zipf(SplittableRandom random) {
    return (int) Math.min(VOCABULARY - 1.0, Math.pow(VOCABULARY, random.nextDouble()) - 1);
  }

  private static SparseVector sparse(int[] ids, SplittableRandom random) {
    float[] weights = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      // Rare tokens weigh more.
      double rare = Math.log(ids[i] + 2.0) / Math.log(VOCABULARY + 2.0);
      weights[i] = (float) (0.04 + 0.31 * rare * random.nextDouble());
    }
    return SparseVector.of(ids, weights);
  }

  private static String words(int[] ids) {
    StringBuilder words = new StringBuilder();
    for (int id : ids) {
      words.append(words.isEmpty() ? "" : " ").append('t').append(Integer.toString(id, 36));
    }
    return words.toString();
  }
}
