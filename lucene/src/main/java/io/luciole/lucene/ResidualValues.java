package io.luciole.lucene;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.util.ArrayUtil;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * The token vectors of a segment's documents in {@link ResidualFormat}. As doc values they have the
 * form {@link MultiVectorForm#INT8}, whether they are compressed or not. For one thread.
 */
final class ResidualValues extends BinaryDocValues {
  /** The most bytes before a document's vectors: three numbers. */
  private static final int MOST_HEAD = 15;

  private final NumericDocValues addresses;
  private final IndexInput data;
  private final PageChecks checks;
  private final RandomAccessInput pages;
  private final ResidualFormat.Field field;
  private final Map<Integer, TokenCentroids> loaded = new HashMap<>();
  private final Map<Integer, ResidualScorer> scorers = new HashMap<>();
  private @Nullable TokenQuery scored;

  private int read = -1;
  private int centroids;
  private int rows;
  private byte[] bytes = new byte[0];

  ResidualValues(
      NumericDocValues addresses, IndexInput data, PageChecks checks, ResidualFormat.Field field)
      throws IOException {
    this.addresses = addresses;
    this.data = data;
    this.checks = checks;
    this.pages = data.randomAccessSlice(0, data.length());
    this.field = field;
  }

  @Override
  public int docID() {
    return addresses.docID();
  }

  @Override
  public int nextDoc() throws IOException {
    return addresses.nextDoc();
  }

  @Override
  public int advance(int target) throws IOException {
    return addresses.advance(target);
  }

  @Override
  public boolean advanceExact(int target) throws IOException {
    return addresses.advanceExact(target);
  }

  @Override
  public long cost() {
    return addresses.cost();
  }

  /**
   * Which of {@link ResidualFormat.Field#centroids} compress the document's vectors; −1 if none.
   */
  int centroids() throws IOException {
    read();
    return centroids;
  }

  /** The number of the document's vectors. */
  int rows() throws IOException {
    read();
    return rows;
  }

  /** The document's vectors as they are kept, in bytes that the next document overwrites. */
  BytesRef kept() throws IOException {
    read();
    return new BytesRef(bytes, 0, rows * field.rowSize(centroids));
  }

  private long address() throws IOException {
    try {
      return addresses.longValue();
    } catch (IndexOutOfBoundsException e) {
      // Lucene reads numbers without a check of their bytes.
      throw checks.corrupt("expected the address of document " + docID() + ", found " + e);
    }
  }

  private void read() throws IOException {
    if (read == docID()) {
      return;
    }
    long at = address();
    checks.require(pages, at, (int) Math.min(MOST_HEAD, checks.end() - at));
    data.seek(at);
    int document = data.readVInt();
    centroids = data.readVInt() - 1;
    rows = data.readVInt();
    long length = (long) rows * field.rowSize(centroids);
    if (document != docID()
        || centroids >= field.centroids().size()
        || rows < 0
        || length > checks.end() - data.getFilePointer()) {
      throw checks.corrupt("expected the vectors of document " + docID() + " at " + at);
    }
    if (length > 0) {
      checks.require(pages, data.getFilePointer(), (int) length);
    }
    bytes = ArrayUtil.growNoCopy(bytes, (int) length);
    data.readBytes(bytes, 0, (int) length);
    read = docID();
  }

  /** The components of a vector. */
  int dimension() {
    return field.dimension();
  }

  /** How many sets of centroids the segment has. */
  int sets() {
    return field.centroids().size();
  }

  /** A set of centroids of the segment. */
  TokenCentroids load(int set) throws IOException {
    TokenCentroids known = loaded.get(set);
    if (known == null) {
      long at = field.centroids().get(set).address();
      checks.require(pages, at, ResidualFormat.centroidsSize(field.dimension()));
      data.seek(at);
      known = ResidualFormat.readCentroids(data, field.dimension());
      loaded.put(set, known);
    }
    return known;
  }

  @Override
  public BytesRef binaryValue() throws IOException {
    read();
    if (centroids < 0) {
      return kept();
    }
    int dimension = field.dimension();
    ResidualRows.Decoder decoder = new ResidualRows.Decoder(load(centroids), dimension);
    float[][] all = new float[rows][dimension];
    for (int r = 0; r < rows; r++) {
      decoder.decode(bytes, r * ResidualRows.size(dimension), all[r]);
    }
    return MultiVectorBytes.encode(all, dimension);
  }

  /** The scorer of a query for the vectors that a set of centroids compresses. */
  @SuppressWarnings("ReferenceEquality") // One object for each query.
  ResidualScorer scorer(TokenQuery query, int set) throws IOException {
    if (scored != query) {
      scorers.clear();
      scored = query;
    }
    ResidualScorer known = scorers.get(set);
    if (known == null) {
      known = query.scorer(field, set, () -> load(set));
      scorers.put(set, known);
    }
    return known;
  }

  /** The mean over the query's rows of the best dot product with a row of the document. */
  float maxSim(TokenQuery query) throws IOException {
    read();
    int length = query.rows().length;
    if (centroids < 0) {
      return MultiVectorBytes.maxSim(query.rows(), kept(), field.dimension());
    }
    if (rows == 0 || length == 0) {
      return 0;
    }
    float[] best = new float[length];
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    scorer(query, centroids).raise(best, bytes, 0, rows);
    double sum = 0;
    for (float b : best) {
      sum += b;
    }
    return (float) (sum / length);
  }
}
