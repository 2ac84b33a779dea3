package io.luciole.bench;

import io.luciole.SparseVector;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of {@code bench/corpus/make_passages.py}: passages of real texts with token weights, in
 * the order of their pages, and queries. Numbers in the files are little-endian.
 *
 * <p>Safe for use by several threads, but for {@link #texts}.
 */
final class PassageCorpus implements Closeable {
  private final Path folder;
  private final FileChannel vectors;
  private final long[] offsets;
  private final int size;

  private PassageCorpus(Path folder, FileChannel vectors, long[] offsets, int size) {
    this.folder = folder;
    this.vectors = vectors;
    this.offsets = offsets;
    this.size = size;
  }

  /**
   * Opens a corpus.
   *
   * @param most the passages to use at most; the first
   */
  static PassageCorpus open(Path folder, int most) throws IOException {
    String ready = Files.readString(folder.resolve("READY")).split(" ", 2)[0];
    int size = Math.min(most, Integer.parseInt(ready));
    ByteBuffer read = little(folder.resolve("passages.off"), 8L * (size + 1L));
    long[] offsets = new long[size + 1];
    read.asLongBuffer().get(offsets);
    return new PassageCorpus(
        folder, FileChannel.open(folder.resolve("passages.bin")), offsets, size);
  }

  private static ByteBuffer little(Path file, long bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(file)) {
      fill(channel, buffer, 0);
    }
    return buffer;
  }

  private static void fill(FileChannel channel, ByteBuffer buffer, long from) throws IOException {
    long at = from;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new IOException("expected " + buffer.remaining() + " bytes more at " + at);
      }
      at += read;
    }
    buffer.flip();
  }

  /** How many passages there are. */
  int size() {
    return size;
  }

  /** The weights of a passage, counted from 0 in the order of the pages. */
  SparseVector vector(int passage) throws IOException {
    int length = Math.toIntExact(offsets[passage + 1] - offsets[passage]);
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    fill(vectors, buffer, offsets[passage]);
    return read(buffer);
  }

  private static SparseVector read(ByteBuffer buffer) {
    int[] ids = new int[buffer.getInt()];
    float[] weights = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = buffer.getInt();
    }
    for (int i = 0; i < ids.length; i++) {
      weights[i] = buffer.getFloat();
    }
    return SparseVector.of(ids, weights);
  }

  /** The page of each passage; passages of a page are adjacent, and pages ascend. */
  int[] pages() throws IOException {
    int[] pages = new int[size];
    little(folder.resolve("passages.page"), 4L * size).asIntBuffer().get(pages);
    return pages;
  }

  /**
   * Passages in an order: {@code natural}, which is that of the pages, or {@code random}, which
   * does not depend on the run.
   */
  int[] order(String name) throws IOException {
    int[] order = new int[size];
    if (name.equals("natural")) {
      Arrays.setAll(order, i -> i);
      return order;
    }
    if (!name.equals("random")) {
      throw new IllegalArgumentException("expected natural or random, got " + name);
    }
    Path file = folder.resolve("random.order");
    ByteBuffer all = little(file, Files.size(file));
    int count = 0;
    while (all.hasRemaining() && count < size) {
      int passage = all.getInt();
      if (passage < size) {
        order[count++] = passage;
      }
    }
    if (count < size) {
      throw new IOException(file + " orders " + count + " of " + size + " passages");
    }
    return order;
  }

  /** The texts of the passages, in the order of the pages; to be closed. */
  @SuppressWarnings("StreamResourceLeak") // The caller closes it.
  Stream<String> texts() throws IOException {
    return Files.lines(folder.resolve("passages.txt")).limit(size);
  }

  /** A query, its text and its weights. */
  record Query(String text, SparseVector vector) {}

  /** The first queries. */
  List<Query> queries(int most) throws IOException {
    Path file = folder.resolve("queries.bin");
    ByteBuffer all = little(file, Files.size(file));
    List<Query> queries = new ArrayList<>();
    try (BufferedReader texts = Files.newBufferedReader(folder.resolve("queries.txt"))) {
      while (all.hasRemaining() && queries.size() < most) {
        @Nullable String text = texts.readLine();
        if (text == null) {
          throw new IOException("expected a text for each query of " + file);
        }
        queries.add(new Query(text, read(all)));
      }
    }
    return queries;
  }

  @Override
  public void close() throws IOException {
    vectors.close();
  }
}
