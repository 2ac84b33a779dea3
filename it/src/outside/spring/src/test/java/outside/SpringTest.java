package outside;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpringTest {
  @TempDir Path folder;

  @Test
  void question_isAnsweredFromTheStore() {
    assertThat(Spring.answer(folder, "insects that glow"))
        .singleElement()
        .satisfies(
            document -> {
              assertThat(document.getId()).isEqualTo("d1");
              assertThat(document.getScore()).isBetween(0.5, 1.0);
            });
  }
}
