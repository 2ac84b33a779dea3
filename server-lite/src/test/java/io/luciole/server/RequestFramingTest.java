package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests are cut where RFC 9112 says, however their bytes arrive. */
class RequestFramingTest {
  private static final String HEAD = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Everything that is handed on of bytes that have arrived. */
  private static String take(RequestFraming framing) {
    StringBuilder taken = new StringBuilder();
    for (byte[] next = framing.next(); next != null; next = framing.next()) {
      taken.append(new String(next, StandardCharsets.ISO_8859_1));
    }
    return taken.toString();
  }

  /** The data of chunks as they are handed on, and whether the last one was. */
  private static String unchunked(String chunks) {
    StringBuilder data = new StringBuilder();
    int at = 0;
    while (at < chunks.length()) {
      int line = chunks.indexOf("\r\n", at);
      int size = Integer.parseInt(chunks.substring(at, line), 16);
      data.append(chunks, line + 2, line + 2 + size);
      at = line + 2 + size + 2;
    }
    return data.toString();
  }

  @Test
  void headIsHandedOnAlone_thenItsBody_thenTheNextHead() {
    RequestFraming framing = new RequestFraming();
    framing.add(bytes(HEAD + "abc" + HEAD));
    assertThat(new String(framing.next(), StandardCharsets.ISO_8859_1)).isEqualTo(HEAD);
    framing.length(3);
    assertThat(framing.isHead()).isFalse();
    assertThat(new String(framing.next(), StandardCharsets.ISO_8859_1)).isEqualTo("abc");
    assertThat(framing.isHead()).isTrue();
    assertThat(take(framing)).isEqualTo(HEAD);
  }

  @Test
  void bodyWithoutBytes_isFollowedByTheNextHead() {
    RequestFraming framing = new RequestFraming();
    framing.length(0);
    framing.add(bytes(HEAD));
    assertThat(take(framing)).isEqualTo(HEAD);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "3;name=value\r\nabc\r\n2 ; q=\"a b\"\r\nde\r\n0;last\r\n\r\n",
        "0003\r\nabc\r\n2\r\nde\r\n000\r\nTrailer: 1\r\nOther: 2\r\n\r\n",
        "5\r\nabcde\r\n0\r\n\r\n"
      })
  void chunkedBody_isTheSameHoweverItArrives(String body) {
    Random random = new Random(42);
    for (int round = 0; round < 50; round++) {
      RequestFraming framing = new RequestFraming();
      framing.chunked();
      List<byte[]> pieces = cut(body + HEAD, random);
      StringBuilder chunks = new StringBuilder();
      StringBuilder after = new StringBuilder();
      for (byte[] piece : pieces) {
        framing.add(piece);
        for (boolean head = framing.isHead(); ; head = framing.isHead()) {
          byte[] next = framing.next();
          if (next == null) {
            break;
          }
          (head ? after : chunks).append(new String(next, StandardCharsets.ISO_8859_1));
        }
      }
      assertThat(unchunked(chunks.toString())).isEqualTo("abcde");
      assertThat(chunks.toString()).endsWith("0\r\n\r\n");
      assertThat(after.toString()).isEqualTo(HEAD);
    }
  }

  private static List<byte[]> cut(String text, Random random) {
    List<byte[]> pieces = new ArrayList<>();
    for (int at = 0; at < text.length(); ) {
      int end = Math.min(text.length(), at + 1 + random.nextInt(7));
      pieces.add(bytes(text.substring(at, end)));
      at = end;
    }
    return pieces;
  }

  @Test
  void chunkOfAPetabyte_isHandedOnAsItArrives() {
    RequestFraming framing = new RequestFraming();
    framing.chunked();
    framing.add(bytes("fffffffffffffff\r\nabc"));
    assertThat(take(framing)).isEqualTo("3\r\nabc\r\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "0x3\r\n",
        "ffffffffffffffff\r\n",
        "3\nabc",
        "3\r\nabcXX",
        "3\r\nabc\r\r",
        "3\r\nabc\n",
        ";a=b\r\n"
      })
  void whatIsNoChunk_isRefused(String body) {
    RequestFraming framing = new RequestFraming();
    framing.chunked();
    framing.add(bytes(body));
    assertThatThrownBy(() -> take(framing))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(400))
        .hasMessageStartingWith("Expected");
  }

  @ParameterizedTest
  @ValueSource(strings = {"3;", "0\r\nA: "})
  void endlessLine_isRefused(String start) {
    RequestFraming framing = new RequestFraming();
    framing.chunked();
    framing.add(bytes(start + "a".repeat(10_000)));
    assertThatThrownBy(() -> take(framing)).isInstanceOf(Problem.class);
  }

  @Test
  void endlessTrailers_areRefused() {
    RequestFraming framing = new RequestFraming();
    framing.chunked();
    framing.add(bytes("0\r\n" + ("A: " + "b".repeat(100) + "\r\n").repeat(100)));
    assertThatThrownBy(() -> take(framing)).hasMessageContaining("trailers");
  }
}
