package io.luciole.cli.embed;

import io.luciole.Embedding;
import io.luciole.cli.embed.TextItem.Place;
import org.jspecify.annotations.Nullable;

/** What became of one text. */
public sealed interface Outcome {
  /** {@return where the text stands} */
  Place place();

  /**
   * It was embedded.
   *
   * @param item the text
   * @param embedding its vectors
   */
  record Embedded(TextItem item, Embedding embedding) implements Outcome {
    @Override
    public Place place() {
      return item.place();
    }
  }

  /**
   * It could not be read or embedded.
   *
   * @param place where it stands
   * @param item the text, or null if it could not be read
   * @param id its id, or null if that could not be read
   * @param cause why
   */
  record Failed(Place place, @Nullable TextItem item, @Nullable TextId id, Throwable cause)
      implements Outcome {
    /** {@return why, without the place} */
    public String problem() {
      return cause instanceof BadTextException bad
          ? bad.problem()
          : String.valueOf(cause.getMessage());
    }
  }
}
