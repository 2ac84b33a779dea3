package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NumberedLinesTest {
  @Test
  void next_blankLinesMarksAndCarriageReturns_numbersStayTheFiles() throws IOException {
    NumberedLines lines = of("\uFEFFone\n\n  \r\nfour\r\nfive");

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
    NumberedLines lines = of(String.join("\n", expected));

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
    NumberedLines lines = new NumberedLines(in, "f");

    assertThatThrownBy(
            () -> {
              lines.next();
              lines.next();
            })
        .hasMessageStartingWith("f, line 2: expected a line of at most 64 MiB");
  }

  private static NumberedLines of(String text) {
    return new NumberedLines(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), "f");
  }
}
