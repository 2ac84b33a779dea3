package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code luciole delete}, and the filters that it shares with {@code search} and {@code eval}. */
class DeleteCommandTest {
  private static final String CORPUS =
      """
      {"_id":"a","text":"june one","lang":"en","year":1990}
      {"_id":"b","text":"june two","lang":"de","year":2005}
      {"_id":"c","text":"june three","lang":"de","year":2010}
      {"_id":"d","text":"june four","tags":["new","x"]}
      """;

  @TempDir private Path folder;
  private SmallIndex index = SmallIndex.NONE;

  @BeforeEach
  void index() throws IOException {
    index = SmallIndex.write(folder, CORPUS, "--metadata", "year=long");
  }

  private Run run(String command, String... more) {
    return index.run(command, more);
  }

  /** The ids of all documents that pass some filters, in alphabetical order. */
  private List<String> found(String... filters) {
    List<String> more = new ArrayList<>(List.of("--json", "--mode", "bm25", "june"));
    for (String filter : filters) {
      Collections.addAll(more, "--filter", filter);
    }
    Run run = run("search", more.toArray(String[]::new));
    assertThat(run.status()).as(run.err()).isZero();
    return run.outLines().stream()
        .map(hit -> hit.replaceAll("^\\{\"id\":\"(.*?)\".*", "$1"))
        .sorted()
        .toList();
  }

  @Test
  void filters_ofSearch_areTheServersJson_orNameAndValue() {
    assertThat(found("{\"year\":{\"gte\":2000}}")).containsExactly("b", "c");
    assertThat(found("{\"year\":{\"gte\":2000}}", "year=2010")).containsExactly("c");
    assertThat(found(" {\"$not\":{\"lang\":\"de\"}}")).containsExactly("a", "d");
    assertThat(found("{\"$all\":[{\"lang\":\"de\"},{\"year\":{\"lt\":2010}}]}"))
        .containsExactly("b");
    assertThat(found("{\"lang\":{\"exists\":false}}")).containsExactly("d");
    assertThat(found("{\"lang\":{\"terms\":[\"en\",\"fr\"]}}")).containsExactly("a");
    assertThat(found("{\"lang\":{\"prefix\":\"d\"}}")).containsExactly("b", "c");
    assertThat(found("tags=x")).containsExactly("d");
    assertThat(found("$id=a")).containsExactly("a");
    assertThat(found("year=2010.0")).containsExactly("c");
  }

  @Test
  void filters_thatCannotBeUnderstood_areRefusedWithTheirPlace() {
    assertThat(run("search", "--filter", "lang", "june").err())
        .startsWith("luciole: Invalid value for option '--filter' (FILTER): ")
        .contains("expected NAME=VALUE or a JSON object, got \"lang\"");
    assertThat(run("search", "--filter", "{\"year\":{\"above\":1}}", "june").err())
        .startsWith("luciole: --filter.year: Unknown operator \"above\"");
    assertThat(run("search", "--filter", "year=soon", "june").err())
        .startsWith("luciole: --filter.year: Expected a whole number");
    assertThat(run("search", "--filter", "{}", "june").err())
        .startsWith("luciole: --filter: Expected an object such as");
  }

  @Test
  void eval_withAFilter_searchesOnlyWhatPasses() throws IOException {
    Path queries =
        Files.writeString(folder.resolve("q.jsonl"), "{\"_id\":\"q\",\"text\":\"june\"}");
    Path qrels = Files.writeString(folder.resolve("q.tsv"), "q\td\t1\n");
    String[] files = {"--queries", queries.toString(), "--qrels", qrels.toString(), "--tsv"};
    String[] only = {files[0], files[1], files[2], files[3], "--tsv", "--filter", "tags=x"};
    String[] without = {
      files[0], files[1], files[2], files[3], "--tsv", "--filter", "{\"$not\":{\"$id\":\"d\"}}"
    };
    assertThat(run("eval", only).outLines())
        .isNotEmpty()
        .allSatisfy(row -> assertThat(row).contains("\t1.0000"));
    assertThat(run("eval", without).outLines())
        .isNotEmpty()
        .allSatisfy(row -> assertThat(row).contains("\t0.0000").doesNotContain("\t1.0000"));
  }

  @Test
  void delete_byIds_needsNoQuestion_andCountsThoseThatWereThere() {
    Run run = run("delete", "--id", "a", "--id", "nobody");
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out())
        .isEqualTo("Deleted 1 documents from " + index.folder() + "; 3 are left.\n");
    assertThat(found()).containsExactly("b", "c", "d");
    assertThat(run("delete", "--id", "a").out())
        .isEqualTo("0 of 3 documents match; nothing is deleted.\n");
  }

  @Test
  void delete_ofAnIdThatBeginsWithAt_readsNoFile() throws IOException {
    Path words = Files.writeString(folder.resolve("alice"), "a --id b");

    assertThat(run("delete", "--id", "@" + words).out())
        .isEqualTo("0 of 4 documents match; nothing is deleted.\n");
    assertThat(found()).hasSize(4);
  }

  @Test
  void delete_ofAnIdThatBeginsWithADash_takesItBehindAnEqualsSign() throws IOException {
    index =
        SmallIndex.write(
            Files.createDirectory(folder.resolve("dashes")),
            """
            {"_id":"-y","text":"june one"}
            {"_id":"--id","text":"june two"}
            {"_id":"c","text":"june three"}
            """);
    assertThat(run("delete", "--id", "-y").err())
        .startsWith(
            "luciole: Expected parameter for option '--id' but found '-y'; if that is its value,"
                + " write --id=-y\n");
    assertThat(run("delete", "--id=-y", "--dry-run", "--id=--id").out())
        .startsWith("2 of 3 documents match");
    assertThat(run("delete", "--id=-y").out())
        .startsWith("Deleted 1 documents")
        .contains("2 are left");
    assertThat(found()).containsExactly("--id", "c");
  }

  @Test
  void delete_byFilter_asksOrWantsYes() {
    String[] german = {"--filter", "lang=de"};
    Run unasked = run("delete", german);
    assertThat(unasked.status()).isEqualTo(1);
    assertThat(unasked.err()).startsWith("luciole: 2 of 4 documents match. --yes deletes them");
    Run declined = index.type("no\n", "delete", german);
    assertThat(declined.status()).isEqualTo(1);
    assertThat(declined.err()).contains("Delete 2 of 4 documents? [y/N] ");
    assertThat(declined.out()).isEqualTo("Nothing is deleted.\n");
    assertThat(index.type("", "delete", german).status()).isEqualTo(1);
    assertThat(found()).hasSize(4);

    Run accepted = index.type("y\n", "delete", german);
    assertThat(accepted.status()).as(accepted.err()).isZero();
    assertThat(found()).containsExactly("a", "d");
    assertThat(run("delete", "--filter", "{\"year\":{\"lt\":2000}}", "--yes").out())
        .isEqualTo("Deleted 1 documents from " + index.folder() + "; 1 are left.\n");
  }

  @Test
  void delete_asADryRun_changesNothing() {
    Run run = run("delete", "--filter", "{\"year\":{\"gte\":2000}}", "--dry-run", "--yes");
    assertThat(run.status()).isZero();
    assertThat(run.out()).startsWith("2 of 4 documents match; none is deleted");
    assertThat(found()).hasSize(4);
  }

  @Test
  void delete_withoutAnyDocumentNamed_isWrongUsage() {
    assertThat(run("delete").status()).isEqualTo(2);
    assertThat(run("delete", "--id", "a", "--filter", "lang=en").status()).isEqualTo(2);
    Run empty = run("delete", "--filter", "{}", "--yes");
    assertThat(empty.status()).isEqualTo(1);
    assertThat(empty.err()).startsWith("luciole: --filter: Expected an object");
    assertThat(found()).hasSize(4);
  }
}
