package io.luciole.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

class LineReaderTest {
  @Test
  void next_blankLinesMarksAndCarriageReturns_numbersStayTheFiles() throws IOException {
    LineReader lines = of("\uFEFFone\n\n  \r\nfour\r\nfive");

    assertThat(lines.next()).isEqualTo("one");
    assertThat(lines.where()).isEqualTo("f, line 1");
    assertThat(lines.next()).isEqualTo("four\r");
    assertThat(lines.where()).isEqualTo("f, line 4");
    assertThat(lines.next()).isEqualTo("five");
    assertThat(lines.where()).isEqualTo("f, line 5");
    assertThat(lines.next()).isNull();
  }

  @Test
  void next_linesOfAllLengths_comeBackWhole() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      expected.add("é".repeat(1 + random.nextInt(i % 10 == 0 ? 200_000 : 300)));
    }
    LineReader lines = of(String.join("\n", expected));

    for (String line : expected) {
      assertThat(lines.next()).as("seed %d", seed).isEqualTo(line);
    }
    assertThat(lines.next()).isNull();
  }

  @Test
  void next_lineWithoutEnd_isRefusedBeforeItFillsTheMemory() {
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 'x';
          }

          @Override
          public int read(byte[] bytes, int offset, int length) {
            java.util.Arrays.fill(bytes, offset, offset + length, (byte) 'x');
            return length;
          }
        };
    InputStream in =
        new SequenceInputStream(new ByteArrayInputStream(new byte[] {'a', '\n'}), endless);
    LineReader lines = new LineReader(in, "f");

    assertThatThrownBy(
            () -> {
              lines.next();
              lines.next();
            })
        .hasMessage(
            "f, line 2: expected a line of at most 64 MiB, found a longer one; is this JSON"
                + " lines?");
  }

  @Test
  void next_linesAtTheLimitAndOneOver_areReadAndRefused() throws IOException {
    // Longer than the reader's buffer, so that lines cross its ends in all ways.
    int limit = 100_000;
    for (int shift : new int[] {0, 1, 65_535, 65_536, 65_537}) {
      String text =
          "a".repeat(shift) + "\n" + "b".repeat(limit) + "\n" + "c".repeat(limit + 1) + "\nd\n";
      LineReader lines = new LineReader(stream(text), "f", limit);

      if (shift > 0) {
        assertThat(lines.next()).hasSize(shift);
      }
      assertThat(lines.next()).isEqualTo("b".repeat(limit));
      assertThatThrownBy(lines::next)
          .isInstanceOf(LineReader.BadLineException.class)
          .hasMessage(
              "f, line 3: expected a line of at most 100000 bytes, found a longer one; is this JSON"
                  + " lines?");
      assertThat(lines.number()).isEqualTo(3);
      assertThat(lines.next()).isEqualTo("d");
      assertThat(lines.number()).isEqualTo(4);
      assertThat(lines.next()).isNull();
      assertThat(lines.bytesRead()).isEqualTo(text.length());
    }
  }

  @Test
  void next_longLineAtTheEnd_isRefusedOnce() throws IOException {
    for (String end : new String[] {"", "\n"}) {
      LineReader lines = new LineReader(stream("a\nbbbbb" + end), "f", 4);

      assertThat(lines.next()).isEqualTo("a");
      assertThatThrownBy(lines::next).hasMessageContaining("f, line 2: expected a line of at most");
      assertThat(lines.next()).isNull();
      assertThat(lines.number()).isEqualTo(2);
    }
  }

  @Test
  void next_invalidUtf8_saysWhereAndGoesOn() throws IOException {
    byte[] bytes = "one\nab?d\nthree".getBytes(StandardCharsets.US_ASCII);
    bytes[6] = (byte) 0xE9;
    LineReader lines = new LineReader(new ByteArrayInputStream(bytes), "f");

    assertThat(lines.next()).isEqualTo("one");
    assertThatThrownBy(lines::next)
        .isInstanceOf(LineReader.BadLineException.class)
        .hasMessage(
            "f, line 2: expected UTF-8, found other bytes from byte 3 of the line on. Convert the"
                + " file, for instance with: iconv -f latin1 -t utf-8");
    assertThat(lines.next()).isEqualTo("three");
  }

  @Test
  void next_gzipAndUtf16_areNamed() throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write("one\ntwo\n".getBytes(StandardCharsets.US_ASCII));
    }
    assertThatThrownBy(new LineReader(new ByteArrayInputStream(packed.toByteArray()), "f")::next)
        .hasMessageContaining("gunzip");
    byte[] wide = "one\n".getBytes(StandardCharsets.UTF_16);
    assertThatThrownBy(new LineReader(new ByteArrayInputStream(wide), "f")::next)
        .hasMessageContaining("iconv -f utf-16");
  }

  @Test
  void nextBytes_blankLinesAndBadBytes_comeAsTheyAre() throws IOException {
    byte[] bytes = {
      (byte) 0xEF, (byte) 0xBB, (byte) 0xBF, '\n', '\n', (byte) 0xFF, '\r', '\n', ' '
    };
    LineReader lines = new LineReader(new ByteArrayInputStream(bytes), "f");

    assertThat(lines.nextBytes()).containsExactly(0xEF, 0xBB, 0xBF);
    assertThat(lines.nextBytes()).isEmpty();
    assertThat(lines.nextBytes()).containsExactly(0xFF, '\r');
    assertThat(lines.nextBytes()).containsExactly(' ');
    assertThat(lines.nextBytes()).isNull();
    assertThat(lines.number()).isEqualTo(4);
  }

  @Test
  void next_byteOrderMarkBehindTheFirstLine_isPartOfTheText() throws IOException {
    LineReader lines = of("\n\uFEFFtwo");

    assertThat(lines.next()).isEqualTo("\uFEFFtwo");
  }

  private static LineReader of(String text) {
    return new LineReader(stream(text), "f");
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }
}
