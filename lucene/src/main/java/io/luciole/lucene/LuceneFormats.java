package io.luciole.lucene;

import java.io.IOException;
import java.util.Map;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.DocValuesFormat;
import org.apache.lucene.codecs.FieldsConsumer;
import org.apache.lucene.codecs.FieldsProducer;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.KnnVectorsWriter;
import org.apache.lucene.codecs.PostingsFormat;
import org.apache.lucene.codecs.lucene103.blocktree.Lucene103BlockTreeTermsReader;
import org.apache.lucene.codecs.lucene103.blocktree.Lucene103BlockTreeTermsWriter;
import org.apache.lucene.codecs.lucene104.Lucene104Codec;
import org.apache.lucene.codecs.lucene104.Lucene104HnswScalarQuantizedVectorsFormat;
import org.apache.lucene.codecs.lucene104.Lucene104PostingsFormat;
import org.apache.lucene.codecs.lucene90.Lucene90DocValuesFormat;
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.util.IOUtils;
import org.apache.lucene.util.quantization.QuantizedByteVectorValues.ScalarEncoding;

/**
 * The formats of the index files: the only class that names versions of Lucene's formats, and so
 * the only one to change for another Lucene. Indexes are written under Lucene's own names, so
 * readers need nothing of Luciole, but for {@link BlockPostingsFormat}.
 */
final class LuceneFormats {
  /** Smaller segments are searched as fast without a graph as with one; Lucene's own threshold. */
  private static final int GRAPH_THRESHOLD = Lucene99HnswVectorsFormat.HNSW_GRAPH_THRESHOLD;

  private static final int NO_GRAPH = Integer.MAX_VALUE;

  private LuceneFormats() {}

  /**
   * Makes a codec that writes a schema's indexes.
   *
   * @param mergeWorkers threads that build a merged graph; more than 1 borrows them from the merge
   *     scheduler
   * @param graphsByMerges whether segments get their graph when they are merged, and not before: a
   *     segment that will be merged anyway need not have one, and is searched exhaustively until
   *     then
   */
  static Codec codec(HybridSchema schema, int mergeWorkers, boolean graphsByMerges) {
    LuceneRange.CODEC.require();
    try {
      boolean blocks =
          schema.sparse().map(sparse -> sparse.form() == SparseForm.BLOCKS).orElse(false);
      return SchemaCodec.of(
          blocks,
          schema
              .vectorFields()
              .dense()
              .map(d -> dense(d, mergeWorkers, graphsByMerges))
              .orElseGet(Lucene99HnswVectorsFormat::new),
          schema
              .multiVectors()
              .filter(rows -> rows.form() == MultiVectorForm.RESIDUAL2)
              .map(rows -> residual(rows.dimension()))
              .orElseGet(LuceneFormats::values));
    } catch (LinkageError e) {
      throw LuceneRange.withoutFormats(e);
    }
  }

  /**
   * Makes the format of dense vectors, for any codec.
   *
   * @param mergeWorkers as for {@link #codec}
   * @param graphsByMerges as for {@link #codec}; needs Lucene 10.3
   */
  static KnnVectorsFormat dense(
      HybridSchema.Dense dense, int mergeWorkers, boolean graphsByMerges) {
    KnnVectorsFormat merged = vectors(dense, mergeWorkers, GRAPH_THRESHOLD);
    return new DenseFormat(merged, graphsByMerges ? vectors(dense, 1, NO_GRAPH) : merged);
  }

  /** Writes the postings of {@link BlockPostingsFormat}, and its terms as Lucene's own format. */
  static FieldsConsumer blocks(SegmentWriteState state) throws IOException {
    LuceneRange.BLOCKS.require();
    return Blocks.write(state);
  }

  /** Reads what {@link #blocks(SegmentWriteState)} wrote. */
  static FieldsProducer blocks(SegmentReadState state) throws IOException {
    LuceneRange.BLOCKS.require();
    return Blocks.read(state);
  }

  /** Lucene's own format of doc values. */
  static DocValuesFormat values() {
    return new Lucene90DocValuesFormat();
  }

  /** The format that compresses token vectors of some components. */
  static DocValuesFormat residual(int dimension) {
    LuceneRange.RESIDUALS.require();
    return new ResidualFormat(dimension, ResidualFormat.MIN_ROWS);
  }

  /** Apart from {@link LuceneFormats}, because older versions of Lucene lack what it names. */
  private static final class Blocks {
    static FieldsConsumer write(SegmentWriteState state) throws IOException {
      BlockPostingsWriter postings = new BlockPostingsWriter(state);
      try {
        return new Lucene103BlockTreeTermsWriter(
            state,
            postings,
            Lucene103BlockTreeTermsWriter.DEFAULT_MIN_BLOCK_SIZE,
            Lucene103BlockTreeTermsWriter.DEFAULT_MAX_BLOCK_SIZE);
      } catch (Throwable t) {
        IOUtils.closeWhileHandlingException(postings);
        throw t;
      }
    }

    static FieldsProducer read(SegmentReadState state) throws IOException {
      BlockPostingsReader postings = new BlockPostingsReader(state);
      try {
        return new Lucene103BlockTreeTermsReader(postings, state);
      } catch (Throwable t) {
        IOUtils.closeWhileHandlingException(postings);
        throw t;
      }
    }
  }

  /** What the files of an extension hold that all fields share, for people. */
  static String contents(String extension) {
    return switch (extension) {
      case "fdt", "fdx", "fdm" -> "stored texts";
      case "nvd", "nvm" -> "norms";
      case "kdd", "kdi", "kdm" -> "points";
      default -> "other";
    };
  }

  /** What of a field's vectors a file of an extension holds, for people; empty for other files. */
  static String partOfVectors(String extension) {
    return switch (extension) {
      case "vec" -> ": as given";
      case "veq" -> ": quantised";
      case "vex", "vem", "vemf", "vemq" -> ": graph";
      default -> "";
    };
  }

  private static KnnVectorsFormat vectors(HybridSchema.Dense dense, int workers, int threshold) {
    int links = dense.maxConnections();
    int beam = dense.beamWidth();
    boolean asGiven =
        dense.quantization() == DenseQuantization.NONE || !dense.quantization().keepsFloats();
    if (asGiven) {
      return threshold == GRAPH_THRESHOLD
          ? new Lucene99HnswVectorsFormat(links, beam, workers, null)
          : new Lucene99HnswVectorsFormat(links, beam, workers, null, threshold);
    }
    LuceneRange.QUANTIZED.require();
    try {
      return Quantized.format(dense, workers, threshold);
    } catch (LinkageError e) {
      throw LuceneRange.withoutFormats(e);
    }
  }

  /** Apart from {@link LuceneFormats}, because older versions of Lucene lack what it names. */
  private static final class Quantized {
    static KnnVectorsFormat format(HybridSchema.Dense dense, int workers, int threshold) {
      ScalarEncoding encoding =
          switch (dense.quantization()) {
            case NONE, BITS_8_ONLY -> throw new IllegalStateException("kept as they are given");
            case BITS_8 -> ScalarEncoding.UNSIGNED_BYTE;
            case BITS_4 -> ScalarEncoding.PACKED_NIBBLE;
            case BITS_1 -> ScalarEncoding.SINGLE_BIT_QUERY_NIBBLE;
          };
      return new Lucene104HnswScalarQuantizedVectorsFormat(
          encoding, dense.maxConnections(), dense.beamWidth(), workers, null, threshold);
    }
  }

  /**
   * Lucene's codec with formats by field. Fields with a format object of their own have files of
   * their own, so that {@link FieldSizes} can tell their sizes.
   *
   * <p>Made by {@link #of} alone, which takes nothing that is of one of two classes, so that {@link
   * LuceneFormats} can be linked where Lucene lacks the superclass, or a format.
   */
  private static final class SchemaCodec extends Lucene104Codec {
    private final KnnVectorsFormat dense;
    private final Map<String, PostingsFormat> postings;
    private final Map<String, DocValuesFormat> values;

    private SchemaCodec(boolean blocks, KnnVectorsFormat dense, DocValuesFormat rows) {
      super(Mode.BEST_SPEED);
      PostingsFormat sparse = blocks ? new BlockPostingsFormat() : new Lucene104PostingsFormat();
      this.values = Map.of(SchemaFields.SPARSE_EXACT, values(), SchemaFields.COLBERT, rows);
      this.postings =
          Map.of(SchemaFields.SPARSE, sparse, SchemaFields.WORDS, new Lucene104PostingsFormat());
      this.dense = dense;
    }

    static Codec of(boolean blocks, KnnVectorsFormat dense, DocValuesFormat rows) {
      return new SchemaCodec(blocks, dense, rows);
    }

    @Override
    public KnnVectorsFormat getKnnVectorsFormatForField(String field) {
      return field.equals(SchemaFields.DENSE) ? dense : super.getKnnVectorsFormatForField(field);
    }

    @Override
    public PostingsFormat getPostingsFormatForField(String field) {
      PostingsFormat own = postings.get(field);
      return own != null ? own : super.getPostingsFormatForField(field);
    }

    @Override
    public DocValuesFormat getDocValuesFormatForField(String field) {
      DocValuesFormat own = values.get(field);
      return own != null ? own : super.getDocValuesFormatForField(field);
    }
  }

  /**
   * The format of the dense vectors, without Lucene's limit of 1024 dimensions, which only its
   * writer enforces. Flushed and merged segments may be written differently; they are read alike.
   */
  private static final class DenseFormat extends KnnVectorsFormat {
    private static final int MAX_DIMENSIONS = 4096;

    private final KnnVectorsFormat merged;
    private final KnnVectorsFormat flushed;

    DenseFormat(KnnVectorsFormat merged, KnnVectorsFormat flushed) {
      super(merged.getName());
      this.merged = merged;
      this.flushed = flushed;
    }

    @Override
    public KnnVectorsWriter fieldsWriter(SegmentWriteState state) throws IOException {
      boolean isMerge = state.context.context() == IOContext.Context.MERGE;
      return (isMerge ? merged : flushed).fieldsWriter(state);
    }

    @Override
    public KnnVectorsReader fieldsReader(SegmentReadState state) throws IOException {
      return merged.fieldsReader(state);
    }

    @Override
    public int getMaxDimensions(String fieldName) {
      return MAX_DIMENSIONS;
    }

    /** Tells the form of the vectors, by which formats are compared ({@link WriterConfigs}). */
    @Override
    public String toString() {
      return merged.toString();
    }
  }
}
