package io.luciole.cli.embed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.Embedding;
import io.luciole.internal.AtomicFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Dense vectors as a NumPy array, and beside it a file of JSON lines whose line <i>n</i> tells of
 * row <i>n</i>:
 *
 * <pre>
 * NAME.npy        "\x93NUMPY" 1 0, header length (2 bytes), header, rows × dimension float32, all
 *                 little-endian, in the order of C; header and what is before it take 128 bytes
 * NAME.ids.jsonl  {"id":ID,"tokens":N,"truncated":true}
 * </pre>
 *
 * <p>The number of rows is in the header, which is written last. The positions are the lengths of
 * both files in bytes.
 */
final class NpyVectors implements VectorWriter {
  /** The bytes before the first row; NumPy aligns them to 64. */
  private static final int HEADER_BYTES = 128;

  /** Magic, version and the header's length. */
  private static final int PRELUDE_BYTES = 10;

  private final Path vectorsPath;
  private final Path idsPath;
  private final AppendFile vectors;
  private final AppendFile ids;
  private final JsonGenerator json;
  private final int dimension;
  private final ByteBuffer row;

  NpyVectors(Path file, VectorLayout layout, List<Long> positions) throws IOException {
    this.vectorsPath = file;
    this.idsPath = idsBeside(file);
    this.dimension = layout.dimension();
    this.row = ByteBuffer.allocate(Float.BYTES * dimension).order(ByteOrder.LITTLE_ENDIAN);
    boolean begins = positions.isEmpty();
    this.vectors = new AppendFile(vectorsPath, begins ? 0 : positions.get(0));
    try {
      this.ids = new AppendFile(idsPath, begins ? 0 : positions.get(1));
    } catch (IOException e) {
      vectors.close();
      throw e;
    }
    if (begins) {
      vectors.stream().write(header(0));
    }
    this.json = new JsonFactory().createGenerator(ids.stream());
    json.setRootValueSeparator(null);
  }

  /** The file of ids beside an array. */
  static Path idsBeside(Path array) {
    String name = array.getFileName().toString();
    String stem = name.endsWith(".npy") ? name.substring(0, name.length() - 4) : name;
    return array.resolveSibling(stem + ".ids.jsonl");
  }

  private byte[] header(long rows) {
    String dictionary =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + rows + ", " + dimension + "), }";
    int length = HEADER_BYTES - PRELUDE_BYTES;
    String padded = dictionary + " ".repeat(length - 1 - dictionary.length()) + '\n';
    return ByteBuffer.allocate(HEADER_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 0x93)
        .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
        .put((byte) 1)
        .put((byte) 0)
        .putShort((short) length)
        .put(padded.getBytes(StandardCharsets.US_ASCII))
        .array();
  }

  @Override
  public void write(TextItem item, Embedding embedding) throws IOException {
    row.clear();
    row.asFloatBuffer().put(embedding.dense());
    vectors.stream().write(row.array());
    json.writeStartObject();
    JsonLines.writeHead(json, item, embedding);
    json.writeEndObject();
    json.writeRaw('\n');
  }

  @Override
  public List<Long> sync() throws IOException {
    json.flush();
    return List.of(vectors.sync(), ids.sync());
  }

  @Override
  public void finish(Path target) throws IOException {
    long bytes = sync().get(0) - HEADER_BYTES;
    close();
    try (FileChannel channel = FileChannel.open(vectorsPath, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(header(bytes / row.capacity())), 0);
      channel.force(true);
    }
    // The array last: where it is, all is.
    AtomicFiles.move(idsPath, idsBeside(target));
    AtomicFiles.move(vectorsPath, target);
  }

  @Override
  public void close() throws IOException {
    try {
      vectors.close();
    } finally {
      ids.close();
    }
  }
}
