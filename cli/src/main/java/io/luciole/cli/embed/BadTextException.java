package io.luciole.cli.embed;

import io.luciole.cli.embed.TextItem.Place;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** One text of an input cannot be read; those behind it can. */
public final class BadTextException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Place place;
  private final transient @Nullable TextId id;
  private final String problem;

  /**
   * Creates an exception.
   *
   * @param id the text's id, if it was read
   * @param problem what was expected, what was found
   */
  BadTextException(Place place, @Nullable TextId id, String problem, @Nullable Throwable cause) {
    super(place + ": " + problem, cause);
    this.place = place;
    this.id = id;
    this.problem = problem;
  }

  /** Where it stands. */
  Place place() {
    return place;
  }

  /** Its id, or null if that could not be read. */
  @Nullable TextId id() {
    return id;
  }

  /** The message without the place. */
  String problem() {
    return problem;
  }
}
