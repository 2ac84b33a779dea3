package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MetadataTest {
  @ParameterizedTest
  @CsvSource({
    "10.0, 10.0",
    "100.0, 100.0",
    "2000.00, 2000.00",
    "1e3, 1000.0",
    "1E+1, 10.0",
    "1.5e-7, 0.00000015",
    "-0.0, 0.0",
    "0, 0",
    "-7, -7",
    "0.12345678901234567890123, 0.12345678901234567890123",
    "9223372036854775807, 9223372036854775807",
    "9223372036854775808, 9223372036854775808",
  })
  void number_keepsItsValueAndHasNoExponent(String given, String kept) {
    String json = "{\"a\":" + given + "}";

    Metadata metadata = Metadata.parse(json);

    assertThat(metadata.toJson()).isEqualTo("{\"a\":" + kept + "}");
    assertThat(metadata.text("a")).contains(kept);
    assertThat(Metadata.parse(metadata.toJson())).isEqualTo(metadata);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e309", "-1e309", "1e999999999", "1e-999999999"})
  void number_beyondADouble_isRefusedAndFillsNoMemory(String number) {
    assertThatThrownBy(() -> Metadata.parse("{\"a\":" + number + "}"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("as metadata \"a\"");
  }

  @Test
  void javaValues_areThoseOfJson() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("string", "s");
    values.put("int", 7);
    values.put("big", BigInteger.ONE.shiftLeft(80));
    values.put("double", 10.0);
    values.put("float", 0.1f);
    values.put("decimal", new BigDecimal("1E+3"));
    values.put("flag", true);
    values.put("nothing", null);
    values.put("instant", Instant.parse("2026-11-22T10:00:00Z"));
    values.put("date", LocalDate.parse("2026-11-22"));
    values.put("list", Arrays.asList("a", null, 1));
    values.put("array", new Object[] {1.5});
    values.put("object", Map.of("k", Map.of("l", List.of(1, 2))));

    Metadata metadata = Metadata.of(values);

    assertThat(metadata.toJson())
        .isEqualTo(
            "{\"string\":\"s\",\"int\":7,\"big\":1208925819614629174706176,\"double\":10.0,"
                + "\"float\":0.1,\"decimal\":1000.0,\"flag\":true,"
                + "\"instant\":\"2026-11-22T10:00:00Z\",\"date\":\"2026-11-22\","
                + "\"list\":[\"a\",1],\"array\":[1.5],\"object\":{\"k\":{\"l\":[1,2]}}}");
    assertThat(Metadata.parse(metadata.toJson())).isEqualTo(metadata).hasToString(metadata + "");
    assertThat(metadata.get("int")).contains(7L);
    assertThat(metadata.get("double")).contains(new BigDecimal("10.0"));
    assertThat(metadata.get("nothing")).isEmpty();
    assertThat(metadata.all("object.k.l")).containsExactly(1L, 2L);
    assertThat(metadata.get("object.k.l")).contains(1L);
    assertThat(metadata.text("list")).contains("[\"a\",1]");
  }

  @Test
  void builder_andMap_andJson_giveTheSame() {
    Metadata built =
        Metadata.builder().put("year", 1999).put("tags", List.of("a", "b")).put("p", 2.5).build();

    assertThat(built)
        .isEqualTo(Metadata.of(Map.of("tags", List.of("a", "b"), "p", 2.5, "year", 1999L)))
        .isEqualTo(Metadata.parse("{\"year\":1999,\"tags\":[\"a\",\"b\"],\"p\":2.5}"))
        .hasSameHashCodeAs(Metadata.parse("{\"p\":2.5,\"year\":1999,\"tags\":[\"a\",\"b\"]}"));
    assertThat(new SourceDocument("a", "", "", Map.of("k", "v")))
        .isEqualTo(new SourceDocument("a", "", "", Metadata.parse("{\"k\":\"v\"}")));
  }

  @Test
  void values_cannotBeChangedAfterwards() {
    List<String> tags = new ArrayList<>(List.of("a"));
    Metadata metadata = Metadata.of(Map.of("tags", tags));
    tags.add("b");

    assertThat(metadata.all("tags")).containsExactly("a");
    assertThatThrownBy(() -> metadata.asMap().put("x", "y"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void unknownTypesAndNames_areRefusedInWords() {
    assertThatThrownBy(() -> Metadata.of(Map.of("a", Double.NaN))).hasMessageContaining("got NaN");
    assertThatThrownBy(() -> Metadata.of(Map.of("a", Map.of("b", new Thread()))))
        .hasMessageContaining("as metadata \"a.b\"")
        .hasMessageContaining("java.lang.Thread");
    assertThatThrownBy(() -> Metadata.of(Map.of("a\0b", 1))).hasMessageContaining("U+0000");
    assertThatThrownBy(() -> Metadata.of(Map.of("n".repeat(1025), 1)))
        .hasMessageContaining("1024 bytes");
    assertThatThrownBy(() -> Metadata.of(Map.of("a", Map.of(1, 2))))
        .hasMessageContaining("names that are strings");
    Object deep = "x";
    for (int i = 0; i < 200; i++) {
      deep = List.of(deep);
    }
    Map<String, Object> nested = Map.of("a", deep);
    assertThatThrownBy(() -> Metadata.of(nested)).hasMessageContaining("at most 100 deep");
    for (String json : List.of("[1]", "null", "{", "{} {}", "{\"a\":1,\"a\":2}")) {
      assertThatThrownBy(() -> Metadata.parse(json))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected a JSON object");
    }
  }

  @Test
  void document_hasAllButItsOwnFieldsAsMetadata() {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("_id", "a");
    document.put("id", "other");
    document.put("title", "T");
    document.put("text", "t");
    document.put("lang", "en");
    document.put("metadata", Map.of("year", 1999));
    assertThat(Metadata.ofDocument(document).toJson())
        .isEqualTo("{\"id\":\"other\",\"lang\":\"en\",\"year\":1999}");

    document.remove("_id");
    document.put("metadata", null);
    assertThat(Metadata.ofDocument(document).toJson()).isEqualTo("{\"lang\":\"en\"}");

    document.put("metadata", Map.of("lang", "de"));
    assertThatThrownBy(() -> Metadata.ofDocument(document)).hasMessageContaining("\"lang\" once");
    assertThatThrownBy(() -> Metadata.ofDocument(Collections.singletonMap("metadata", "x")))
        .hasMessageContaining("expected an object as \"metadata\", got \"x\"");
  }

  @Test
  void date_inAnyOfItsForms_isTheSameInstant() {
    long ten = Instant.parse("2026-11-22T10:00:00Z").toEpochMilli();
    for (String text :
        List.of(
            "2026-11-22 10:00:00",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00",
            "2026-11-22t10:00:00z",
            "2026-11-22T10:00:00.000Z",
            "2026-11-22 12:00:00+02:00",
            LocalDateTime.parse("2026-11-22T10:00:00").toString(),
            OffsetDateTime.parse("2026-11-22T05:30:00-04:30").toString())) {
      assertThat(MetadataType.parseDate(text)).as(text).isEqualTo(ten);
    }
    assertThat(MetadataType.parseDate("2026-11-22")).isEqualTo(ten - 36_000_000);
    assertThat(MetadataType.parseDate("1969-12-31T23:59:59.9999Z")).isEqualTo(-1);
    for (String text : List.of("", "2026", "22.11.2026", "2026-11-22X", "2026-02-30", "10:00")) {
      assertThatThrownBy(() -> MetadataType.parseDate(text))
          .as(text)
          .isInstanceOf(java.time.DateTimeException.class);
    }
  }
}
