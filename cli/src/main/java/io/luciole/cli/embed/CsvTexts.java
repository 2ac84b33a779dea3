package io.luciole.cli.embed;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import io.luciole.cli.embed.TextItem.Place;
import io.luciole.internal.LineReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A table whose first row names the columns. Values may be quoted, and a quoted one may span lines
 * (RFC 4180). Without a column of ids, a row's id follows from the number of its first line.
 */
final class CsvTexts implements TextSource {
  private final CsvReader<CsvRecord> reader;
  private final Iterator<CsvRecord> rows;
  private final String name;
  private final LongFunction<TextId> lineIds;
  private final List<String> header;
  private final int idColumn;
  private final int textColumn;
  private final int titleColumn;

  /** The first line of the row that was read last, or 0. */
  private long line;

  /**
   * Reads a stream's header.
   *
   * @param lineIds gives the id of the row that begins in a line
   * @throws IOException if there is no header, or a column that was asked for is not in it
   */
  CsvTexts(
      InputStream in,
      String name,
      InputFormat format,
      TextFields fields,
      LongFunction<TextId> lineIds)
      throws IOException {
    this.name = name;
    this.lineIds = lineIds;
    // A decoder of its own reports what it cannot decode.
    this.reader =
        CsvReader.builder()
            .fieldSeparator(format == InputFormat.TSV ? '\t' : ',')
            .allowExtraFields(true)
            .allowMissingFields(true)
            .maxBufferSize(LineReader.LIMIT)
            .ofCsvRecord(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
    this.rows = reader.iterator();
    CsvRecord first = row();
    if (first == null) {
      throw new IOException(name + ": expected a first row with the columns' names, found nothing");
    }
    this.header = withoutMark(first.getFields());
    if (new HashSet<>(header).size() < header.size()) {
      throw new IOException(name + ": expected a different name for each column, found " + header);
    }
    this.idColumn = idColumn(fields);
    this.textColumn = required(fields.textName(), "--text-field");
    this.titleColumn =
        fields.title() == null
            ? header.indexOf(fields.titleName())
            : required(fields.titleName(), "--title-field");
  }

  private static List<String> withoutMark(List<String> names) {
    String first = names.get(0);
    if (!first.startsWith("\uFEFF")) {
      return names;
    }
    List<String> copy = new ArrayList<>(names);
    copy.set(0, first.substring(1));
    return copy;
  }

  private int idColumn(TextFields fields) throws IOException {
    if (fields.id() != null) {
      return required(fields.id(), "--id-field");
    }
    return fields.ids().stream()
        .mapToInt(header::indexOf)
        .filter(i -> i >= 0)
        .findFirst()
        .orElse(-1);
  }

  private int required(String column, String flag) throws IOException {
    int index = header.indexOf(column);
    if (index < 0) {
      throw new IOException(
          name
              + ": expected a column \""
              + column
              + "\", found "
              + header
              + "; say which with "
              + flag);
    }
    return index;
  }

  @Override
  public @Nullable TextItem next() throws IOException {
    CsvRecord row = row();
    if (row == null) {
      return null;
    }
    Place place = new Place(name, line);
    if (row.getFieldCount() != header.size()) {
      throw new BadTextException(
          place,
          null,
          "expected "
              + header.size()
              + " values, one for each column, found "
              + row.getFieldCount()
              + "; a value with the separator in it is put in quotation marks",
          null);
    }
    TextId id = idColumn < 0 ? lineIds.apply(line) : TextId.of(row.getField(idColumn));
    String title = titleColumn < 0 ? "" : row.getField(titleColumn);
    return new TextItem(place, id, TextFields.joined(title, row.getField(textColumn)));
  }

  private @Nullable CsvRecord row() throws IOException {
    try {
      if (!rows.hasNext()) {
        return null;
      }
      CsvRecord row = rows.next();
      line = row.getStartingLineNumber();
      return row;
    } catch (CsvParseException | UncheckedIOException e) {
      throw unreadable(e);
    }
  }

  /** The reader loses its place in such a table, so nothing behind it can be read. */
  private IOException unreadable(RuntimeException e) {
    Throwable cause = e.getCause();
    String where = line == 0 ? name : new Place(name, line) + " or behind it";
    if (cause instanceof CharacterCodingException) {
      return new IOException(
          where
              + ": expected UTF-8, found other bytes. Convert the file, for instance with: iconv -f"
              + " latin1 -t UTF-8",
          e);
    }
    if (cause instanceof IOException io) {
      return LineTexts.unreadable(name, io);
    }
    String problem = cause == null ? e.getMessage() : cause.getMessage();
    return new IOException(where + ": cannot read the table: " + problem, e);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
