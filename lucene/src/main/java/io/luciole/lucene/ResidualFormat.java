package io.luciole.lucene;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.apache.lucene.codecs.DocValuesConsumer;
import org.apache.lucene.codecs.DocValuesFormat;
import org.apache.lucene.codecs.DocValuesProducer;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;
import org.apache.lucene.store.DataOutput;
import org.apache.lucene.store.IndexInput;

/**
 * Doc values that compress token vectors to 2 bits a component beside centroids: {@link
 * MultiVectorForm#RESIDUAL2} writes by it. A field's values must be token vectors in the form
 * {@link MultiVectorForm#INT8}, and are so when they are read; scores are computed from what is
 * kept.
 *
 * <p>Centroids are a segment's own, learnt from its vectors when it is flushed or merged, so that
 * they live and die with its files. A segment with fewer than {@value #MIN_ROWS} vectors keeps them
 * as they are. When segments are merged, compressed vectors are copied with their centroids, so
 * that nothing more is lost; others are compressed by new centroids if there are {@value #MIN_ROWS}
 * of them, else by those of most vectors, else they stay as they are. A merge that renumbers
 * documents ({@link WriteOptions#reorder}) or reads through a wrapper of an application's own reads
 * INT8, and compresses anew. A document of which a vector would become too different (a cosine
 * below 0.8, which takes a vector that is like none of those that centroids were learnt from) stays
 * as it is.
 *
 * <p>Lucene finds this class by the name {@value #NAME} in the index, so whatever reads or merges
 * such an index needs this module on its class path.
 *
 * <p>There are one file of vectors, {@code .lrv}, and the two of Lucene's own format, which has for
 * each document the address of its vectors as a number. Numbers are little-endian.
 *
 * <pre>
 * header       as of all of Lucene's index files
 * of a field:
 *   centroids  of each set: as many floats as a vector has components, their spreads; 256 times a
 *              float, the scale, and as many bytes, which are to be multiplied by it
 *   vectors    of each document: vint, its number; vint, 0 if they are not compressed, else 1 + the
 *              number of their set of centroids; vint, how many there are; each as in {@link
 *              ResidualRows}, or as in INT8
 * directory    of each field: int, its number; int, components of a vector; int, sets of centroids;
 *              of each set: long, its address; long, how many vectors it compresses. Then int −1
 * address      long, of the directory
 * checksums    as {@link PageChecks} describes them, of all from the header on
 * footer       as of all of Lucene's index files, with a checksum
 * </pre>
 *
 * <p>What is read is compared with its page's checksum first, and the number of a document with
 * that of the one that is asked for: damaged files are told, and give no wrong scores.
 */
public final class ResidualFormat extends DocValuesFormat {
  /** The name of this format in an index. */
  public static final String NAME = "LucioleResidual1";

  /** The fewest vectors for which centroids are learnt. */
  public static final int MIN_ROWS = 1 << 15;

  static final String EXTENSION = "lrv";
  static final String CODEC = "LucioleResidual";
  static final int VERSION = 1;
  static final int NO_FIELD = -1;

  private final int dimension;
  private final int minRows;

  /** Creates the format for reading; Lucene does so when it reads an index. */
  public ResidualFormat() {
    this(0, MIN_ROWS);
  }

  /**
   * Creates the format for writing; {@link VectorFields#tokenVectorsFormat} does.
   *
   * @param dimension components of a vector
   * @param minRows the fewest vectors for which centroids are learnt, at least {@link
   *     TokenCentroids#COUNT}
   */
  ResidualFormat(int dimension, int minRows) {
    super(NAME);
    this.dimension = dimension;
    this.minRows = minRows;
  }

  /**
   * A set of centroids of a field of a segment.
   *
   * @param address where it is in the file
   * @param rows how many vectors it compresses
   */
  record Centroids(long address, long rows) {}

  /** The bytes of a set of centroids. */
  static int centroidsSize(int dimension) {
    return dimension * Float.BYTES + TokenCentroids.COUNT * TokenRow.size(dimension);
  }

  /** What the directory has of a field. */
  record Field(int dimension, List<Centroids> centroids) {
    /** The bytes of a vector that a set of centroids compresses, or none if −1. */
    int rowSize(int set) {
      return set < 0 ? TokenRow.size(dimension) : ResidualRows.size(dimension);
    }
  }

  static void writeCentroids(DataOutput out, TokenCentroids centroids) throws IOException {
    for (float spread : centroids.spread()) {
      out.writeInt(Float.floatToIntBits(spread));
    }
    for (int c = 0; c < TokenCentroids.COUNT; c++) {
      TokenRow centroid = centroids.centroid(c);
      out.writeInt(Float.floatToIntBits(centroid.scale()));
      out.writeBytes(centroid.bytes(), centroid.dimension());
    }
  }

  /** Reads a set of centroids that is next. */
  static TokenCentroids readCentroids(IndexInput in, int dimension) throws IOException {
    float[] spread = new float[dimension];
    in.readFloats(spread, 0, dimension);
    byte[] bytes = new byte[TokenCentroids.COUNT * TokenRow.size(dimension)];
    in.readBytes(bytes, 0, bytes.length);
    ByteBuffer rows = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    TokenRow[] centroids = new TokenRow[TokenCentroids.COUNT];
    for (int c = 0; c < centroids.length; c++) {
      centroids[c] = TokenRow.read(rows, c * TokenRow.size(dimension), dimension);
    }
    return new TokenCentroids(centroids, spread);
  }

  @Override
  public DocValuesConsumer fieldsConsumer(SegmentWriteState state) throws IOException {
    if (dimension == 0) {
      throw new IllegalStateException(
          "expected the format of VectorFields.tokenVectorsFormat to write token vectors by, got"
              + " one that reads alone");
    }
    return new ResidualWriter(state, dimension, minRows);
  }

  @Override
  public DocValuesProducer fieldsProducer(SegmentReadState state) throws IOException {
    return new ResidualReader(state);
  }
}
