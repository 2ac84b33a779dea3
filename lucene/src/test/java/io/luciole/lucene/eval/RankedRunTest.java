package io.luciole.lucene.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RankedRunTest {
  @TempDir Path folder;

  private static List<String> ids(RankedRun run, String query) {
    return run.rankings().getOrDefault(query, List.of()).stream().map(ScoredId::id).toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "my notes.txt",
        "100 % of it",
        "tab\there",
        "narrow\u202Fspace",
        "ideographic\u3000space",
        "a%20b",
        "100%",
        "plain",
        "é ü 😀"
      })
  void id_writtenAndRead_isTheSame(String id) throws IOException {
    Path file = folder.resolve("run");
    Qrels qrels = Qrels.of(Map.of("q " + id, Map.of(id, 1)));
    new RankedRun("my run", Map.of("q " + id, List.of(new ScoredId(id, 1)))).writeTrec(file);
    String written = Files.readString(file).strip();
    assertThat(written.split("[\\s\\h]+", -1)).hasSize(6);
    RankedRun read = RankedRun.readTrec(file, "read").named(qrels);
    assertThat(ids(read, "q " + id)).containsExactly(id);
  }

  @Test
  void idWithoutWhiteSpace_isWrittenAsItIs() {
    assertThat(TrecIds.escape("http://x/a%20b")).isEqualTo("http://x/a%20b");
    assertThat(TrecIds.escape("a b%20")).isEqualTo("a%20b%2520");
    // What is no escape of ours stays.
    assertThat(TrecIds.unescape("100%")).isEqualTo("100%");
    assertThat(TrecIds.unescape("%FF")).isEqualTo("%FF");
  }

  @Test
  void runOfAnotherTool_withIdsThatLookEscaped_keepsThoseThatAreJudgedSo() throws IOException {
    Path file =
        Files.writeString(folder.resolve("run"), "q Q0 a%20b 1 2.0 n\nq Q0 c%20d 2 1.0 n\n");
    Qrels qrels = Qrels.of(Map.of("q", Map.of("a%20b", 1, "c d", 1)));
    assertThat(ids(RankedRun.readTrec(file, "n").named(qrels), "q"))
        .containsExactly("a%20b", "c d");
  }

  @Test
  void idsThatAreWrittenAlike_areRefused() {
    RankedRun run =
        new RankedRun("r", Map.of("q", List.of(new ScoredId("a b", 2), new ScoredId("a%20b", 1))));
    assertThatThrownBy(() -> run.writeTrec(folder.resolve("alike")))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("\"a b\" and \"a%20b\"");
  }

  @Test
  void tie_goesByTheIdDescending_asInTrecEval() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("run"),
            """
            q1 Q0 bee.txt 1 1.0 n
            q1 Q0 trains.txt 2 1.0 n
            q1 Q0 best 3 1.5 n
            q1 Q0 ｚ 4 1.00000001 n
            q1 Q0 😀 5 1.0 n
            """);
    // The score of ｚ differs beyond 32 bits only; bytes are compared, not UTF-16 units.
    assertThat(ids(RankedRun.readTrec(file, "n"), "q1"))
        .containsExactly("best", "😀", "ｚ", "trains.txt", "bee.txt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN", "high", "-NaN"})
  void scoreThatIsNoNumber_isRefusedWithItsLine(String score) throws IOException {
    Path file =
        Files.writeString(folder.resolve("run"), "q Q0 d 1 0.5 n\nq Q0 e 2 " + score + " n\n");
    assertThatThrownBy(() -> RankedRun.readTrec(file, "n"))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("line 2: expected a number as score, found \"" + score + '"');
  }

  @Test
  void ownDocumentOfAQuery_canBeLeftOut() {
    RankedRun run =
        new RankedRun("r", Map.of("q", List.of(new ScoredId("q", 2), new ScoredId("d", 1))));
    assertThat(ids(run.withoutIdenticalIds(), "q")).containsExactly("d");
  }
}
