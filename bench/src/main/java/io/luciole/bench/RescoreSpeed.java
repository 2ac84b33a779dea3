package io.luciole.bench;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.SparseWeights;
import io.luciole.lucene.VectorFields;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Rescorer;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;

/**
 * The time in which 100 documents are rescored by sparse weights or token vectors, in each form
 * that they can be kept in. The forms alternate within each round. Vectors are made up: 80 of 5,000
 * tokens a document by Zipf's law, 13 a query; 130 token vectors of 1,024 components around 500
 * topics, 13 a query. One thread, the index in memory.
 *
 * <pre>RescoreSpeed sparse|colbert [documents=N] [rounds=N]</pre>
 */
public final class RescoreSpeed {
  private static final int RESCORED = 100;
  private static final int TOKENS = 5000;
  private static final int DIMENSION = 1024;

  private final SplittableRandom random = new SplittableRandom(22);
  private final Map<String, IndexSearcher> searchers = new LinkedHashMap<>();
  private final Map<String, VectorFields> fields = new LinkedHashMap<>();
  private final float[][] topics = new float[500][];
  private final boolean sparse;
  private final int documents;

  private RescoreSpeed(boolean sparse, int documents) {
    this.sparse = sparse;
    this.documents = documents;
    for (int t = 0; t < topics.length; t++) {
      topics[t] = row(new float[DIMENSION], 1);
    }
  }

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    int documents = 2000;
    int rounds = 60;
    for (String arg : Arrays.asList(args).subList(1, args.length)) {
      int value = Integer.parseInt(arg.substring(arg.indexOf('=') + 1));
      if (arg.startsWith("documents=")) {
        documents = value;
      } else {
        rounds = value;
      }
    }
    new RescoreSpeed(args[0].equals("sparse"), documents).run(rounds);
  }

  private float[] row(float[] around, double spread) {
    float[] row = new float[DIMENSION];
    double square = 0;
    for (int d = 0; d < DIMENSION; d++) {
      row[d] = around[d] + (float) (spread / Math.sqrt(DIMENSION) * random.nextGaussian());
      square += row[d] * row[d];
    }
    for (int d = 0; d < DIMENSION; d++) {
      row[d] /= (float) Math.sqrt(square);
    }
    return row;
  }

  private Embedding embedding(int tokens, int rows) {
    if (sparse) {
      Map<Integer, Float> weights = new TreeMap<>();
      while (weights.size() < tokens) {
        int id = (int) Math.pow(TOKENS, random.nextDouble());
        weights.put(id, (float) (0.05 + 0.3 * random.nextDouble()));
      }
      int[] ids = weights.keySet().stream().mapToInt(Integer::intValue).toArray();
      float[] values = new float[ids.length];
      Arrays.fill(values, 0.1f);
      for (int i = 0; i < ids.length; i++) {
        values[i] = weights.getOrDefault(ids[i], 0f);
      }
      return Embedding.absent().withSparse(SparseVector.of(ids, values));
    }
    float[] values = new float[rows * DIMENSION];
    for (int r = 0; r < rows; r++) {
      float[] row = row(topics[random.nextInt(topics.length)], 0.7);
      System.arraycopy(row, 0, values, r * DIMENSION, DIMENSION);
    }
    return Embedding.absent().withColbert(MultiVector.of(DIMENSION, values));
  }

  private Map<String, HybridSchema> forms() {
    Map<String, HybridSchema> forms = new LinkedHashMap<>();
    if (sparse) {
      for (SparseForm form : List.of(SparseForm.IMPACTS, SparseForm.BLOCKS)) {
        for (SparseWeights weights : List.of(SparseWeights.EXACT, SparseWeights.BITS_10)) {
          SchemaBuilder builder = HybridSchema.builder(1, true).dense(false);
          builder.sparseForm(form).sparseWeights(weights);
          forms.put(form.id() + ", " + weights.id(), builder.build());
        }
      }
    } else {
      for (MultiVectorForm form : MultiVectorForm.values()) {
        SchemaBuilder builder = HybridSchema.builder(1, true).dense(false).sparse(false);
        forms.put(form.id(), builder.multiVectors(form, DIMENSION).build());
      }
    }
    return forms;
  }

  private void run(int rounds) throws IOException {
    List<Embedding> all = new ArrayList<>();
    for (int d = 0; d < documents; d++) {
      all.add(embedding(80, 130));
    }
    for (Map.Entry<String, HybridSchema> form : forms().entrySet()) {
      Directory directory = new ByteBuffersDirectory();
      IndexWriterConfig config = new IndexWriterConfig().setCodec(form.getValue().codec());
      VectorFields of = form.getValue().vectorFields();
      long start = System.nanoTime();
      try (IndexWriter writer = new IndexWriter(directory, config.setRAMBufferSizeMB(1500))) {
        for (Embedding embedding : all) {
          Document document = new Document();
          of.addTo(document, embedding);
          writer.addDocument(document);
        }
        writer.forceMerge(1);
      }
      System.out.printf(
          Locale.ROOT, "%s written in %.1f s%n", form.getKey(), (System.nanoTime() - start) / 1e9);
      searchers.put(form.getKey(), new IndexSearcher(DirectoryReader.open(directory)));
      fields.put(form.getKey(), of);
    }
    Map<String, List<Double>> times = new LinkedHashMap<>();
    for (int round = -rounds / 3; round < rounds; round++) {
      Embedding query = embedding(13, 13);
      TopDocs some = some();
      for (Map.Entry<String, IndexSearcher> one : searchers.entrySet()) {
        VectorFields of = fields.getOrDefault(one.getKey(), fields.values().iterator().next());
        Rescorer rescorer =
            sparse
                ? of.queries().sparseRescorer(query.sparse())
                : of.queries().colbertRescorer(query.colbert());
        long start = System.nanoTime();
        rescorer.rescore(one.getValue(), some, RESCORED);
        double micros = (System.nanoTime() - start) / 1e3;
        if (round >= 0) {
          times.computeIfAbsent(one.getKey(), k -> new ArrayList<>()).add(micros);
        }
      }
    }
    times.forEach((form, micros) -> {
      micros.sort(null);
      System.out.printf(
          Locale.ROOT,
          "%-16s p50 %.0f us, least %.0f us%n",
          form,
          micros.get(micros.size() / 2),
          micros.get(0));
    });
  }

  private TopDocs some() {
    ScoreDoc[] hits =
        random
            .ints(0, documents)
            .distinct()
            .limit(RESCORED)
            .mapToObj(doc -> new ScoreDoc(doc, 1))
            .toArray(ScoreDoc[]::new);
    return new TopDocs(new TotalHits(RESCORED, TotalHits.Relation.EQUAL_TO), hits);
  }
}
