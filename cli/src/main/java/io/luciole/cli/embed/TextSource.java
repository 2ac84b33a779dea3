package io.luciole.cli.embed;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Texts in their order, read one at a time. For one thread. */
public interface TextSource extends Closeable {
  /**
   * Reads the next text.
   *
   * @return the text, or null after the last
   * @throws BadTextException if what stands there is no text; the next call goes on behind it
   * @throws IOException if the source cannot be read further; the message names it
   */
  @Nullable TextItem next() throws IOException;
}
