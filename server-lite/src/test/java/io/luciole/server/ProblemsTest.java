package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.lucene.IndexException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients are told what failed, and not where the server has its files. */
class ProblemsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Cannot read the index /srv/data/ix: EOF  | Cannot read the index ix: EOF",
        "The file /srv/data/ix/_0.cfs is gone.    | The file _0.cfs is gone.",
        "FSException: /ix/_0.cfs: No space left   | FSException: _0.cfs: No space left",
        "the index C:\\data\\ix (\"/a/b/ix\")     | the index ix (\"ix\")",
        "The index my-index is 1/2 full, see a/b. | The index my-index is 1/2 full, see a/b."
      })
  void failureOfAnIndex_namesItsFilesWithoutTheirFolders(String message, String told) {
    assertThat(Problems.of(new IndexException(message)).text()).isEqualTo(told);
  }

  @Test
  void refusal_namesAnIndexWithoutItsFolder_andQuotesTheRequestAsItIs() {
    String message = "Reranking needs [COLBERT], the index /srv/ix keeps [DENSE], not \"/a/b/\"";
    assertThat(Problems.of(new IllegalArgumentException(message)).text())
        .isEqualTo("Reranking needs [COLBERT], the index ix keeps [DENSE], not \"/a/b/\"");
  }
}
