package io.luciole.lucene;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.store.ByteBuffersDirectory;

/**
 * An application's own index in memory: Lucene's default codec, fields of its own, sorted by price,
 * several segments and deleted documents. Its vectors are made without an engine. Needs nothing of
 * Lucene that 10.0 lacks.
 */
final class OwnIndex implements AutoCloseable {
  static final int DIMENSION = 16;
  static final int ROW_DIMENSION = 8;

  final ByteBuffersDirectory directory = new ByteBuffersDirectory();
  final Analyzer analyzer = new StandardAnalyzer();
  final VectorFields fields;
  final IndexWriter writer;
  final List<String> texts = new ArrayList<>();

  /** The vectors of the documents that are not deleted, by id. */
  final Map<String, Embedding> embeddings = new TreeMap<>();

  OwnIndex(VectorFields fields) throws IOException {
    this(fields, new IndexWriterConfig(new StandardAnalyzer()));
  }

  OwnIndex(VectorFields fields, IndexWriterConfig config) throws IOException {
    this.fields = fields;
    this.writer =
        new IndexWriter(
            directory,
            config
                .setMergePolicy(NoMergePolicy.INSTANCE)
                .setIndexSort(new Sort(new SortedNumericSortField("price", SortField.Type.LONG))));
  }

  static VectorFields.Builder fields() {
    return VectorFields.builder(DIMENSION, true).multiVectors(MultiVectorForm.INT8, ROW_DIMENSION);
  }

  /** Writes random documents, some of which it deletes again. */
  OwnIndex fill(long seed, int documents) throws IOException {
    Texts random = new Texts(seed);
    for (int i = 0; i < documents; i++) {
      String text = random.text(3 + i % 12);
      texts.add(text);
      put("isbn" + i, text, i * 7919L % 100, "g" + i % 5);
      if (i % 40 == 39) {
        writer.deleteDocuments(new Term("isbn", "isbn" + (i - 3)));
        embeddings.remove("isbn" + (i - 3));
        writer.commit();
      }
    }
    writer.commit();
    return this;
  }

  void put(String id, String text, long price, String group) throws IOException {
    Embedding embedding = embedding(text);
    Document document = new Document();
    document.add(new KeywordField("isbn", id, Field.Store.YES));
    document.add(new TextField("body", text, Field.Store.YES));
    document.add(new LongField("price", price, Field.Store.YES));
    document.add(new KeywordField("group", group, Field.Store.NO));
    document.add(new StoredField("shelf", "s" + price));
    fields.addTo(document, embedding);
    writer.updateDocument(new Term("isbn", id), document);
    embeddings.put(id, embedding);
  }

  /** Vectors of a text: sums over its words, so that texts that share words are near. */
  static Embedding embedding(String text) {
    float[] dense = new float[DIMENSION];
    Map<Integer, Float> weights = new TreeMap<>();
    String[] words = text.split(" ", -1);
    float[] rows = new float[words.length * ROW_DIMENSION];
    for (int w = 0; w < words.length; w++) {
      SplittableRandom random = new SplittableRandom(words[w].hashCode());
      for (int d = 0; d < DIMENSION; d++) {
        dense[d] += (float) random.nextDouble() - 0.5f;
      }
      weights.put(random.nextInt(5000), 0.04f + 0.3f * (float) random.nextDouble());
      for (int d = 0; d < ROW_DIMENSION; d++) {
        rows[w * ROW_DIMENSION + d] = (float) random.nextDouble() - 0.5f;
      }
    }
    double length = 0;
    for (float x : dense) {
      length += (double) x * x;
    }
    for (int d = 0; d < DIMENSION; d++) {
      dense[d] /= (float) Math.sqrt(length);
    }
    int[] ids = weights.keySet().stream().mapToInt(Integer::intValue).toArray();
    float[] values = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      values[i] = weights.getOrDefault(ids[i], 0f);
    }
    return Embedding.ofTokens(words.length)
        .withDense(dense)
        .withSparse(SparseVector.of(ids, values))
        .withColbert(MultiVector.of(ROW_DIMENSION, rows));
  }

  /** Embeds queries as documents are; counts. */
  static final class Embedder implements QueryEmbedder {
    final AtomicInteger queries = new AtomicInteger();

    @Override
    public Set<Output> outputs() {
      return EnumSet.allOf(Output.class);
    }

    @Override
    public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
      queries.incrementAndGet();
      return CompletableFuture.completedFuture(embedding(text));
    }
  }

  @Override
  public void close() throws IOException {
    writer.close();
    directory.close();
  }
}
