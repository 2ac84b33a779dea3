package io.luciole.lucene;

import java.io.IOException;
import java.util.Map;
import org.apache.lucene.codecs.DocValuesFormat;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.KnnVectorsWriter;
import org.apache.lucene.codecs.PostingsFormat;
import org.apache.lucene.codecs.lucene104.Lucene104Codec;
import org.apache.lucene.codecs.lucene104.Lucene104HnswScalarQuantizedVectorsFormat;
import org.apache.lucene.codecs.lucene104.Lucene104PostingsFormat;
import org.apache.lucene.codecs.lucene90.Lucene90DocValuesFormat;
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.util.quantization.QuantizedByteVectorValues.ScalarEncoding;

/**
 * Lucene's codec with a schema's vector format. It writes under Lucene's own names, so readers need
 * nothing of Luciole's.
 */
final class SchemaCodec extends Lucene104Codec {
  /** A segment that is searched as fast without has no graph; Lucene's own threshold. */
  private static final int GRAPH_THRESHOLD = Lucene99HnswVectorsFormat.HNSW_GRAPH_THRESHOLD;

  private static final int NO_GRAPH = Integer.MAX_VALUE;

  private final KnnVectorsFormat dense;

  // A format object of its own gives a field files of its own, so that their sizes can be told.
  private final Map<String, PostingsFormat> postings =
      Map.of(
          SchemaFields.SPARSE,
          new Lucene104PostingsFormat(),
          SchemaFields.WORDS,
          new Lucene104PostingsFormat());
  private final Map<String, DocValuesFormat> values =
      Map.of(
          SchemaFields.SPARSE_EXACT,
          new Lucene90DocValuesFormat(),
          SchemaFields.COLBERT,
          new Lucene90DocValuesFormat());

  /**
   * Creates a codec.
   *
   * @param mergeWorkers threads that build a merged graph; more than 1 borrows them from the merge
   *     scheduler
   * @param graphsByMerges whether segments get their graph when they are merged, and not before: a
   *     segment that will be merged anyway need not have one, and is searched exhaustively until
   *     then
   */
  SchemaCodec(HybridSchema schema, int mergeWorkers, boolean graphsByMerges) {
    super(Mode.BEST_SPEED);
    KnnVectorsFormat usual = new Lucene99HnswVectorsFormat();
    this.dense = schema.dense().map(d -> dense(d, mergeWorkers, graphsByMerges)).orElse(usual);
  }

  private static KnnVectorsFormat dense(
      HybridSchema.Dense dense, int mergeWorkers, boolean graphsByMerges) {
    KnnVectorsFormat merged = format(dense, mergeWorkers, GRAPH_THRESHOLD);
    return new Wide(merged, graphsByMerges ? format(dense, 1, NO_GRAPH) : merged);
  }

  private static KnnVectorsFormat format(HybridSchema.Dense dense, int workers, int threshold) {
    int links = dense.maxConnections();
    int beam = dense.beamWidth();
    return switch (dense.quantization()) {
      case NONE -> new Lucene99HnswVectorsFormat(links, beam, workers, null, threshold);
      case BITS_8 -> quantized(ScalarEncoding.UNSIGNED_BYTE, links, beam, workers, threshold);
      case BITS_4 -> quantized(ScalarEncoding.PACKED_NIBBLE, links, beam, workers, threshold);
      case BITS_1 ->
          quantized(ScalarEncoding.SINGLE_BIT_QUERY_NIBBLE, links, beam, workers, threshold);
    };
  }

  private static KnnVectorsFormat quantized(
      ScalarEncoding encoding, int links, int beam, int workers, int threshold) {
    return new Lucene104HnswScalarQuantizedVectorsFormat(
        encoding, links, beam, workers, null, threshold);
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

  /**
   * A format without Lucene's limit of 1024 dimensions, which only its writer enforces. Segments
   * that are merged and those that are not may be written differently; they are read alike.
   */
  private static final class Wide extends KnnVectorsFormat {
    private static final int MAX_DIMENSIONS = 4096;

    private final KnnVectorsFormat merged;
    private final KnnVectorsFormat flushed;

    Wide(KnnVectorsFormat merged, KnnVectorsFormat flushed) {
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
  }
}
