package io.luciole.bench;

import io.luciole.Embedding;
import io.luciole.lucene.BlockPostingsFormat;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.VectorFields;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.PostingsFormat;
import org.apache.lucene.codecs.lucene104.Lucene104Codec;
import org.apache.lucene.codecs.lucene104.Lucene104PostingsFormat;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.MergePolicy;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.misc.index.BPIndexReorderer;
import org.apache.lucene.misc.index.BPReorderingMergePolicy;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.IOUtils;

/** Makes the indexes of {@link SparseSpeed}: a passage a document, no vectors but sparse ones. */
final class SparseIndexes {
  /** Has a value for each share of the passages, in percent, that a passage is in. */
  static final String SHARE = "share";

  static final String WORDS = "words";

  private static final String[] SHARES = {"0.001", "0.01", "0.1", "1", "3", "10", "50"};

  /** Passages of a stretch in which all match {@link #STRETCHES}, of a hundred times as many. */
  private static final int STRETCH = 5000;

  /** The share of one percent in stretches. */
  private static final String STRETCHES = "1s";

  private static final double BUFFER_MIB = Integer.getInteger("bufferMiB", 32);
  private static final int MIN_DOC_FREQ = Integer.getInteger("minDocFreq", 64);

  private SparseIndexes() {}

  static VectorFields fields(SparseForm form, boolean exact) {
    return VectorFields.builder(1, true).dense(false).sparseForm(form).exactSparse(exact).build();
  }

  static void build(Path from, Path to, Map<String, String> options) throws IOException {
    int most = Integer.parseInt(options.getOrDefault("passages", "1000000"));
    SparseForm form = SparseForm.parse(options.getOrDefault("form", "impacts"));
    String order = options.getOrDefault("order", "natural");
    int segments = Integer.parseInt(options.getOrDefault("segments", "1"));
    boolean reordered = Boolean.parseBoolean(options.getOrDefault("reordered", "false"));
    boolean words = Boolean.parseBoolean(options.getOrDefault("words", "false"));
    VectorFields fields =
        fields(form, Boolean.parseBoolean(options.getOrDefault("exact", "false")));
    IOUtils.rm(to);
    long start = System.nanoTime();
    try (PassageCorpus corpus = PassageCorpus.open(from, most);
        Stream<String> texts = words ? corpus.texts() : Stream.empty();
        Directory directory = FSDirectory.open(to)) {
      // In another order than the file's, all texts are kept in memory.
      List<String> kept = words && !order.equals("natural") ? texts.toList() : List.of();
      int documents = corpus.size();
      try (IndexWriter writer =
          new IndexWriter(directory, config(form).setMergePolicy(NoMergePolicy.INSTANCE))) {
        Iterator<String> text = kept.isEmpty() ? texts.iterator() : kept.iterator();
        for (int passage : corpus.order(order)) {
          Document document = new Document();
          fields.addTo(document, Embedding.absent().withSparse(corpus.vector(passage)));
          double share = 100 * new SplittableRandom(passage).nextDouble();
          for (String limit : SHARES) {
            if (share < Double.parseDouble(limit)) {
              document.add(new StringField(SHARE, limit, Field.Store.NO));
            }
          }
          if (passage / STRETCH % 100 == 7) {
            document.add(new StringField(SHARE, STRETCHES, Field.Store.NO));
          }
          if (words) {
            document.add(
                new TextField(
                    WORDS, kept.isEmpty() ? text.next() : kept.get(passage), Field.Store.NO));
          }
          writer.addDocument(document);
        }
        writer.setLiveCommitData(Map.of("form", form.id()).entrySet());
        writer.commit();
      }
      double added = (System.nanoTime() - start) / 1e9;
      long merge = System.nanoTime();
      if (segments > 0) {
        merge(directory, form, segments, reordered, fields.sparseField());
      }
      System.out.printf(
          Locale.ROOT,
          "%s: %,d passages, %s, %s order%s: written in %.1f s, merged in %.1f s%n",
          to.getFileName(),
          documents,
          form.id(),
          order,
          reordered ? ", reordered" : "",
          added,
          (System.nanoTime() - merge) / 1e9);
      sizes(to, documents);
    }
  }

  /** Merges; documents with tokens in common get numbers near each other if that is asked for. */
  private static void merge(
      Directory directory, SparseForm form, int segments, boolean reordered, String field)
      throws IOException {
    MergePolicy policy = new TieredMergePolicy();
    if (reordered) {
      BPIndexReorderer reorderer = new BPIndexReorderer();
      reorderer.setFields(Set.of(field));
      reorderer.setMinDocFreq(MIN_DOC_FREQ);
      reorderer.setRAMBudgetMB((double) (Runtime.getRuntime().maxMemory() >> 22));
      policy = new BPReorderingMergePolicy(policy, reorderer);
    }
    try (IndexWriter writer = new IndexWriter(directory, config(form).setMergePolicy(policy))) {
      writer.forceMerge(segments);
      writer.commit();
    }
  }

  static IndexWriterConfig config(SparseForm form) {
    return new IndexWriterConfig(new StandardAnalyzer())
        .setCodec(codec(form))
        .setUseCompoundFile(false)
        .setRAMBufferSizeMB(BUFFER_MIB);
  }

  /** Each field has files of its own, so that their sizes can be told. */
  private static Codec codec(SparseForm form) {
    Map<String, PostingsFormat> formats =
        Map.of(
            fields(form, false).sparseField(),
            form == SparseForm.BLOCKS ? new BlockPostingsFormat() : new Lucene104PostingsFormat(),
            WORDS,
            new Lucene104PostingsFormat());
    return new Lucene104Codec() {
      @Override
      public PostingsFormat getPostingsFormatForField(String field) {
        PostingsFormat own = formats.get(field);
        return own != null ? own : super.getPostingsFormatForField(field);
      }
    };
  }

  /** Bytes by what follows the segment's name in that of a file. */
  private static void sizes(Path folder, int documents) throws IOException {
    Map<String, Long> sizes = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(file -> {
        String name = file.getFileName().toString().replaceFirst("^_[0-9a-z]+", "");
        try {
          sizes.merge(name, Files.size(file), Long::sum);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
    }
    sizes.forEach((name, bytes) -> {
      if (bytes > 1 << 16) {
        System.out.printf(
            Locale.ROOT,
            "  %10.1f MB  %7.1f B a passage  %s%n",
            bytes / 1e6,
            (double) bytes / documents,
            name);
      }
    });
  }
}
