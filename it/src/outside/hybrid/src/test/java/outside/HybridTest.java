package outside;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.lucene.Leg;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HybridTest {
  @TempDir Path folder;

  @Test
  void question_isAnsweredByMeaningAndByWords() {
    assertThat(Hybrid.answer(folder, "insects that glow"))
        .singleElement()
        .satisfies(
            hit -> {
              assertThat(hit.id()).isEqualTo("d1");
              assertThat(hit.legs()).containsKeys(Leg.DENSE, Leg.BM25);
            });
  }
}
