package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.perfield.PerFieldKnnVectorsFormat;
import org.apache.lucene.index.ConcurrentMergeScheduler;
import org.apache.lucene.index.IndexCommit;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.search.similarities.BM25Similarity;

/** Makes the configuration of Lucene's writer: ours, with the application's changes. */
final class WriterConfigs {
  private WriterConfigs() {}

  /**
   * Makes a configuration.
   *
   * @throws IllegalArgumentException if the application's changes break what the schema says
   * @throws IndexException if the schema needs an analyzer that it does not have
   */
  static IndexWriterConfig create(HybridSchema schema, WriteOptions options) {
    IndexWriterConfig ours = ours(schema, options);
    Expected expected = new Expected(ours);
    IndexWriterConfig config =
        requireNonNull(options.writerConfig().apply(ours), "the result of writerConfig");
    expected.requireKept(config, schema);
    return config;
  }

  private static IndexWriterConfig ours(HybridSchema schema, WriteOptions options) {
    int processors = Runtime.getRuntime().availableProcessors();
    MergeScheduler scheduler = new MergeScheduler();
    if (options.bulk()) {
      scheduler.setMaxMergesAndThreads(processors + 5, processors);
      scheduler.disableAutoIOThrottle();
    }
    return new IndexWriterConfig(schema.analyzer())
        .setOpenMode(IndexWriterConfig.OpenMode.CREATE_OR_APPEND)
        .setCodec(LuceneFormats.codec(schema, processors, options.bulk()))
        .setSimilarity(similarity(schema))
        .setRAMBufferSizeMB(options.bufferMiB())
        .setMergeScheduler(scheduler)
        .setCommitOnClose(false);
  }

  static BM25Similarity similarity(HybridSchema schema) {
    return new BM25Similarity(schema.words().k1(), schema.words().b());
  }

  /** Stays silent about a merge that fails: the writer closes and tells whoever uses it next. */
  private static final class MergeScheduler extends ConcurrentMergeScheduler {
    @Override
    protected void handleMergeException(Throwable exc) {}
  }

  /** What an application must leave as it was given it. */
  private static final class Expected {
    private final IndexWriterConfig.OpenMode openMode;
    private final Object analyzer;
    private final Object similarity;
    private final String denseFormat;

    Expected(IndexWriterConfig ours) {
      this.openMode = ours.getOpenMode();
      this.analyzer = ours.getAnalyzer();
      this.similarity = ours.getSimilarity();
      this.denseFormat = denseFormat(ours.getCodec());
    }

    void requireKept(IndexWriterConfig config, HybridSchema schema) {
      require(
          config.getOpenMode() == openMode,
          "the open mode " + openMode,
          config.getOpenMode(),
          "delete an index that is to be made anew");
      IndexCommit commit = config.getIndexCommit();
      require(
          commit == null,
          "the index's last commit",
          "the commit " + (commit == null ? "" : commit.getSegmentsFileName()),
          "to go back to it, commit with a writer of Lucene's that was opened on it first");
      require(
          analyzer.equals(config.getAnalyzer()),
          "the schema's analyzer " + schema.words().analyzer(),
          config.getAnalyzer(),
          "give the schema an analyzer of your own by HybridSchema.withAnalyzer");
      require(
          similarity.equals(config.getSimilarity()),
          "the schema's similarity " + similarity,
          config.getSimilarity(),
          "set BM25's parameters by SchemaBuilder.bm25");
      require(
          !config.getCommitOnClose(),
          "no commit on close by Lucene",
          "one",
          "use WriteOptions.commitOnClose");
      if (schema.dense().isPresent()) {
        require(
            denseFormat(config.getCodec()).equals(denseFormat),
            "the format " + denseFormat + " of the field " + SchemaFields.DENSE,
            denseFormat(config.getCodec()),
            "delegate this field's k-NN format to the codec that writerConfig is given");
      }
      require(
          config.getIndexSort() == null
              || schema.chunks().isEmpty()
              || config.getParentField() != null,
          "a parent field beside an index sort where texts are cut into passages",
          "none",
          "set IndexWriterConfig.setParentField");
    }

    private static void require(boolean kept, String expected, Object found, String remedy) {
      if (!kept) {
        throw new IllegalArgumentException(
            "WriteOptions.writerConfig: expected "
                + expected
                + ", found "
                + found
                + "; "
                + remedy
                + ".");
      }
    }

    private static String denseFormat(Codec codec) {
      KnnVectorsFormat format = codec.knnVectorsFormat();
      return format instanceof PerFieldKnnVectorsFormat fields
          ? fields.getKnnVectorsFormatForField(SchemaFields.DENSE).toString()
          : format.toString();
    }
  }
}
