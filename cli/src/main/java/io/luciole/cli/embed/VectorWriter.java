package io.luciole.cli.embed;

import io.luciole.Embedding;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes vectors in one format into a folder of its own. After a crash, what {@link #sync} covered
 * is there, and what came later is dropped when the writer is opened again. For one thread.
 */
interface VectorWriter extends Closeable {
  /** Adds a text's vectors. */
  void write(TextItem item, Embedding embedding) throws IOException;

  /** Whether so much waits in memory that {@link #sync} is due. */
  default boolean isFull() {
    return false;
  }

  /**
   * Makes what was written outlast the process and a power cut.
   *
   * @return where the files end, for {@link VectorFormat#open}
   */
  List<Long> sync() throws IOException;

  /**
   * Completes the file, closes it and puts it in its place, from which it replaces another.
   *
   * @param target in the folder's parent
   */
  void finish(Path target) throws IOException;
}
