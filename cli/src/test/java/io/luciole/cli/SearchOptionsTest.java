package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code search}: order, one hit a value, counts, explanations, and asking for queries. */
class SearchOptionsTest {
  private static final String CORPUS =
      """
      {"_id":"a","text":"june one","lang":"en","year":1990}
      {"_id":"b","text":"june two","lang":"de","year":2005}
      {"_id":"c","text":"june three","lang":"de","year":2010}
      {"_id":"d","text":"june four. %s July is warm. %s","lang":"en"}
      {"_id":"e","text":"july"}
      """
          .formatted("Nothing of it is here. ".repeat(20), "Nor is it here. ".repeat(20));

  @TempDir private static Path folder;
  private static SmallIndex index = SmallIndex.NONE;

  @BeforeAll
  static void index() throws IOException {
    index =
        SmallIndex.write(
            folder,
            CORPUS,
            "--metadata",
            "year=long",
            "--metadata",
            "lang=keyword",
            "--chunk",
            "40");
  }

  private static List<String> ids(Run run) {
    assertThat(run.status()).as(run.err()).isZero();
    return run.outLines().stream()
        .filter(line -> line.startsWith("{\"id\""))
        .map(hit -> hit.replaceAll("^\\{\"id\":\"(.*?)\".*", "$1"))
        .toList();
  }

  @Test
  void sort_ordersWhatWordsFind_orListsAllDocuments() {
    assertThat(ids(index.run("search", "--json", "--mode", "bm25", "--sort", "year:desc", "june")))
        .containsExactly("c", "b", "a", "d");
    assertThat(ids(index.run("search", "--json", "--sort", "lang:desc,year")))
        .containsExactly("a", "d", "b", "c", "e");
    Run listed = index.run("search", "--sort", "year", "--filter", "lang=de", "--top", "1");
    assertThat(listed.out()).contains("id b");
    assertThat(listed.err()).contains("1 hit of 5 documents").contains("; 2 match");
    assertThat(index.run("search", "--sort", "size", "june").err())
        .startsWith("luciole: expected a field that the schema declares to sort by, got \"size\"");
    assertThat(index.run("search", "--sort", "year:up", "june").status()).isEqualTo(2);
  }

  @Test
  void collapse_givesOneHitAValue_andFacetsCount() {
    assertThat(ids(index.run("search", "--json", "--sort", "year:desc", "--collapse", "lang")))
        .containsExactly("c", "a", "e");
    Run people =
        index.run("search", "--mode", "bm25", "--facet", "lang", "--facet", "year:1", "july");
    assertThat(people.out())
        .contains("lang: de (2), en (2); 4 documents have a value\n")
        .contains("year: 1990 (1) and 2 more values; 3 documents have a value\n");
    Run machines =
        index.run(
            "search",
            "--json",
            "--mode",
            "bm25",
            "--filter",
            "lang=de",
            "--facet",
            "{\"field\":\"year\",\"ranges\":[{\"lt\":2008},{\"gte\":2008}]}",
            "june");
    assertThat(machines.outLines().get(machines.outLines().size() - 1))
        .isEqualTo(
            "{\"facets\":[{\"field\":\"year\",\"documents\":2,\"distinct\":2,\"values\":["
                + "{\"range\":{\"lt\":2008},\"count\":1},{\"range\":{\"gte\":2008},\"count\":1}]}]}");
  }

  @Test
  void explain_saysInWords_whatLegsAndFusionDid() {
    Run run =
        index.run(
            "search", "--explain", "--filter", "{\"lang\":\"en\"}", "--top", "2", "june july");
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out())
        .startsWith("Only documents that pass {\"lang\":\"en\"}.\n")
        .contains("dense found 2 documents, bm25 found 2 documents; the fusion auto made one list")
        .containsPattern("\\| fused score \\d+\\.\\d{4}, the sum of:")
        .containsPattern(
            "\\|   dense: rank 1 of 2, score 0\\.\\d{4}; adds \\d\\.\\d{4} \\(weight"
                + " \\d\\.\\d\\d × \\d\\.\\d{4}\\)")
        .containsPattern("\\| best passage: characters \\d+ to \\d+ of the text");
    Run ranks =
        index.run(
            "search", "--explain", "--fusion", "rrf", "--depth", "1", "--top", "9", "june one");
    assertThat(ranks.out())
        .contains("bm25: rank 1 of 1, score ", "from each leg weight / (60 + rank).");
  }

  @Test
  void withoutAQuery_atATerminal_queriesAreAskedFor() {
    Run run =
        index.type(
            """
            june one
            :top 1
            :filter lang=de
            june
            :filter {"year":{"gt":2005}}
            june
            :filter
            :explain
            june
            :help
            :nonsense
            :top none
            :filter lang
            june
            :quit
            never
            """,
            "search",
            "--mode",
            "bm25",
            "--top",
            "3");
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.err())
        .contains("3 hits of 5 documents")
        .contains("Filters: lang=de\n")
        .contains("Filters: lang=de and {\"year\":{\"gt\":2005}}\n")
        .contains("No filter.\n")
        .contains("Hits are explained.\n")
        .contains(":filter FILTER")
        .contains("luciole: expected :filter, :top, :explain, :help or :quit, got :nonsense\n")
        .contains("luciole: :top: expected a whole number of at least 1, got \"none\"\n")
        .contains("luciole: --filter: expected NAME=VALUE or a JSON object, got \"lang\"\n");
    assertThat(run.out()).contains("id a").contains("id c").contains("| fused score");
    assertThat(index.type("june\n", "search", "--mode", "bm25").out()).contains("id a");
  }

  @Test
  void withoutAQuery_whereNobodyIsAsked_isWrongUsage() {
    Run run = index.run("search");
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err()).startsWith("luciole: Missing required parameter: 'QUERY'");
    assertThat(index.type("june\n", "search", "--json").status()).isEqualTo(2);
  }
}
