package io.luciole.cli.embed;

import java.io.Closeable;
import java.io.IOException;

/** Where outcomes go, in the order of the texts. For one thread. */
public interface EmbedOutput extends Closeable {
  /**
   * Counts of the outcomes, those of earlier runs that are kept included.
   *
   * @param texts all texts
   * @param embedded those that were embedded
   * @param tokens their tokens
   * @param truncated those of them that were cut off at the model's limit
   */
  record Counts(long texts, long embedded, long tokens, long truncated) {
    /** {@return the number of texts that could not be read or embedded} */
    public long failed() {
      return texts - embedded;
    }

    /**
     * What has been added since.
     *
     * @param before earlier counts of the same output
     * @return the differences
     */
    public Counts since(Counts before) {
      return new Counts(
          texts - before.texts,
          embedded - before.embedded,
          tokens - before.tokens,
          truncated - before.truncated);
    }
  }

  /**
   * Passes over the texts that are done already.
   *
   * @param source from its first text on
   * @throws IOException if the source cannot be read, or its first texts are not those that are
   *     done
   */
  void skipDone(TextSource source) throws IOException;

  /**
   * Takes an outcome. One that failed goes to the file of errors, if there is one.
   *
   * @param outcome that of the next text
   * @throws IOException if it cannot be written
   */
  void add(Outcome outcome) throws IOException;

  /**
   * Hands on what readers may wait for.
   *
   * @throws IOException if it cannot be written
   */
  void flush() throws IOException;

  /** {@return what has been added} */
  Counts counts();

  /**
   * Completes the output after the last outcome.
   *
   * @throws IOException if it cannot be written
   */
  void finish() throws IOException;

  /** Without {@link #finish}: keeps what a later run can go on with. */
  @Override
  void close() throws IOException;
}
