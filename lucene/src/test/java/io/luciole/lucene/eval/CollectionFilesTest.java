package io.luciole.lucene.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.lucene.SourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of a test collection: queries and judgements. */
class CollectionFilesTest {
  @TempDir Path folder;

  private Path file(String content) throws IOException {
    return Files.writeString(folder.resolve("file"), content);
  }

  @Test
  void queries_areReadInOrder_andNoneIsRefused() throws IOException {
    Path file = file("{\"_id\":\"b\",\"text\":\"two\"}\n\n{\"_id\":1,\"text\":\"one\",\"x\":{}}\n");
    assertThat(EvaluationQuery.readBeir(file))
        .containsExactly(new EvaluationQuery("b", "two"), new EvaluationQuery("1", "one"));
    Path empty = file("\n");
    assertThatThrownBy(() -> EvaluationQuery.readBeir(empty))
        .isInstanceOf(SourceException.class)
        .hasMessage("Expected queries in " + empty + ", one JSON object a line, found none");
    Path bad = file("{\"_id\":\"b\",\"text\":\"two\"}\n{\"_id\":\"c\"}\n");
    assertThatThrownBy(() -> EvaluationQuery.readBeir(bad))
        .isInstanceOf(SourceException.class)
        .hasMessage(bad + ", line 2: expected \"text\", found none");
  }

  @Test
  void queries_twiceTheSameId_isRefusedWithItsLine() throws IOException {
    Path file = file("{\"_id\":\"q\",\"text\":\"a\"}\n{\"_id\":\"q\",\"text\":\"b\"}\n");
    assertThatThrownBy(() -> EvaluationQuery.readBeir(file))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("line 2")
        .hasMessageContaining("second query");
  }

  @Test
  void qrels_ofThreeOrFourColumnsWithOrWithoutHeader_areRead() throws IOException {
    Qrels beir = Qrels.read(file("query-id\tcorpus-id\tscore\nq 1\td1\t2\nq 1\td2\t0\n"));
    assertThat(beir.grades("q 1")).containsEntry("d1", 2).containsEntry("d2", 0).hasSize(2);
    Qrels trec = Qrels.read(file("q1 0 d1 1\nq2 0 d1 -1\n"));
    assertThat(trec.queries()).containsExactly("q1", "q2");
    assertThat(trec.isJudged("q1")).isTrue();
    assertThat(trec.isJudged("q2")).isFalse();
  }

  @Test
  void qrels_firstLineWithANumber_isNoHeader() throws IOException {
    assertThat(Qrels.read(file("q1\td\t1.0\nq1\te\t2.0\n")).grades("q1"))
        .containsEntry("d", 1)
        .containsEntry("e", 2);
    Path half = file("q1\td\t0.5\nq1\te\t1\n");
    assertThatThrownBy(() -> Qrels.read(half))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("line 1: expected a whole number as grade, found \"0.5\"");
  }

  @Test
  void qrels_thatContradictThemselves_areRefusedWithTheLine() throws IOException {
    assertThat(Qrels.read(file("q\td\t1\nq\td\t1\n")).grades("q")).hasSize(1);
    Path twice = file("q\td\t1\nq\te\t1\nq\td\t0\n");
    assertThatThrownBy(() -> Qrels.read(twice))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining(
            "line 3: expected one grade for query \"q\" and document \"d\", found 0 after 1");
  }

  @Test
  void qrels_withBadLine_nameIt() throws IOException {
    Path columns = file("q\td\t1\nq\td\n");
    assertThatThrownBy(() -> Qrels.read(columns)).hasMessageContaining("line 2");
    Path grade = file("q\td\t1\nq\te\tgood\n");
    assertThatThrownBy(() -> Qrels.read(grade))
        .hasMessageContaining("line 2")
        .hasMessageContaining("good");
    Path empty = file("query-id\tcorpus-id\tscore\n");
    assertThatThrownBy(() -> Qrels.read(empty)).hasMessageContaining("found none");
  }
}
