package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class FamiliarityTest {
  private final Familiarity familiarity = new Familiarity(0.25, 0.45);

  @Test
  void of_fallsFromKnownToForeign() {
    assertThat(familiarity.of(1, 10)).isEqualTo(1);
    assertThat(familiarity.of(25, 100)).isEqualTo(1);
    assertThat(familiarity.of(35, 100)).isCloseTo(0.5, within(1e-12));
    assertThat(familiarity.of(45, 100)).isEqualTo(0);
    assertThat(familiarity.of(10, 10)).isEqualTo(0);
    assertThat(familiarity.of(0, 1)).isEqualTo(1);
  }

  @Test
  void of_refusesATextWithoutLetters() {
    assertThatThrownBy(() -> familiarity.of(0, 0)).hasMessageContaining("0 and 0");
    assertThatThrownBy(() -> familiarity.of(-1, 1)).hasMessageContaining("-1");
  }

  @Test
  void bounds_ascendFromAboveZero() {
    assertThatThrownBy(() -> new Familiarity(0.5, 0.5)).hasMessageContaining("0.5 and 0.5");
    assertThatThrownBy(() -> new Familiarity(0, 0.5)).hasMessageContaining("0.0");
    assertThatThrownBy(() -> new Familiarity(0.1, Double.NaN)).hasMessageContaining("NaN");
  }
}
