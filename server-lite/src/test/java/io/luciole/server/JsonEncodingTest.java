package io.luciole.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.testkit.FakeBackend;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** JSON is read as UTF-8 and as nothing else: decoded otherwise, ids that differ would be one. */
@Timeout(120)
class JsonEncodingTest {
  /** An overlong a and slash, half a pair, one above U+10FFFF, a byte alone, half a character. */
  private static final String[] NO_UTF8 = {
    "\u00c1\u00a1",
    "\u00e0\u0080\u00af",
    "\u00ed\u00a0\u0080",
    "\u00f4\u0090\u0080\u0080",
    "\u00ff",
    "\u00e2\u0082"
  };

  private static void parse(byte[] body) {
    Object unused = JsonBodies.parseObject(body, bytes -> {});
  }

  private static void assertRefused(byte[] body, String... message) {
    assertThatThrownBy(() -> parse(body))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(400))
        .hasMessageContainingAll(message);
  }

  @Test
  void bytesThatAreNoUtf8_areRefused_withTheirPlace() {
    for (String bytes : NO_UTF8) {
      for (int before : new int[] {0, 1, 8190, 8191, 8192, 20_000}) {
        String start = "{\"id\":\"" + "x".repeat(before);
        assertRefused(
            (start + bytes + "\"}").getBytes(ISO_8859_1),
            "Expected JSON in UTF-8",
            "from byte " + (start.length() + 1) + " on");
      }
    }
    // Within names, between values, and at the end of the body.
    assertRefused("{\"\u00c1\u00a1\":1}".getBytes(ISO_8859_1), "UTF-8");
    assertRefused("{}\u00c3".getBytes(ISO_8859_1), "UTF-8", "from byte 3 on");
  }

  @Test
  void otherEncodings_areNotDetected() {
    String json = "{\"id\":\"a\"}";
    for (Charset charset : new Charset[] {UTF_16LE, UTF_16BE, Charset.forName("UTF-32BE")}) {
      assertRefused(json.getBytes(charset), "UTF-8");
      assertRefused(("\ufeff" + json).getBytes(charset), "UTF-8");
    }
    assertRefused(json.getBytes(Charset.forName("UTF-32LE")), "UTF-8");
  }

  @Test
  void byteOrderMark_ofUtf8_isPassedOver() {
    assertThat(
            JsonBodies.parseObject("\ufeff{\"id\":\"a\"}".getBytes(UTF_8), bytes -> {})
                .path("id")
                .asText())
        .isEqualTo("a");
  }

  /** Whatever the text, and wherever its characters stand in the pieces that are looked at. */
  @Test
  void text_isReadIfItIsUtf8_asTheStrictDecoderSays() {
    Random random = new Random(7);
    for (int i = 0; i < 300; i++) {
      byte[] text =
          ("é日😀 ".repeat(random.nextInt(2000)) + "x".repeat(random.nextInt(9000))).getBytes(UTF_8);
      if (text.length > 0 && random.nextBoolean()) {
        text[random.nextInt(text.length)] = (byte) random.nextInt(256);
      }
      assertThat(StrictUtf8.firstInvalid(text)).as("text " + i).isEqualTo(firstInvalid(text));
    }
  }

  private static int firstInvalid(byte[] text) {
    ByteBuffer bytes = ByteBuffer.wrap(text);
    try {
      Object unused = UTF_8.newDecoder().decode(bytes);
      return -1;
    } catch (CharacterCodingException e) {
      return bytes.position();
    }
  }

  @Test
  void brokenId_replacesNoDocument(@TempDir Path folder) {
    try (Server server =
        Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")))) {
      assertThat(server.put("/v1/documents/a?commit=true", "{\"text\":\"w1\"}").status())
          .isEqualTo(200);
      byte[] lines =
          "{\"id\":\"\u00c1\u00a1\",\"text\":\"w2\"}\n{\"id\":\"b\",\"text\":\"w3\"}\n"
              .getBytes(ISO_8859_1);
      assertThat(server.post("/v1/documents/bulk?commit=true", lines).body())
          .contains("\"line\":1,\"status\":400", "Expected JSON in UTF-8")
          .contains("\"line\":2,\"id\":\"b\",\"status\":200");
      assertThat(server.get("/v1/documents/a").body()).contains("w1");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e99999999999", "-1.5E+99999999999", "1e-99999999999", "1e9999999999"})
  void numberOfAnExponentBeyondReason_isRefused_inWordsOfNoProgram(String number) {
    assertThatThrownBy(() -> parse(("{\"x\":" + number + "}").getBytes(UTF_8)))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(400))
        .hasMessageContainingAll("Expected a number", "found " + number, "(line 1, column ")
        .hasMessageNotContainingAny("java", "BigDecimal", "`", "deserialized", "malformed");
  }
}
