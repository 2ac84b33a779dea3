package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.WeightFiles.fixture;
import static io.luciole.model.checkpoint.WeightFiles.safetensors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsReaderTest {
  private static final String B = "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}";

  @TempDir private Path folder;

  private Checkpoint open(byte[] bytes) {
    return Checkpoint.open(WeightFiles.write(folder.resolve("x.safetensors"), bytes));
  }

  private void assertRefused(byte[] bytes, String... parts) {
    WeightFiles.assertRefused(() -> open(bytes).close(), "x.safetensors", parts);
  }

  @Test
  void header_isReadWithPaddingMetadataAndUnknownMembers() {
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"shape\":[2,1],\"more\":[{}],\"dtype\":\"F32\","
            + "\"data_offsets\":[0,8]},"
            + B
            + "}   ";
    try (Checkpoint checkpoint = open(safetensors(header, 16))) {
      assertThat(checkpoint.names()).containsExactly("a", "b");
      assertThat(checkpoint.requireShape("a", 2, 1).toFloats()).containsExactly(0, 0);
    }
    try (Checkpoint checkpoint = open(safetensors("{}", 0))) {
      assertThat(checkpoint.names()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "dtype":"F32","shape":[2],"data_offsets":[0,4]       | 8 bytes for tensor 'a'
          "dtype":"F32","shape":[3],"data_offsets":[0,12]      | an overlap
          "dtype":"F32","shape":[1],"data_offsets":[0,4]       | a gap
          "dtype":"F32","shape":[2],"data_offsets":[8,16]      | a gap
          "dtype":"F32","shape":[2],"data_offsets":[16,24]     | within the 16 bytes
          "dtype":"F32","shape":[2],"data_offsets":[8,0]       | 8 bytes for tensor 'a'
          "dtype":"F32","shape":[2],"data_offsets":[-8,0]      | a non-negative integer
          "dtype":"F32","shape":[-2],"data_offsets":[0,8]      | a non-negative integer
          "dtype":"F32","shape":[2.0],"data_offsets":[0,8]     | a non-negative integer
          "dtype":"F32","shape":["2"],"data_offsets":[0,8]     | a non-negative integer
          "dtype":"F32","shape":[[2]],"data_offsets":[0,8]     | a non-negative integer
          "dtype":"F32","shape":2,"data_offsets":[0,8]         | START_ARRAY
          "dtype":"F32","shape":[2],"data_offsets":[0]         | two data_offsets
          "dtype":"F32","shape":[2],"data_offsets":[0,4,8]     | at most 2 numbers
          "dtype":"F32","shape":[2]                            | two data_offsets
          "dtype":"F32","shape":[2],"data_offsets":null        | START_ARRAY
          "dtype":4,"shape":[2],"data_offsets":[0,8]           | VALUE_STRING
          "dtype":"F31","shape":[2],"data_offsets":[0,8]       | 'F31'
          "dtype":"F32","dtype":"F32"                          | Duplicate field
          "dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]         | fits 63 bits
          "dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]       | fits 63 bits
          "dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]         | valid JSON
          "dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807] | within
          "dtype":"U8","shape":[8],"data_offsets":[9223372036854775800,9223372036854775808] | JSON
          """)
  void tensor_thatDoesNotFitIsRefused(String members, String message) {
    assertRefused(safetensors("{\"a\":{" + members + "}," + B + "}", 16), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {{B},{B}}      | Duplicate field 'b'
          {{B}           | valid JSON
          {{B}}}         | valid JSON
          {{B}}{}        | nothing after
          {{B},}         | valid JSON
          {"b":[]}       | START_OBJECT
          {"__metadata__":{"a":"b"},"__metadata__":{}} | Duplicate field
          [{{B}}]        | to begin with '{'
          ' {{B}}'| to begin with '{'
          """)
  void header_thatIsNotOneObjectIsRefused(String header, String message) {
    // The tensor stands for {B}; its data begins at 8, behind nothing.
    assertRefused(safetensors(header.replace("{B}", B), 16), message);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, 3, Integer.MAX_VALUE, 100_000_001, 1L << 40})
  void header_ofAnImpossibleLengthIsRefused(long length) {
    byte[] bytes = safetensors("{}", 0);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    assertRefused(bytes, "the safetensors header", "at most 2 bytes");
  }

  @Test
  void header_tooLongToBeTrueIsRefused() {
    assertRefused(safetensors("{}" + " ".repeat(17 << 20), 0), "at most 16777216 bytes");
  }

  @Test
  void header_nestedDeeplyIsRefused() {
    assertRefused(
        safetensors("{\"__metadata__\":" + "[".repeat(1 << 20), 0), "valid JSON", "depth");
  }

  @Test
  void header_thatIsNotUtf8IsRefused() {
    byte[] bytes = safetensors("{\"a?\":{}}", 0);
    bytes[11] = (byte) 0xff;
    assertRefused(bytes, "not UTF-8");
  }

  @Test
  void data_leftOverIsRefused() {
    assertRefused(safetensors("{" + B.replace("8,16", "0,8") + "}", 9), "fill the 9 bytes");
  }

  @Test
  void name_isMaskedInMessages() {
    String name = "\\u001b[31m" + "x".repeat(40_000);
    Throwable thrown =
        Assertions.assertThrows(
            CheckpointException.class, () -> open(safetensors("{\"" + name + "\":{}}", 0)).close());
    assertThat(thrown.getMessage()).contains("'?[31mxxx").hasSizeLessThan(1000);
  }

  @Test
  void float8_isRefusedByName() {
    assertThatThrownBy(() -> Checkpoint.open(fixture("checkpoint/float8.safetensors")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("'a'", "F8_E4M3", "float8.safetensors");
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void file_truncatedAnywhereIsRefused() throws Exception {
    byte[] whole = Files.readAllBytes(fixture("checkpoint/types.safetensors"));
    for (int length = 0; length < whole.length; length++) {
      byte[] start = Arrays.copyOf(whole, length);
      WeightFiles.assertRefusedInTheEnd(() -> open(start).close(), "x.safetensors");
    }
  }
}
