package io.luciole.cli.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextInputsTest {
  @TempDir private Path folder;

  @Test
  void json_beirsFields_titleGoesBeforeTheText() throws IOException {
    write(
        "corpus.jsonl",
        """
        {"_id": "d1", "title": "Fireflies", "text": "They glow.", "metadata": {"a": [1]}}
        {"_id": "d2", "title": "", "text": "Moths do not."}
        {"_id": "d3", "title": null, "text": "Ants dig.", "id": 7}
        """);

    assertThat(read(null, TextFields.USUAL, "corpus.jsonl"))
        .containsExactly("\"d1\"=Fireflies They glow.", "\"d2\"=Moths do not.", "\"d3\"=Ants dig.");
  }

  @Test
  void json_namedFields_areTaken() throws IOException {
    write(
        "own.jsonl", "{\"key\": 1, \"body\": \"a\", \"head\": \"b\", \"id\": {}, \"text\": []}\n");

    assertThat(read(null, new TextFields("key", "body", "head"), "own.jsonl"))
        .containsExactly("1=b a");
  }

  @Test
  void lines_haveTheirNumbersAsIds() throws IOException {
    write("texts.txt", "\uFEFFfirst\r\n\n  \n{\"not\": \"read\"}\nlast");

    assertThat(read(InputFormat.LINES, TextFields.USUAL, "texts.txt"))
        .containsExactly("1=first", "4={\"not\": \"read\"}", "5=last");
  }

  @Test
  void csv_quotedValues_mayHoldSeparatorsQuotesAndLines() throws IOException {
    write(
        "table.csv",
        "\uFEFFid,lang,text\r\n7,en,\"a, \"\"b\"\"\r\nc\"\r\nx y,en,\r\n\r\n9,en,last\r\n");

    assertThat(read(null, TextFields.USUAL, "table.csv"))
        .containsExactly("\"7\"=a, \"b\"\r\nc", "\"x y\"=", "\"9\"=last");
  }

  @Test
  void tsv_withoutIds_hasLinesAsIds() throws IOException {
    write("table.tsv", "body\ttitle\none, two\tT\n\"three\n3\"\t\nfour\t\n");

    assertThat(read(null, new TextFields(null, "body", null), "table.tsv"))
        .containsExactly("2=T one, two", "3=three\n3", "5=four");
  }

  @Test
  void csv_rowOfOtherLength_isTheOnlyOneLost() throws IOException {
    write("table.csv", "id,text\n1,a\n2,b,c\n3\n4,d\n");

    assertThat(read(null, TextFields.USUAL, "table.csv"))
        .containsExactly(
            "\"1\"=a",
            "! line 3: expected 2 values, one for each column, found 3; a value with the"
                + " separator in it is put in quotation marks",
            "! line 4: expected 2 values, one for each column, found 1; a value with the"
                + " separator in it is put in quotation marks",
            "\"4\"=d");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          id,body\\n1,a        | expected a column "text", found [id, body]; say which with --text-field
          id,id,text\\n1,2,a   | expected a different name for each column, found [id, id, text]
          ``                   | expected a first row with the columns' names, found nothing
          """)
  void csv_unfitHeader_isRefused(String content, String message) throws IOException {
    write("table.csv", content.replace("\\n", "\n"));

    assertThatThrownBy(() -> read(null, TextFields.USUAL, "table.csv"))
        .isInstanceOf(IOException.class)
        .hasMessage(folder.resolve("table.csv") + ": " + message);
  }

  @Test
  void csv_notUtf8_saysWhere() throws IOException {
    Files.write(
        folder.resolve("table.csv"), "id,text\n1,é\n".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> read(null, TextFields.USUAL, "table.csv"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("table.csv")
        .hasMessageContaining("expected UTF-8, found other bytes");
  }

  @Test
  void gzip_isKnownByItsContent() throws IOException {
    Files.write(
        folder.resolve("texts.jsonl"),
        gzip("{\"id\": 1, \"text\": \"a\"}\n", "{\"id\": 2, \"text\": \"b\"}\n"));
    Files.write(folder.resolve("table.csv.gz"), gzip("id,text\n3,c\n"));

    assertThat(read(null, TextFields.USUAL, "texts.jsonl", "table.csv.gz"))
        .containsExactly("1=a", "2=b", "\"3\"=c");
  }

  @Test
  void gzip_cutOff_namesTheFile() throws IOException {
    byte[] whole = gzip("{\"id\": 1, \"text\": \"a\"}\n".repeat(1000));
    for (int length : new int[] {4, whole.length - 20, whole.length - 1}) {
      Files.write(folder.resolve("texts.jsonl.gz"), Arrays.copyOf(whole, length));

      assertThatThrownBy(() -> read(null, TextFields.USUAL, "texts.jsonl.gz"))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "Cannot read "
                  + folder.resolve("texts.jsonl.gz")
                  + ": expected a whole file of gzip, found one that ends too early. Was it cut"
                  + " off?");
    }
  }

  @Test
  void gzip_thatIsDamaged_isToldForATable_too() throws IOException {
    byte[] whole = gzip("id,text\n" + "1,a\n".repeat(10_000));
    Files.write(folder.resolve("cut.csv.gz"), Arrays.copyOf(whole, whole.length - 1));
    Files.write(folder.resolve("more.csv.gz"), Arrays.copyOf(whole, whole.length + 30));

    assertThatThrownBy(() -> read(null, TextFields.USUAL, "cut.csv.gz"))
        .hasMessage(
            "Cannot read "
                + folder.resolve("cut.csv.gz")
                + ": expected a whole file of gzip, found one that ends too early. Was it cut off?");
    assertThatThrownBy(() -> read(null, TextFields.USUAL, "more.csv.gz"))
        .hasMessageStartingWith("Cannot read " + folder.resolve("more.csv.gz") + ": ");
  }

  /** Bytes of a pipe come in pieces, and between two of them none is there. */
  @Test
  void gzip_severalMembersFromAPipe_areAllRead() throws IOException {
    byte[] whole = gzip("{\"id\": 1, \"text\": \"a\"}\n", "{\"id\": 2, \"text\": \"b\"}\n");
    InputStream pipe =
        new ByteArrayInputStream(whole) {
          @Override
          public synchronized int read(byte[] bytes, int offset, int length) {
            return super.read(bytes, offset, Math.min(length, 5));
          }

          @Override
          public synchronized int available() {
            return 0;
          }
        };

    try (TextInputs inputs = TextInputs.open(List.of("-"), null, TextFields.USUAL, pipe)) {
      assertThat(inputs.next()).isNotNull().extracting(TextItem::text).isEqualTo("a");
      assertThat(inputs.next()).isNotNull().extracting(TextItem::text).isEqualTo("b");
      assertThat(inputs.next()).isNull();
    }
  }

  @Test
  void gzip_somethingElseBehindIt_namesTheFile() throws IOException {
    byte[] whole = gzip("{\"id\": 1, \"text\": \"a\"}\n");
    byte[] more = Arrays.copyOf(whole, whole.length + 30);
    Arrays.fill(more, whole.length, more.length, (byte) 'x');
    Files.write(folder.resolve("texts.jsonl.gz"), more);

    assertThatThrownBy(() -> read(null, TextFields.USUAL, "texts.jsonl.gz"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("Cannot read " + folder.resolve("texts.jsonl.gz") + ": ");
  }

  @Test
  void severalFilesAndPatterns_comeInOrder() throws IOException {
    write("b2.txt", "three\n");
    write("b1.txt", "one\ntwo\n");
    write("a.txt", "zero\n");
    write("c.md", "other\n");

    assertThat(read(InputFormat.LINES, TextFields.USUAL, "a.txt", "b*.txt"))
        .containsExactly(
            '"' + folder.resolve("a.txt").toString() + ":1\"=zero",
            '"' + folder.resolve("b1.txt").toString() + ":1\"=one",
            '"' + folder.resolve("b1.txt").toString() + ":2\"=two",
            '"' + folder.resolve("b2.txt").toString() + ":1\"=three");
  }

  @Test
  void pattern_thatFitsNoFile_isRefused() {
    assertThatThrownBy(() -> read(null, TextFields.USUAL, "*.jsonl"))
        .isInstanceOf(IOException.class)
        .hasMessage("No file fits " + folder.resolve("*.jsonl"));
  }

  @Test
  void file_whoseNameIsLikeAPattern_isRead() throws IOException {
    write("a[1].txt", "one\n");

    assertThat(read(InputFormat.LINES, TextFields.USUAL, "a[1].txt")).containsExactly("1=one");
  }

  /** A sender that waits for the answer to a line of two bytes must get it. */
  @Test
  void standardInput_shortLine_isReadBeforeTheNext() throws IOException {
    InputStream in =
        new InputStream() {
          private int line;

          @Override
          public int read() {
            throw new UnsupportedOperationException();
          }

          @Override
          public int read(byte[] bytes, int offset, int length) {
            assertThat(line).as("lines read ahead").isLessThan(1);
            bytes[offset] = 'a';
            bytes[offset + 1] = '\n';
            line++;
            return 2;
          }
        };
    try (TextInputs inputs =
        TextInputs.open(List.of("-"), InputFormat.LINES, TextFields.USUAL, in)) {
      assertThat(inputs.next())
          .isEqualTo(new TextItem(new TextItem.Place("standard input", 1), TextId.of(1), "a"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "UTF-16LE, true, UTF-16",
    "UTF-16BE, true, UTF-16",
    "UTF-32LE, true, UTF-32",
    "UTF-32BE, true, UTF-32",
    "UTF-16LE, false, UTF-16LE",
    "UTF-16BE, false, UTF-16BE",
    "UTF-32LE, false, UTF-32LE",
    "UTF-32BE, false, UTF-32BE"
  })
  void otherEncoding_isNamedWithTheWayToConvertIt(String charset, boolean marked, String named)
      throws IOException {
    String text = (marked ? "\uFEFF" : "") + "{\"id\": 1, \"text\": \"a\"}\n";
    Path file = folder.resolve("texts.jsonl");
    Files.write(file, text.getBytes(Charset.forName(charset)));

    assertThatThrownBy(() -> read(null, TextFields.USUAL, "texts.jsonl"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            file
                + ": expected text in UTF-8, found "
                + named
                + ". Convert it first, for instance with: iconv -f "
                + named
                + " -t UTF-8 FILE");
  }

  @ParameterizedTest
  @CsvSource({"PAR1, Parquet", "'PK\u0003\u0004', ZIP", "BZh91AY, compressed"})
  void otherFile_isNamed(String start, String named) throws IOException {
    write("texts.jsonl", start);

    assertThatThrownBy(() -> read(null, TextFields.USUAL, "texts.jsonl"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(folder.resolve("texts.jsonl") + ": expected text in UTF-8, found ")
        .hasMessageContaining(named);
  }

  /** Each input with the form it fails in; whatever it is, its place is told. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"id": 2, "text": "b"            | not JSON: it ends before its last bracket or quotation mark is closed (column
          {"id": 2, "text": "b             | not JSON: it ends before its last bracket or quotation mark is closed (column
          {"id": 2, "text": "b", "text": "c"} | not JSON: the field "text" stands twice in one object (column
          {"id": 2, "id": 3, "text": "b"}  | not JSON: the field "id" stands twice in one object (column
          {"id": "\\ud83d", "text": "b"}   | expected whole characters for "id", found half a surrogate pair
          {"id": 2, "text": "b"]           | not JSON: Unexpected close marker ']': expected '}' (column
          {"id": 2, /* b */ "text": "b"}   | not JSON: Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (column
          {"id": 2, "text": b}             | not JSON: Unrecognized token 'b'
          {"id": 2}                        | expected the field "text", found none
          {"text": "b"}                    | expected the field "_id" or "id", found none
          {"id": null, "text": "b"}        | expected a string or a number for "id", found null
          {"id": 2, "text": 7}             | expected a string for "text", found a number
          {"id": 2, "text": null}          | expected a string for "text", found null
          {"id": 2, "title": 1, "text": ""} | expected a string for "title", found a number
          ["id", 2]                        | expected an object such as {"id": "1", "text": "…"}, found an array
          {"id": 2, "text": "b"} {"id": 3} | expected one object a line, found more after it
          {"id": 2, "text": "\\ud83"}      | not JSON:
          {"id": 2, "text": "b", "n": NaN} | not JSON: Non-standard token 'NaN' (column
          DIGITS                           | not JSON: Number value length (1100) exceeds the maximum allowed (1000)
          NESTED                           | not JSON: Document nesting depth (1001) exceeds the maximum allowed (1000)
          KEY                              | not JSON: Name length (60000) exceeds the maximum allowed (50000)
          """)
  void json_badLine_isNamedAndTheNextIsRead(String line, String message) throws IOException {
    String bad =
        switch (line) {
          case "DIGITS" -> "{\"id\":2,\"text\":\"b\",\"x\":" + "1".repeat(1100) + "}";
          case "NESTED" -> "{\"id\":2,\"x\":" + "[".repeat(1100) + "]".repeat(1100) + "}";
          case "KEY" -> "{\"" + "k".repeat(60_000) + "\":1}";
          default -> line;
        };
    write("texts.jsonl", "{\"id\":1,\"text\":\"a\"}\n" + bad + "\n{\"id\":3,\"text\":\"c\"}\n");

    List<String> read = read(null, TextFields.USUAL, "texts.jsonl");

    assertThat(read).hasSize(3).startsWith("1=a").endsWith("3=c");
    assertThat(read.get(1))
        .startsWith("! line 2: " + message)
        .doesNotContain("Source", "Feature", "enable", "Constraints");
  }

  /** As the tokenizers take it: they put U+FFFD in its place. */
  @Test
  void json_halfASurrogatePairInAText_isRead() throws IOException {
    write("texts.jsonl", "{\"id\":1,\"text\":\"a\\ud83d\"}\n");

    assertThat(read(null, TextFields.USUAL, "texts.jsonl")).containsExactly("1=a\ud83d");
  }

  @Test
  void idTwice_isRead() throws IOException {
    write("texts.jsonl", "{\"id\":1,\"text\":\"a\"}\n{\"id\":1,\"text\":\"b\"}\n");

    assertThat(read(null, TextFields.USUAL, "texts.jsonl")).containsExactly("1=a", "1=b");
  }

  @Test
  void json_textOverTwentyMegabytes_isRead() throws IOException {
    String text = "x".repeat(20_000_100);
    write("texts.jsonl", "{\"id\":1,\"text\":\"" + text + "\"}\n");

    assertThat(read(null, TextFields.USUAL, "texts.jsonl")).containsExactly("1=" + text);
  }

  /** Each text as {@code ID=TEXT}, each that cannot be read as {@code ! line N: PROBLEM}. */
  private List<String> read(@Nullable InputFormat format, TextFields fields, String... names)
      throws IOException {
    List<String> all = new ArrayList<>();
    List<String> paths =
        Arrays.stream(names).map(name -> folder + java.io.File.separator + name).toList();
    try (TextInputs inputs =
        TextInputs.open(paths, format, fields, new ByteArrayInputStream(new byte[0]))) {
      while (true) {
        try {
          TextItem item = inputs.next();
          if (item == null) {
            return all;
          }
          all.add(item.id().json() + "=" + item.text());
        } catch (BadTextException e) {
          all.add("! line " + e.place().line() + ": " + e.problem());
        }
      }
    }
  }

  private static byte[] gzip(String... members) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (String member : members) {
      try (OutputStream out = new GZIPOutputStream(bytes)) {
        out.write(member.getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toByteArray();
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(folder.resolve(name), content);
  }
}
