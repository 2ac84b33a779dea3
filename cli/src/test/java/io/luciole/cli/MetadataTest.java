package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metadata of every kind, from a file to a hit. */
class MetadataTest {
  @TempDir private Path folder;

  private Run index(String corpus, String... more) throws IOException {
    Path input = Files.writeString(folder.resolve("corpus.jsonl"), corpus);
    Object[] line = {
      "index", "--model", "starter", "--index", folder.resolve("index"), "--input", input
    };
    Object[] all = Arrays.copyOf(line, line.length + more.length);
    System.arraycopy(more, 0, all, line.length, more.length);
    return Cli.run(all);
  }

  private List<String> found(String... filters) {
    List<Object> line =
        new ArrayList<>(
            List.of(
                "search", "--index", folder.resolve("index"), "--json", "--mode", "bm25", "june"));
    for (String filter : filters) {
      line.add("--filter");
      line.add(filter);
    }
    Run run = Cli.run(line.toArray());
    assertThat(run.status()).as(run.err()).isZero();
    return run.outLines();
  }

  @Test
  void longValuesFirst_lockNothing_andAreFound() throws IOException {
    String lengthy = "A long abstract. ".repeat(20);
    Run run =
        index(
            "{\"_id\":\"a\",\"text\":\"june\",\"abstract\":\""
                + lengthy
                + "\"}\n{\"_id\":\"b\",\"text\":\"june\",\"abstract\":\"Short.\"}\n"
                + "{\"_id\":\"c\",\"text\":\"june\",\"lang\":\"en\"}\n"
                + "{\"_id\":\"d\",\"text\":\"june\"}\n");
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(found()).hasSize(4);
    assertThat(found("abstract=Short.")).singleElement().asString().contains("\"id\":\"b\"");
    assertThat(found("abstract=" + lengthy)).singleElement().asString().contains("\"id\":\"a\"");
  }

  @Test
  void values_keepTheirTypes_andMissingOnesStopNothing() throws IOException {
    Run run =
        index(
            """
            {"_id":"a","text":"june","year":2000.0,"price":10.0,"tags":["x","y"],"m":{"k":1e3}}
            {"_id":"b","text":"june","year":null,"price":"","day":""}
            {"_id":"c","text":"june","year":"soon"}
            """,
            "--skip-failures",
            "--metadata",
            "year=long",
            "--metadata",
            "price=double",
            "--metadata",
            "day=date");
    assertThat(run.outLines().get(0)).contains("2 added, 0 updated, 1 failed");
    assertThat(run.err()).contains("expected a whole number as metadata \"year\", got \"soon\"");
    assertThat(found("tags=y"))
        .singleElement()
        .asString()
        .contains(
            "\"metadata\":{\"year\":2000.0,\"price\":10.0,\"tags\":[\"x\",\"y\"],"
                + "\"m\":{\"k\":1000.0}}");
    assertThat(found("price=10", "year=2000", "m.k=1000")).hasSize(1);
    assertThat(found()).hasSize(2).anyMatch(hit -> hit.contains("{\"price\":\"\",\"day\":\"\"}"));
  }
}
