package io.luciole.cli.embed;

import io.luciole.cli.embed.TextItem.Place;
import io.luciole.internal.LineReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** One text a line, and the ids follow from the lines' numbers. Blank lines are passed over. */
final class LineTexts implements TextSource {
  private final LineReader lines;
  private final String name;
  private final LongFunction<TextId> lineIds;

  /**
   * Reads a stream.
   *
   * @param lineIds gives the id of the text in a line
   */
  LineTexts(InputStream in, String name, LongFunction<TextId> lineIds) {
    this.lines = new LineReader(in, name);
    this.name = name;
    this.lineIds = lineIds;
  }

  @Override
  public @Nullable TextItem next() throws IOException {
    String line = nextLine(lines, name);
    if (line == null) {
      return null;
    }
    String text = line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
    return new TextItem(new Place(name, lines.number()), lineIds.apply(lines.number()), text);
  }

  /** The next line that is not blank. */
  static @Nullable String nextLine(LineReader lines, String name) throws IOException {
    try {
      return lines.next();
    } catch (LineReader.BadLineException e) {
      Place place = new Place(name, lines.number());
      throw new BadTextException(place, null, withoutPlace(e.getMessage(), place), e);
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  private static String withoutPlace(String message, Place place) {
    String start = place + ": ";
    return message.startsWith(start) ? message.substring(start.length()) : message;
  }

  /** A failure of the stream itself, with its name. */
  static IOException unreadable(String name, IOException e) {
    String message = e.getMessage();
    if (e instanceof EOFException) {
      message = "expected a whole file of gzip, found one that ends too early. Was it cut off?";
    }
    return new IOException(
        "Cannot read " + name + ": " + (message == null ? e.getClass().getSimpleName() : message),
        e);
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
