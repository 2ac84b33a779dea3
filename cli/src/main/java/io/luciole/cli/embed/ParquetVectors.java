package io.luciole.cli.embed;

import io.luciole.Embedding;
import io.luciole.internal.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.schema.MessageType;
import org.jspecify.annotations.Nullable;

/**
 * A Parquet file with the columns of {@link ParquetColumns}, uncompressed since vectors hardly
 * compress. A Parquet file can be read only when its end is written, so each {@link #sync} ends a
 * file, a part, and {@link #finish} joins the parts as they are, each a row group. The position is
 * the number of parts.
 */
final class ParquetVectors implements VectorWriter {
  /** The bytes of a part in memory at which it is ended. */
  private static final long PART_BYTES = 32L << 20;

  /** More than a part has, so that each is one row group. */
  private static final long ROW_GROUP_BYTES = 8 * PART_BYTES;

  private final Path folder;
  private final VectorLayout layout;
  private final MessageType schema;
  private @Nullable ParquetWriter<ParquetColumns.Row> part;
  private int parts;

  ParquetVectors(Path folder, VectorLayout layout, List<Long> positions) throws IOException {
    this.folder = folder;
    this.layout = layout;
    this.schema = ParquetColumns.schema(layout);
    this.parts = positions.isEmpty() ? 0 : Math.toIntExact(positions.get(0));
    for (int i = 0; i < parts; i++) {
      if (!Files.exists(part(i))) {
        throw new IOException("Expected " + part(i) + " of earlier work, found none");
      }
    }
  }

  private Path part(int number) {
    return folder.resolve(String.format(Locale.ROOT, "part-%05d.parquet", number));
  }

  @Override
  public void write(TextItem item, Embedding embedding) throws IOException {
    ParquetWriter<ParquetColumns.Row> to = part == null ? begin() : part;
    to.write(new ParquetColumns.Row(item, embedding));
  }

  private ParquetWriter<ParquetColumns.Row> begin() throws IOException {
    ParquetWriter<ParquetColumns.Row> begun =
        new Builder(new LocalOutputFile(part(parts)), layout)
            .withConf(new PlainParquetConfiguration())
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .withCompressionCodec(CompressionCodecName.UNCOMPRESSED)
            .withDictionaryEncoding(false)
            .withRowGroupSize(ROW_GROUP_BYTES)
            .build();
    part = begun;
    return begun;
  }

  @Override
  public boolean isFull() {
    return part != null && part.getDataSize() >= PART_BYTES;
  }

  @Override
  public List<Long> sync() throws IOException {
    if (part != null) {
      close();
      AtomicFiles.force(part(parts));
      parts++;
    }
    return List.of((long) parts);
  }

  @Override
  public void finish(Path target) throws IOException {
    sync();
    Path whole = folder.resolve("whole.parquet");
    ParquetFileWriter writer =
        new ParquetFileWriter(
            new LocalOutputFile(whole),
            schema,
            ParquetFileWriter.Mode.OVERWRITE,
            ROW_GROUP_BYTES,
            0,
            null,
            ParquetProperties.builder().build());
    writer.start();
    for (int i = 0; i < parts; i++) {
      writer.appendFile(new LocalInputFile(part(i)));
    }
    writer.end(layout.about());
    AtomicFiles.publish(whole, target);
  }

  @Override
  public void close() throws IOException {
    ParquetWriter<ParquetColumns.Row> open = part;
    part = null;
    if (open != null) {
      open.close();
    }
  }

  /** Makes the writer of a part. */
  private static final class Builder extends ParquetWriter.Builder<ParquetColumns.Row, Builder> {
    private final VectorLayout layout;

    Builder(OutputFile file, VectorLayout layout) {
      super(file);
      this.layout = layout;
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<ParquetColumns.Row> getWriteSupport(ParquetConfiguration conf) {
      return new ParquetColumns(layout);
    }

    @Override
    @SuppressWarnings("deprecation") // The library has it abstract still.
    protected WriteSupport<ParquetColumns.Row> getWriteSupport(
        org.apache.hadoop.conf.Configuration conf) {
      throw new UnsupportedOperationException("Hadoop's configuration is not used");
    }
  }
}
