package outside;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.document.Document;
import dev.langchain4j.rag.content.ContentMetadata;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RetrievalTest {
  private static final Document FIREFLIES = Document.from("On summer evenings fireflies glow.");
  private static final Document INFLATION = Document.from("Prices rise, and wages follow.");

  @TempDir Path folder;

  @Test
  void question_isAnsweredByMeaning() {
    assertThat(Retrieval.answer(folder, "insects with a light", FIREFLIES, INFLATION))
        .singleElement()
        .satisfies(
            content -> {
              assertThat(content.textSegment().text()).isEqualTo(FIREFLIES.text());
              assertThat((double) content.metadata().get(ContentMetadata.SCORE)).isBetween(0.5, 1.0);
            });
  }
}
