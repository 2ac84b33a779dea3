package io.luciole.lucene;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.codecs.DocValuesConsumer;
import org.apache.lucene.codecs.DocValuesProducer;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.EmptyDocValuesProducer;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.MergeState;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SegmentWriteState;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.IOUtils;
import org.apache.lucene.util.packed.PackedInts;
import org.apache.lucene.util.packed.PackedLongValues;
import org.jspecify.annotations.Nullable;

/** Writes what {@link ResidualFormat} describes. */
final class ResidualWriter extends DocValuesConsumer {
  /** Vectors of which centroids are learnt at most: 64 for each. */
  private static final int SAMPLE = 64 * TokenCentroids.COUNT;

  private static final long SEED = 20_261_129;

  /**
   * The least cosine of a compressed vector and the one that was given. Without any likeness to
   * centroids, 2 bits leave about 0.94; less, where one component exceeds all others by far.
   */
  private static final float LEAST_COSINE = 0.8f;

  private final DocValuesConsumer addresses;
  private final IndexOutput file;
  private final PageChecks.Output data;
  private final List<Written> written = new ArrayList<>();
  private final int dimension;
  private final int minRows;
  private boolean finished;

  private record Written(int field, List<ResidualFormat.Centroids> centroids) {}

  /** A set of centroids, and how many vectors it compresses. */
  private static final class Centroids {
    private final TokenCentroids centroids;
    private long rows;

    Centroids(TokenCentroids centroids, long rows) {
      this.centroids = centroids;
      this.rows = rows;
    }
  }

  ResidualWriter(SegmentWriteState state, int dimension, int minRows) throws IOException {
    this.dimension = dimension;
    this.minRows = minRows;
    String name =
        IndexFileNames.segmentFileName(
            state.segmentInfo.name, state.segmentSuffix, ResidualFormat.EXTENSION);
    file = state.directory.createOutput(name, state.context);
    try {
      CodecUtil.writeIndexHeader(
          file,
          ResidualFormat.CODEC,
          ResidualFormat.VERSION,
          state.segmentInfo.getId(),
          state.segmentSuffix);
      data = new PageChecks.Output(file);
      addresses = LuceneFormats.values().fieldsConsumer(state);
    } catch (Throwable t) {
      IOUtils.closeWhileHandlingException(file);
      throw t;
    }
  }

  @Override
  public void addBinaryField(FieldInfo field, DocValuesProducer values) throws IOException {
    write(field, List.of(), () -> ResidualSource.flushed(values.getBinary(field)));
  }

  @Override
  public void mergeBinaryField(FieldInfo field, MergeState state) throws IOException {
    ResidualSource.Merged merged = new ResidualSource.Merged(field, state);
    List<Centroids> inherited = new ArrayList<>();
    for (TokenCentroids set : merged.centroids()) {
      inherited.add(new Centroids(set, 0));
    }
    write(field, inherited, merged::open);
  }

  private void write(FieldInfo field, List<Centroids> inherited, ResidualSource.Opener source)
      throws IOException {
    List<Centroids> sets = new ArrayList<>(inherited);
    long raw = count(field, sets, source);
    int own = -1;
    if (raw >= minRows) {
      own = sets.size();
      sets.add(new Centroids(TokenCentroids.learn(sample(raw, source), SEED), raw));
    } else if (raw > 0) {
      own = largest(sets);
      if (own >= 0) {
        sets.get(own).rows += raw;
      }
    }
    List<Centroids> kept = new ArrayList<>();
    List<Long> places = new ArrayList<>();
    int[] numbers = new int[sets.size()];
    for (int s = 0; s < numbers.length; s++) {
      Centroids set = sets.get(s);
      numbers[s] = kept.size();
      if (set.rows > 0) {
        kept.add(set);
        places.add(data.position());
        ResidualFormat.writeCentroids(data, set.centroids);
      }
    }
    writeVectors(field, numbers, own < 0 ? null : sets.get(own), own, source);
    List<ResidualFormat.Centroids> directory = new ArrayList<>();
    for (int s = 0; s < kept.size(); s++) {
      directory.add(new ResidualFormat.Centroids(places.get(s), kept.get(s).rows));
    }
    written.add(new Written(field.number, List.copyOf(directory)));
  }

  /** The set that compresses most; −1 if none compresses any. */
  private static int largest(List<Centroids> sets) {
    int largest = -1;
    for (int s = 0; s < sets.size(); s++) {
      if (sets.get(s).rows > (largest < 0 ? 0 : sets.get(largest).rows)) {
        largest = s;
      }
    }
    return largest;
  }

  /** Counts what each set compresses, and returns the number of vectors that are not compressed. */
  private long count(FieldInfo field, List<Centroids> sets, ResidualSource.Opener source)
      throws IOException {
    long raw = 0;
    ResidualSource from = source.open();
    while (from.next() != ResidualSource.END) {
      int set = from.centroids();
      if (set < 0) {
        raw += rows(field, from.bytes());
      } else {
        sets.get(set).rows += from.rows();
      }
    }
    return raw;
  }

  private int rows(FieldInfo field, BytesRef int8) {
    int size = TokenRow.size(dimension);
    if (int8.length % size != 0) {
      throw new IllegalArgumentException(
          "expected token vectors of "
              + dimension
              + " components in the form INT8, of "
              + size
              + " bytes each, in the field "
              + field.name
              + ", got "
              + int8.length
              + " bytes");
    }
    return int8.length / size;
  }

  private static ByteBuffer little(BytesRef bytes) {
    return ByteBuffer.wrap(bytes.bytes, bytes.offset, bytes.length)
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Vectors from all over those that are not compressed, at even distances. */
  private List<TokenRow> sample(long raw, ResidualSource.Opener source) throws IOException {
    List<TokenRow> sample = new ArrayList<>();
    long wanted = Math.min(raw, SAMPLE);
    long at = 0;
    ResidualSource from = source.open();
    while (from.next() != ResidualSource.END) {
      if (from.centroids() >= 0) {
        continue;
      }
      ByteBuffer rows = little(from.bytes());
      for (int place = 0; place < rows.limit(); place += TokenRow.size(dimension)) {
        if (at * wanted / raw != (at + 1) * wanted / raw) {
          sample.add(TokenRow.read(rows, place, dimension));
        }
        at++;
      }
    }
    return sample;
  }

  private void writeVectors(
      FieldInfo field, int[] numbers, @Nullable Centroids by, int own, ResidualSource.Opener source)
      throws IOException {
    PackedLongValues.Builder places = PackedLongValues.monotonicBuilder(PackedInts.COMPACT);
    ResidualRows.Encoder encoder =
        by == null ? null : new ResidualRows.Encoder(by.centroids, dimension);
    ResidualSource from = source.open();
    for (int document = from.next(); document != ResidualSource.END; document = from.next()) {
      places.add(data.position());
      data.writeVInt(document);
      BytesRef bytes = from.bytes();
      int set = from.centroids();
      if (set >= 0) {
        data.writeVInt(1 + numbers[set]);
        data.writeVInt(from.rows());
        data.writeBytes(bytes.bytes, bytes.offset, bytes.length);
      } else {
        int rows = rows(field, bytes);
        byte[] compressed = encoder == null ? null : compressed(encoder, little(bytes), rows);
        data.writeVInt(compressed == null ? 0 : 1 + numbers[own]);
        data.writeVInt(rows);
        if (compressed != null) {
          data.writeBytes(compressed, compressed.length);
        } else {
          data.writeBytes(bytes.bytes, bytes.offset, bytes.length);
          if (by != null) {
            by.rows -= rows;
          }
        }
      }
    }
    PackedLongValues all = places.build();
    addresses.addNumericField(
        field,
        new EmptyDocValuesProducer() {
          @Override
          public NumericDocValues getNumeric(FieldInfo of) throws IOException {
            return source.open().numbered(all);
          }
        });
  }

  /** A document's vectors compressed; null if one would become too different. */
  private byte @Nullable [] compressed(ResidualRows.Encoder encoder, ByteBuffer int8, int rows) {
    int size = ResidualRows.size(dimension);
    byte[] compressed = new byte[rows * size];
    for (int r = 0; r < rows; r++) {
      TokenRow row = TokenRow.read(int8, r * TokenRow.size(dimension), dimension);
      if (!(encoder.encode(row, compressed, r * size) >= LEAST_COSINE)) {
        return null;
      }
    }
    return compressed;
  }

  @Override
  public void addNumericField(FieldInfo field, DocValuesProducer values) {
    throw binaryOnly(field);
  }

  @Override
  public void addSortedField(FieldInfo field, DocValuesProducer values) {
    throw binaryOnly(field);
  }

  @Override
  public void addSortedNumericField(FieldInfo field, DocValuesProducer values) {
    throw binaryOnly(field);
  }

  @Override
  public void addSortedSetField(FieldInfo field, DocValuesProducer values) {
    throw binaryOnly(field);
  }

  static UnsupportedOperationException binaryOnly(FieldInfo field) {
    return new UnsupportedOperationException(
        "expected doc values of the type "
            + DocValuesType.BINARY
            + " for the format "
            + ResidualFormat.NAME
            + ", got "
            + field.getDocValuesType()
            + " of the field "
            + field.name);
  }

  @Override
  public void close() throws IOException {
    if (finished) {
      return;
    }
    finished = true;
    boolean done = false;
    try {
      long directory = data.position();
      for (Written field : written) {
        data.writeInt(field.field());
        data.writeInt(dimension);
        data.writeInt(field.centroids().size());
        for (ResidualFormat.Centroids set : field.centroids()) {
          data.writeLong(set.address());
          data.writeLong(set.rows());
        }
      }
      data.writeInt(ResidualFormat.NO_FIELD);
      data.writeLong(directory);
      data.finish();
      CodecUtil.writeFooter(file);
      done = true;
    } finally {
      if (done) {
        IOUtils.close(file, addresses);
      } else {
        IOUtils.closeWhileHandlingException(file, addresses);
      }
    }
  }
}
