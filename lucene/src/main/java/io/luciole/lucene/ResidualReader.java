package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.codecs.DocValuesProducer;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocValuesSkipper;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SortedDocValues;
import org.apache.lucene.index.SortedNumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/** Reads what {@link ResidualFormat} describes. Keeps addresses on the heap and no vectors. */
final class ResidualReader extends DocValuesProducer {
  private final DocValuesProducer addresses;
  private final IndexInput data;
  private final PageChecks checks;
  private final Map<Integer, ResidualFormat.Field> fields;

  ResidualReader(SegmentReadState state) throws IOException {
    String name =
        IndexFileNames.segmentFileName(
            state.segmentInfo.name, state.segmentSuffix, ResidualFormat.EXTENSION);
    data = state.directory.openInput(name, state.context);
    try {
      CodecUtil.checkIndexHeader(
          data,
          ResidualFormat.CODEC,
          ResidualFormat.VERSION,
          ResidualFormat.VERSION,
          state.segmentInfo.getId(),
          state.segmentSuffix);
      checks = new PageChecks(data, data.getFilePointer());
      CodecUtil.retrieveChecksum(data);
      fields = directory();
      addresses = LuceneFormats.values().fieldsProducer(state);
    } catch (Throwable t) {
      IOUtils.closeWhileHandlingException(data);
      throw t;
    }
  }

  private Map<Integer, ResidualFormat.Field> directory() throws IOException {
    RandomAccessInput pages = data.randomAccessSlice(0, data.length());
    long end = checks.end() - Long.BYTES;
    checks.require(pages, end, Long.BYTES);
    long start = pages.readLong(end);
    checks.require(pages, start, Math.toIntExact(end - start));
    data.seek(start);
    Map<Integer, ResidualFormat.Field> fields = new HashMap<>();
    for (int field = data.readInt(); field != ResidualFormat.NO_FIELD; field = data.readInt()) {
      int dimension = data.readInt();
      int sets = data.readInt();
      List<ResidualFormat.Centroids> centroids = new ArrayList<>();
      for (int s = 0; s < sets; s++) {
        centroids.add(new ResidualFormat.Centroids(data.readLong(), data.readLong()));
      }
      fields.put(field, new ResidualFormat.Field(dimension, List.copyOf(centroids)));
    }
    return fields;
  }

  @Override
  public BinaryDocValues getBinary(FieldInfo field) throws IOException {
    ResidualFormat.Field kept = fields.get(field.number);
    if (kept == null) {
      throw checks.corrupt("expected the field " + field.name + ", found none");
    }
    return new ResidualValues(addresses.getNumeric(field), data.clone(), checks, kept);
  }

  @Override
  public NumericDocValues getNumeric(FieldInfo field) {
    throw ResidualWriter.binaryOnly(field);
  }

  @Override
  public SortedDocValues getSorted(FieldInfo field) {
    throw ResidualWriter.binaryOnly(field);
  }

  @Override
  public SortedNumericDocValues getSortedNumeric(FieldInfo field) {
    throw ResidualWriter.binaryOnly(field);
  }

  @Override
  public SortedSetDocValues getSortedSet(FieldInfo field) {
    throw ResidualWriter.binaryOnly(field);
  }

  @Override
  public @Nullable DocValuesSkipper getSkipper(FieldInfo field) {
    return null;
  }

  @Override
  public void checkIntegrity() throws IOException {
    CodecUtil.checksumEntireFile(data);
    addresses.checkIntegrity();
  }

  @Override
  public void close() throws IOException {
    IOUtils.close(addresses, data);
  }
}
