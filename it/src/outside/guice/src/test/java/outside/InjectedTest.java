package outside;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.lucene.Leg;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InjectedTest {
  @TempDir Path folder;

  @Test
  void question_isAnsweredByMeaningAndByWords() {
    Map<String, String> settings =
        Map.of("luciole.model", "starter", "luciole.index.folder", folder.toString());
    assertThat(Injected.answer(settings, "insects that glow"))
        .first()
        .satisfies(
            hit -> {
              assertThat(hit.id()).isEqualTo("d1");
              assertThat(hit.legs()).containsKeys(Leg.DENSE, Leg.BM25);
            });
  }
}
