package io.luciole.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Overload;
import io.luciole.Truncation;
import io.luciole.spi.Precision;
import org.junit.jupiter.api.Test;

class EnumNamesTest {
  @Test
  void parse_anyCaseAndSpaceAround_isFound() {
    assertThat(Truncation.parse(" Chunk\t")).isEqualTo(Truncation.CHUNK);
    assertThat(Precision.parse("BF16")).isEqualTo(Precision.BF16);
    assertThat(EnumNames.find(Overload.values(), Overload::id, "wait")).isEmpty();
  }

  @Test
  void parse_unknownName_listsThoseThereAre() {
    assertThatThrownBy(() -> Truncation.parse(" cut"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected truncate, error or chunk, got \" cut\"");
    assertThatThrownBy(() -> Overload.parse("")).hasMessage("expected block or reject, got \"\"");
    assertThatThrownBy(() -> Precision.parse("fp4"))
        .hasMessage("expected a precision of [fp32, fp16, bf16, int8, fp8], got \"fp4\"");
  }
}
