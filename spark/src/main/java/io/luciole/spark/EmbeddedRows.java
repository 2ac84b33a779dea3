package io.luciole.spark;

import io.luciole.DeviceLostException;
import io.luciole.EmbedOptions;
import io.luciole.Embedded;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Lane;
import io.luciole.LucioleException;
import io.luciole.NotFiniteException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.TextTooLongException;
import io.luciole.internal.EnumNames;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a partition with their embeddings, in order, as far ahead of the reader as the engine
 * has texts in progress. A text that fails becomes a row with {@code error}; what is no fault of a
 * text, such as a lost device, too little memory or a task that is killed, is thrown, so that Spark
 * repeats the task. A task first waits for a device, if all of the engine's are lost ({@link
 * LostDevices}). Not for use by several threads.
 */
final class EmbeddedRows implements Iterator<Row> {
  /**
   * How many texts in a row a backend may fail on. Beyond, the backend is taken to be at fault
   * rather than the texts.
   */
  static final int MAX_BACKEND_FAILURES = 16;

  /** A row without a text. */
  private static final class MissingTextException extends LucioleException {
    private static final long serialVersionUID = 1L;

    MissingTextException(String column) {
      super("expected a text in the column " + column + ", found null");
    }
  }

  private final Iterator<Row> source;
  private final List<String> vectors;
  private final Iterator<Embedded<Row>> embedded;

  /** Rows that were read and not given back yet, in order. */
  private final ArrayDeque<Row> pending = new ArrayDeque<>();

  private int backendFailures;

  private EmbeddedRows(
      Iterator<Row> source, EmbeddingSpec spec, List<String> vectors, RowEmbedder embedder) {
    this.source = source;
    this.vectors = vectors;
    this.embedded = embedder.embed(rows(), row -> text(row, spec));
  }

  /** Embeds rows of an engine's choice. */
  @FunctionalInterface
  interface RowEmbedder {
    /** As {@code EmbeddingEngine.embedAll}. */
    Iterator<Embedded<Row>> embed(Iterator<Row> rows, Function<Row, String> toText);
  }

  /**
   * Embeds rows with the engine of this thread's task.
   *
   * @throws DeviceLostException if no device of the engine works, even after {@link
   *     LostDevices#LIMIT}
   */
  static EmbeddedRows of(Iterator<Row> rows, EmbeddingSpec spec, List<String> vectors) {
    Set<Output> outputs = EnumSet.noneOf(Output.class);
    vectors.forEach(name -> outputs.add(EnumNames.parse(Output.values(), Output::id, name)));
    EmbedOptions options =
        (Role.valueOf(spec.role()) == Role.QUERY ? EmbedOptions.query() : EmbedOptions.passage())
            .outputs(outputs)
            .lane(Lane.BULK);
    EmbeddingEngine engine = ExecutorEngines.get(spec.settings());
    TaskContext task = TaskContext.get();
    LostDevices.await(
        engine::health, () -> task != null && task.isInterrupted(), LostDevices.LIMIT);
    return of(rows, spec, vectors, (all, toText) -> engine.embedAll(all, toText, options));
  }

  /** As the other, with something else that embeds. */
  static EmbeddedRows of(
      Iterator<Row> rows, EmbeddingSpec spec, List<String> vectors, RowEmbedder embedder) {
    return new EmbeddedRows(rows, spec, vectors, embedder);
  }

  private Iterator<Row> rows() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return source.hasNext();
      }

      @Override
      public Row next() {
        Row row = source.next();
        pending.add(row);
        return row;
      }
    };
  }

  /** What is embedded, as {@code SourceDocument.content} has it for an index. */
  private static String text(Row row, EmbeddingSpec spec) {
    String text = row.getAs(spec.text());
    if (text == null) {
      throw new MissingTextException(spec.text());
    }
    @Nullable String title = spec.title() == null ? null : row.getAs(spec.title());
    return title == null || title.isEmpty() ? text : text.isEmpty() ? title : title + " " + text;
  }

  @Override
  public boolean hasNext() {
    return embedded.hasNext();
  }

  @Override
  public Row next() {
    try {
      Embedding embedding = embedded.next().embedding();
      backendFailures = 0;
      return EmbeddingValues.row(pending.remove(), vectors, embedding);
    } catch (DeviceLostException | BackendOutOfMemoryException e) {
      // No fault of the text.
      throw e;
    } catch (BackendException e) {
      if (++backendFailures > MAX_BACKEND_FAILURES) {
        throw new LucioleException(
            "The backend failed on more than "
                + MAX_BACKEND_FAILURES
                + " texts in a row, so that the texts are not taken to be at fault; at last: "
                + e.getMessage(),
            e);
      }
      return failed(e);
    } catch (TextTooLongException | NotFiniteException | MissingTextException e) {
      return failed(e);
    }
  }

  private Row failed(LucioleException e) {
    String message = e.getMessage();
    return EmbeddingValues.failed(
        pending.remove(), vectors, message == null ? e.toString() : message);
  }
}
