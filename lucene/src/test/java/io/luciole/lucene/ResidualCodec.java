package io.luciole.lucene;

import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.DocValuesFormat;
import org.apache.lucene.codecs.lucene104.Lucene104Codec;

/**
 * Lucene's codec with {@link ResidualFormat} for the token vectors, of which a test has few. Apart
 * from the tests, whose classes are loaded with older versions of Lucene, too.
 */
final class ResidualCodec extends Lucene104Codec {
  private final VectorFields fields;
  private final DocValuesFormat rows;

  private ResidualCodec(VectorFields fields, int minRows) {
    this.fields = fields;
    this.rows = new ResidualFormat(fields.multiVectors().orElseThrow().dimension(), minRows);
  }

  @Override
  public DocValuesFormat getDocValuesFormatForField(String field) {
    return field.equals(fields.tokenVectorsField())
        ? rows
        : super.getDocValuesFormatForField(field);
  }

  /** The codec under its superclass, which older versions lack. */
  static Codec of(VectorFields fields, int minRows) {
    return new ResidualCodec(fields, minRows);
  }
}
