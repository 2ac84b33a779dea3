package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaFields;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.lucene.eval.EvaluationQuery;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.KnnVectorValues;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.store.FSDirectory;

/**
 * What the walk over the graph finds of the truly nearest, at each quantisation, and what a vector
 * takes. The vectors are those of an index that is there already.
 *
 * <pre>QuantizationRecall MODEL INDEX QUERIES.jsonl WORK-FOLDER</pre>
 */
public final class QuantizationRecall {
  private static final int[] DEPTHS = {10, 100};

  private QuantizationRecall() {}

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    Map<String, float[]> vectors = vectors(Path.of(args[1]));
    try (EmbeddingEngine engine = EmbeddingEngine.builder().model(args[0]).open()) {
      List<String> texts =
          EvaluationQuery.readBeir(Path.of(args[2])).stream().map(EvaluationQuery::text).toList();
      List<Embedding> queries =
          engine.embedAll(texts, EmbedOptions.query().outputs(engine.outputs()));
      List<List<String>> nearest = queries.stream().map(q -> nearest(vectors, q.dense())).toList();
      System.out.printf(Locale.ROOT, "%,d vectors, %d queries%n", vectors.size(), queries.size());
      for (DenseQuantization quantization : DenseQuantization.values()) {
        Path index = Path.of(args[3]).resolve(quantization.id());
        if (!Files.exists(index)) {
          write(index, engine, quantization, vectors);
        }
        System.out.printf(
            Locale.ROOT, "%s\toversampling %.1f", quantization.id(), quantization.oversampling());
        try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
          for (int depth : DEPTHS) {
            System.out.printf(
                Locale.ROOT, "\trecall@%d %.4f", depth, recall(searcher, queries, nearest, depth));
          }
        }
        bytes(index, vectors.size());
      }
    }
  }

  /** The dense vectors of an index, by the documents' ids. */
  static Map<String, float[]> vectors(Path index) throws IOException {
    Map<String, float[]> vectors = new LinkedHashMap<>();
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      for (LeafReaderContext leaf : reader.leaves()) {
        BinaryDocValues ids = leaf.reader().getBinaryDocValues(SchemaFields.ID);
        FloatVectorValues values = leaf.reader().getFloatVectorValues(SchemaFields.DENSE);
        KnnVectorValues.DocIndexIterator at = values.iterator();
        for (int doc = at.nextDoc(); doc != KnnVectorValues.DocIndexIterator.NO_MORE_DOCS; ) {
          if (ids.advanceExact(doc)) {
            vectors.put(ids.binaryValue().utf8ToString(), values.vectorValue(at.index()).clone());
          }
          doc = at.nextDoc();
        }
      }
    }
    return vectors;
  }

  private static void write(
      Path index,
      EmbeddingEngine engine,
      DenseQuantization quantization,
      Map<String, float[]> vectors) {
    HybridSchema schema = HybridSchema.builder(engine).quantization(quantization).build();
    try (HybridIndexer indexer =
        HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema).bulk(true))) {
      vectors.forEach((id, vector) ->
          indexer
              .put(SourceDocument.of(id, "", ""), Embedding.ofTokens(1).withDense(vector))
              .join());
      indexer.commitMerged();
    }
  }

  /** All ids, nearest first. */
  private static List<String> nearest(Map<String, float[]> vectors, float[] query) {
    List<ScoredId> all = new ArrayList<>(vectors.size());
    vectors.forEach((id, vector) -> {
      double dot = 0;
      for (int i = 0; i < query.length; i++) {
        dot += query[i] * vector[i];
      }
      all.add(new ScoredId(id, dot));
    });
    all.sort(Comparator.comparingDouble(ScoredId::score).reversed());
    return all.stream().map(ScoredId::id).limit(DEPTHS[DEPTHS.length - 1]).toList();
  }

  private static double recall(
      HybridSearcher searcher, List<Embedding> queries, List<List<String>> nearest, int depth) {
    int found = 0;
    for (int q = 0; q < queries.size(); q++) {
      Set<String> expected = new HashSet<>(nearest.get(q).subList(0, depth));
      HybridQuery query =
          HybridQuery.of("").embedding(queries.get(q)).legs(Leg.DENSE).depth(depth).top(0);
      for (ScoredId hit : searcher.search(query).leg(Leg.DENSE)) {
        found += expected.contains(hit.id()) ? 1 : 0;
      }
    }
    return (double) found / queries.size() / depth;
  }

  /** What the parts of the vectors' format take: the floats, the quantised ones, the graph. */
  private static void bytes(Path index, int vectors) throws IOException {
    Map<String, String> parts = new LinkedHashMap<>();
    parts.put("vec", "floats");
    parts.put("veq", "quantised");
    parts.put("vex", "graph");
    for (Map.Entry<String, String> part : parts.entrySet()) {
      try (Stream<Path> files = Files.list(index)) {
        long bytes =
            files
                .filter(file -> file.toString().endsWith("." + part.getKey()))
                .mapToLong(QuantizationRecall::size)
                .sum();
        System.out.printf(Locale.ROOT, "\t%s %.1f B", part.getValue(), (double) bytes / vectors);
      }
    }
    System.out.println();
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
