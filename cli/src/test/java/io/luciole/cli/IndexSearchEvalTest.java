package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code index}, {@code search} and {@code eval} on one small index. */
class IndexSearchEvalTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CORPUS =
      """
      {"_id": "firefly", "title": "Fireflies", "text": "Fireflies glow at dusk to find a mate.", "lang": "en"}
      {"_id": "bee", "title": "Bees", "text": "Bees dance to tell each other where the flowers are."}
      {"_id": "lamp", "title": "", "text": "An oil lamp gives a warm light in the evening."}
      {"_id": "bridge", "title": "Tacoma", "text": "The bridge fell in 1940, shaken by the wind."}
      {"_id": "螢", "title": "螢火蟲", "text": "螢火蟲在黃昏發光。"}
      """;

  @TempDir private static Path shared;
  private static Path index;
  private static Run indexed;

  @TempDir private Path folder;

  @BeforeAll
  static void index() throws IOException {
    Path corpus = Files.writeString(shared.resolve("corpus.jsonl"), CORPUS);
    index = shared.resolve("index");
    indexed = Cli.run("index", "--model", "starter", "--index", index, "--input", corpus);
  }

  @Test
  void index_corpus_saysWhatItDid() {
    assertThat(indexed.status()).as(indexed.err()).isZero();
    assertThat(indexed.err()).isEmpty();
    assertThat(indexed.outLines().get(0))
        .isEqualTo("Indexed 5 documents into " + index + ": 5 added, 0 updated, 0 failed.");
    assertThat(indexed.outLines().get(1)).matches("\\d+ tokens in .* with starter on cpu\\.");
  }

  @ParameterizedTest
  @CsvSource({"index, --index", "embed, --output"})
  void lineOf200MB_isRefusedByBothDoorsInTheSameWords(String command, String flag)
      throws IOException {
    Path huge = folder.resolve("huge.jsonl");
    try (RandomAccessFile sparse = new RandomAccessFile(huge.toFile(), "rw")) {
      sparse.setLength(200_000_000);
    }

    Run run = Cli.run(command, "--input", huge, flag, folder.resolve("out"));

    assertThat(run.status()).isNotZero();
    assertThat(run.err())
        .contains(
            huge
                + ", line 1: expected a line of at most 64 MiB, found a longer one; is this JSON"
                + " lines?");
  }

  @ParameterizedTest
  @CsvSource({
    "--sparse-form, blocks, sparse weights",
    "--sparse-weights, 10bit, sparse weights",
    "--colbert, residual2, token vectors"
  })
  void index_withWhatTheModelDoesNotGive_namesTheFlag(String flag, String value, String what) {
    Path own = folder.resolve("index");
    Path corpus = shared.resolve("corpus.jsonl");
    Run run = Cli.run("index", "--index", own, "--input", corpus, flag, value);
    assertThat(run.status()).isOne();
    assertThat(run.err()).contains(flag + ": the model gives no " + what);
    assertThat(own).doesNotExist();
  }

  @Test
  void index_withASchema_isSearchedAsTheFlagsSay() throws IOException {
    String text = "The bridge fell. ".repeat(30) + "Fireflies glow. " + "Salt is salt. ".repeat(30);
    Path corpus =
        write(
            "corpus.jsonl",
            CORPUS
                + "{\"_id\":\"long\",\"text\":\""
                + text
                + "\",\"lang\":\"en\",\"year\":1999}\n");
    Path own = folder.resolve("index");
    Run run =
        Cli.run(
            "index",
            "--index",
            own,
            "--input",
            corpus,
            "--chunk",
            48,
            "--quantization",
            "8bit",
            "--analyzer",
            "en",
            "--metadata",
            "year=long",
            "--bulk",
            "--reorder");
    assertThat(run.status()).as(run.err()).isZero();
    JsonNode stats = JSON.readTree(Cli.run("stats", "--index", own, "--json").out());
    assertThat(stats.path("documents").asInt()).isEqualTo(6);
    assertThat(stats.path("segments").asInt()).isEqualTo(1);
    assertThat(stats.path("passages").asInt()).isGreaterThan(9);
    assertThat(stats.path("schema").path("chunks").path("overlap").asInt()).isEqualTo(6);
    assertThat(Cli.run("stats", "--index", own).out()).contains("passages", "8bit", "year long");

    Run found =
        Cli.run(
            "search",
            "--index",
            own,
            "--json",
            "--filter",
            "lang=en",
            "--fusion",
            "minmax",
            "--weight",
            "bm25=0.3",
            "--depth",
            20,
            "--timeout",
            60000,
            "--explain",
            "firefly glowing");
    assertThat(found.status()).as(found.err()).isZero();
    assertThat(ids(found)).containsExactlyInAnyOrder("firefly", "long");
    assertThat(found.out()).contains("fusion minmax");
    JsonNode hit =
        found.outLines().stream()
            .map(IndexSearchEvalTest::read)
            .filter(h -> h.path("id").asText().equals("long"))
            .findFirst()
            .orElseThrow();
    assertThat(hit.path("passage").path("text").asText()).contains("Fireflies glow.");
    double sum = 0;
    for (JsonNode leg : hit.path("legs")) {
      sum += leg.path("contribution").asDouble();
    }
    assertThat(sum).isCloseTo(hit.path("score").asDouble(), within(1e-6));
    assertThat(ids(Cli.run("search", "--index", own, "--json", "--offset", 1, "firefly glowing")))
        .hasSize(5);
    String[] weights = {"--weight", "bm25=0", "--weight", "dense=0"};
    Run unweighted =
        Cli.run(with(new Object[] {"search", "--index", own, "glow"}, (Object[]) weights));
    assertThat(unweighted.status()).isEqualTo(1);
    assertThat(unweighted.err()).startsWith("luciole: Expected a leg of a weight above 0");

    for (String[] wrong :
        new String[][] {
          {"search", "--fusion", "best"},
          {"search", "--weight", "bm25=-1"},
          {"search", "--weight", "words=1"},
          {"search", "--filter", "lang"},
          {"search", "--offset", "-1"},
          {"index", "--quantization", "2bit"},
          {"index", "--chunk-overlap", "5"},
          {"index", "--chunk", "100000"},
          {"index", "--metadata", "year=number"},
          {"index", "--colbert", "int8"},
          {"index", "--sparse-form", "features"},
          {"index", "--sparse-form", "terms"},
          {"index", "--sparse-weights", "10bit"},
          {"index", "--sparse-weights", "9bit"},
          {"index", "--analyzer", "klingon"}
        }) {
      Run refused =
          wrong[0].equals("search")
              ? Cli.run("search", "--index", own, wrong[1], wrong[2], "x")
              : Cli.run(
                  "index", "--index", folder.resolve("new"), "--input", corpus, wrong[1], wrong[2]);
      assertThat(refused.status()).as("%s %s", wrong[1], wrong[2]).isNotZero();
      assertThat(refused.err()).startsWith("luciole: ").doesNotContain("Exception");
    }
  }

  @Test
  void index_withFeatures_keepsSparseWeightsSo_andSearchesThem() throws IOException {
    Path corpus = Files.writeString(folder.resolve("corpus.jsonl"), CORPUS);
    Path own = folder.resolve("index");
    Path model = Path.of("../testkit/src/main/resources/mini-m3").toAbsolutePath();
    Run run =
        Cli.run(
            "index",
            "--model",
            model,
            "--index",
            own,
            "--input",
            corpus,
            "--sparse-form",
            "features");
    assertThat(run.status()).as(run.err()).isZero();
    JsonNode stats = JSON.readTree(Cli.run("stats", "--index", own, "--json").out());
    assertThat(stats.path("schema").path("sparse").path("form").asText()).isEqualTo("features");
    Run found =
        Cli.run("search", "--model", model, "--index", own, "--json", "--mode", "sparse", "dusk");
    assertThat(found.status()).as(found.err()).isZero();
    assertThat(ids(found)).isNotEmpty();
  }

  @Test
  void index_withLittleRoom_keepsWeightsInThePostings_andVectorsWithoutFloats() throws IOException {
    Path corpus = Files.writeString(folder.resolve("corpus.jsonl"), CORPUS);
    Path own = folder.resolve("index");
    Path model = Path.of("../testkit/src/main/resources/mini-m3").toAbsolutePath();
    String[] index = {"index", "--model", model.toString(), "--index", own.toString()};
    Object[] options = {"--input", corpus, "--sparse-weights", "10bit", "--sparse-form"};
    Run refused = Cli.run(with(with(index, options), "features"));
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("impacts or blocks").doesNotContain("Exception");
    Run run =
        Cli.run(
            with(
                with(index, options),
                "blocks",
                "--quantization",
                "8bit-only",
                "--colbert",
                "residual2"));
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(Cli.run("stats", "--index", own).out())
        .contains("blocks, weights 10bit, scale 1024")
        .contains("quantization 8bit-only")
        .contains("96 dimensions, residual2")
        .contains("vectors of dense: as given")
        .doesNotContain("sparse.exact");
    for (String mode : new String[] {"sparse", "dense"}) {
      Object[] search = {"search", "--model", model, "--index", own, "--json", "--mode", mode};
      Run found = Cli.run(with(search, "--rerank", "3", "dusk"));
      assertThat(found.status()).as(found.err()).isZero();
      assertThat(ids(found)).isNotEmpty();
    }
  }

  private static JsonNode read(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new AssertionError(line, e);
    }
  }

  @Test
  void eval_withFusions_comparesTunesAndTellsEachQuery() throws IOException {
    Path queries =
        write(
            "queries.jsonl",
            Stream.of("glow", "dance", "light", "wind", "flowers")
                .map(q -> "{\"_id\":\"" + q + "\",\"text\":\"" + q + "\"}\n")
                .collect(Collectors.joining()));
    Path qrels =
        write(
            "qrels.tsv",
            "glow\tfirefly\t1\ndance\tbee\t1\nlight\tlamp\t1\nwind\tbridge\t1\nflowers\tbee\t1\n");
    Path trec = folder.resolve("bm25.trec");
    Path perQuery = folder.resolve("queries.tsv");
    Object[] eval = {"eval", "--index", index, "--queries", queries, "--qrels", qrels};
    Run first = Cli.run(with(eval, "--run", trec, "--row", "bm25", "--per-query", perQuery));
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(Files.readString(trec)).contains(" bm25\n").doesNotContain("auto");
    assertThat(Files.readAllLines(perQuery))
        .hasSize(15)
        .contains("glow\tbm25\t1.0000\t1.0000\t1.0000\t1.0000");

    Run second =
        Cli.run(with(eval, "--fusion", "rrf:10,minmax", "--tune", "--compare", trec, "--tsv"));
    assertThat(second.status()).as(second.err()).isZero();
    assertThat(second.out())
        .contains("rrf:10\t", "minmax\t")
        .containsPattern(
            "nDCG@10 of minmax [0-9.]+, of .*bm25.trec [0-9.]+: .* over 5 queries, p = ")
        .containsPattern("Best of the grid: .* expect [0-9.]+ of new ones \\(5-fold");
    Run wrong = Cli.run(with(eval, "--row", "best", "--run", trec));
    assertThat(wrong.status()).isEqualTo(1);
    assertThat(wrong.err()).contains("--row: expected one of dense, bm25, auto, got \"best\"");
    Run deepTune = Cli.run(with(eval, "--tune", "--depth", 200));
    assertThat(deepTune.status()).isEqualTo(2);
    assertThat(deepTune.err()).contains("without --depth");
    Run shallow = Cli.run(with(eval, "--depth", 5));
    assertThat(shallow.status()).isNotZero();
    assertThat(shallow.err()).startsWith("luciole: depth must be at least 100, got 5");
  }

  private static Object[] with(Object[] first, Object... more) {
    return Stream.concat(Stream.of(first), Stream.of(more)).toArray();
  }

  @Test
  void stats_ofAnIndex_showsDocumentsSizesModelAndSchema() throws IOException {
    Run people = Cli.run("stats", "--index", index);
    assertThat(people.status()).as(people.err()).isZero();
    assertThat(people.out())
        .containsPattern("documents +5\\R")
        .containsPattern("model +starter \\(384 dimensions, weights [0-9a-f]{12}")
        .containsPattern("legs +dense, bm25")
        .containsPattern("words +analyzer multilingual")
        .containsPattern("size +[0-9.]+ KiB, [0-9,.]+ B a document")
        .containsPattern("[0-9.]+ (B|KiB) +[0-9.]+ % +1,5[0-9.]+ B +vectors of dense: as given")
        .contains("vectors of dense: graph");

    JsonNode stats = JSON.readTree(Cli.run("stats", "--index", index, "--json").out());
    assertThat(stats.path("documents").asInt()).isEqualTo(5);
    assertThat(stats.path("complete").asBoolean()).isTrue();
    assertThat(stats.path("schema").path("dense").path("dimension").asInt()).isEqualTo(384);
    long sum = 0;
    for (JsonNode part : stats.path("parts")) {
      sum += part.asLong();
    }
    assertThat(sum).isPositive().isEqualTo(stats.path("bytes").asLong());

    Run none = Cli.run("stats", "--index", folder.resolve("none"));
    assertThat(none.status()).isEqualTo(1);
    assertThat(none.err()).contains("Expected a Lucene index written by Luciole");
  }

  @Test
  void index_duplicateIds_updateAndAreCounted() throws IOException {
    Path corpus =
        write("corpus.jsonl", CORPUS + "{\"_id\":\"bee\",\"text\":\"Drones do not sting.\"}\n");
    Path own = folder.resolve("index");

    Run first = Cli.run("index", "--index", own, "--input", corpus);
    Run second = Cli.run("index", "--index", own, "--input", corpus);

    assertThat(first.out())
        .contains("Indexed 6 documents")
        .contains("5 added, 1 updated, 0 failed");
    assertThat(second.out()).contains("0 added, 6 updated, 0 failed");
    assertThat(ids(Cli.run("search", "--index", own, "--json", "--mode", "bm25", "drones sting")))
        .containsExactly("bee");
    assertThat(ids(Cli.run("search", "--index", own, "--json", "--mode", "bm25", "dance")))
        .isEmpty();
  }

  @Test
  void index_folderOfTexts_takesPathsAsIds() throws IOException {
    Path texts = folder.resolve("texts");
    Files.createDirectories(texts.resolve("insects"));
    Files.writeString(texts.resolve("insects/firefly.txt"), "Fireflies glow at dusk.");
    Files.writeString(texts.resolve("bridge.md"), "# Bridges\n\nSome carry their load by cables.");
    Files.write(texts.resolve("picture.png"), new byte[] {1, 2, 3});
    Path own = folder.resolve("index");

    Run run = Cli.run("index", "--index", own, "--input", texts);

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out()).contains("2 added");
    assertThat(ids(Cli.run("search", "--index", own, "--json", "glowing insects")).get(0))
        .isEqualTo("insects/firefly.txt");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"_id": "x", "text": "b"         | line 6
          {"_id": "x"}                     | line 6: expected "text", found none
          {"text": "b"}                    | line 6: expected "_id", found none
          {"_id": "x", "text": 7}          | line 6: expected a string as "text", found 7
          [1]                              | line 6: expected a JSON object, found an array
          """)
  void index_badLine_isNamedAndLeavesNothing(String line, String message) throws IOException {
    Path corpus = write("corpus.jsonl", CORPUS + line + "\n");
    Path own = folder.resolve("index");

    Run run = Cli.run("index", "--index", own, "--input", corpus);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: ")
        .contains("corpus.jsonl")
        .contains(message);
    assertThat(own).doesNotExist();
  }

  @Test
  void index_badLineIntoAnIndex_leavesItAsItWas() throws IOException {
    Path corpus = write("corpus.jsonl", "{\"_id\":\"bee\",\"text\":\"Drones.\"}\n{\"_id\":1}\n");
    Path own = copyOfIndex();

    Run run = Cli.run("index", "--index", own, "--input", corpus);

    assertThat(run.status()).isEqualTo(1);
    assertThat(
            ids(Cli.run("search", "--index", own, "--json", "--mode", "bm25", "bees dance drones")))
        .containsExactly("bee");
    assertThat(ids(Cli.run("search", "--index", own, "--json", "--mode", "bm25", "drones")))
        .isEmpty();
  }

  @Test
  void index_badLinesToBeSkipped_areReportedAndTheOthersIndexed() throws IOException {
    Path corpus = write("corpus.jsonl", "{\"_id\":\"x\"}\n" + CORPUS);
    Path own = folder.resolve("index");

    Run run = Cli.run("index", "--skip-failures", "--index", own, "--input", corpus);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out()).contains("5 added, 0 updated, 1 failed");
    assertThat(run.errLines()).singleElement().asString().contains("line 1: expected \"text\"");
  }

  @Test
  void index_emptyCorpus_isRefused() throws IOException {
    Path corpus = write("corpus.jsonl", "\n\n");

    Run run = Cli.run("index", "--index", folder.resolve("index"), "--input", corpus);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: Expected documents in " + corpus);
    assertThat(folder.resolve("index")).doesNotExist();
  }

  @Test
  void index_noSuchInput_saysSo() {
    Run run =
        Cli.run("index", "--index", folder.resolve("index"), "--input", folder.resolve("none"));

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines()).containsExactly("luciole: No such file: " + folder.resolve("none"));
    assertThat(folder.resolve("index")).doesNotExist();
  }

  @Test
  void index_folderWithoutTexts_isRefused() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));

    Run run = Cli.run("index", "--index", folder.resolve("index"), "--input", empty);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .contains("Expected text files")
        .contains(empty.toString());
  }

  @Test
  void index_invalidUtf8_isReportedWithItsFile() throws IOException {
    Path corpus = folder.resolve("latin1.jsonl");
    Files.write(corpus, "{\"_id\":\"1\",\"text\":\"é\"}\n".getBytes(StandardCharsets.ISO_8859_1));
    Path texts = Files.createDirectory(folder.resolve("texts"));
    Files.write(texts.resolve("latin1.txt"), "é".getBytes(StandardCharsets.ISO_8859_1));

    Run lines = Cli.run("index", "--index", folder.resolve("index"), "--input", corpus);
    Run files = Cli.run("index", "--index", folder.resolve("index"), "--input", texts);

    assertThat(lines.status()).isEqualTo(1);
    assertThat(lines.errLines())
        .singleElement()
        .asString()
        .contains("latin1.jsonl")
        .contains("line 1")
        .contains("UTF-8");
    assertThat(files.status()).isEqualTo(1);
    assertThat(files.errLines())
        .singleElement()
        .asString()
        .contains("latin1.txt")
        .contains("UTF-8");
    assertThat(folder.resolve("index")).doesNotExist();
  }

  @Test
  void index_emptyText_isIndexed() throws IOException {
    Path corpus = write("corpus.jsonl", "{\"_id\":\"empty\",\"text\":\"\"}\n");

    Run run = Cli.run("index", "--index", folder.resolve("index"), "--input", corpus);

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.out()).contains("1 added");
  }

  @Test
  void indexAndSearch_withAnotherModel_areRefusedNamingBoth() throws IOException {
    Path other = Models.copyOfStarter(folder.resolve("other-model"));
    Files.writeString(
        other.resolve("tokenizer.json"), Files.readString(other.resolve("tokenizer.json")) + "\n");
    Path corpus = write("corpus.jsonl", CORPUS);

    for (Run run :
        List.of(
            Cli.run("index", "--model", other, "--index", index, "--input", corpus),
            Cli.run("search", "--model", other, "--index", index, "insects"))) {
      assertThat(run.status()).isEqualTo(1);
      assertThat(run.out()).isEmpty();
      assertThat(run.errLines())
          .singleElement()
          .asString()
          .startsWith("luciole: ")
          .contains("starter")
          .contains("other-model");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"search", "eval", "index"})
  void anyCommand_folderThatIsNoIndex_isRefusedAndLeftAlone(String command) throws IOException {
    Path foreign = Files.createDirectory(folder.resolve("letters"));
    Files.writeString(foreign.resolve("letter.txt"), "Dear Sir");

    Run run =
        switch (command) {
          case "search" -> Cli.run("search", "--index", foreign, "insects");
          case "eval" ->
              Cli.run(
                  "eval",
                  "--index",
                  foreign,
                  "--queries",
                  write("q", "{\"_id\":\"1\",\"text\":\"a\"}"),
                  "--qrels",
                  write("r", "1\tbee\t1\n"));
          default -> Cli.run("index", "--index", foreign, "--input", write("c", CORPUS));
        };

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: ")
        .contains(foreign.toString());
    assertThat(list(foreign)).containsExactly("letter.txt");
  }

  @Test
  void search_damagedIndex_isRefused() throws IOException {
    Path own = copyOfIndex();
    Path segments =
        list(own).stream()
            .filter(n -> n.startsWith("segments_"))
            .map(own::resolve)
            .findFirst()
            .orElseThrow();
    byte[] bytes = Files.readAllBytes(segments);
    bytes[bytes.length / 2] ^= 0x55;
    Files.write(segments, bytes);

    Run run = Cli.run("search", "--index", own, "insects");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: ")
        .contains(own.toString());
  }

  @Test
  void search_hybrid_showsTitleScoreAndEachLegsRank() {
    Run run = Cli.run("search", "--index", index, "--top", 3, "which insects glow at dusk");

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.outLines().get(0)).isEqualTo(" 1. Fireflies");
    assertThat(run.outLines().get(1))
        .matches(
            " {4}score \\d+\\.\\d{4} {3}dense #1 \\(0\\.\\d{3}\\) {3}bm25 #1 \\(\\d\\.\\d{3}\\)"
                + " {3}id firefly");
    assertThat(run.outLines().get(2)).isEqualTo("    Fireflies glow at dusk to find a mate.");
    assertThat(run.out()).contains("\n 3. ").doesNotContain("\n 4. ").doesNotContain("\u001b");
    assertThat(run.err()).startsWith("3 hits of 5 documents in ");
  }

  @ParameterizedTest
  @CsvSource({"dense, firefly", "bm25, firefly", "hybrid, firefly"})
  void search_json_printsOneObjectAHit(String mode, String first) throws IOException {
    Run run = Cli.run("search", "--index", index, "--mode", mode, "--json", "fireflies", "glow");

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.err()).isEmpty();
    JsonNode hit = JSON.readTree(run.outLines().get(0));
    assertThat(hit.properties())
        .extracting(p -> p.getKey())
        .containsExactly("id", "score", "legs", "metadata");
    assertThat(hit.path("metadata").path("lang").textValue()).isEqualTo("en");
    assertThat(hit.path("id").textValue()).isEqualTo(first);
    assertThat(hit.path("score").doubleValue()).isPositive();
    List<String> legs = mode.equals("hybrid") ? List.of("dense", "bm25") : List.of(mode);
    assertThat(hit.path("legs").properties())
        .extracting(p -> p.getKey())
        .containsExactlyElementsOf(legs);
    assertThat(hit.path("legs").path(legs.get(0)).path("rank").intValue()).isEqualTo(1);
    assertThat(hit.path("legs").path(legs.get(0)).path("score").doubleValue()).isPositive();
  }

  @Test
  void search_explain_showsHowScoresCameAbout() throws IOException {
    Run people = Cli.run("search", "--index", index, "--explain", "--top", 1, "fireflies");
    Run machines =
        Cli.run("search", "--index", index, "--explain", "--json", "--top", 1, "fireflies");

    assertThat(people.outLines()).filteredOn(l -> l.startsWith("    | ")).hasSizeGreaterThan(2);
    assertThat(JSON.readTree(machines.out()).path("explain").textValue())
        .contains("dense")
        .contains("bm25");
  }

  @Test
  void search_nothingFound_isNoFailure() {
    Run run = Cli.run("search", "--index", index, "--mode", "bm25", "xylophone");

    assertThat(run.status()).isZero();
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("No hit of 5 documents");
  }

  @Test
  void search_legThatTheIndexHasNot_saysWhichItHas() {
    Run run = Cli.run("search", "--index", index, "--mode", "sparse", "insects");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .contains("can be searched by dense, bm25, not by sparse");
  }

  @Test
  void search_noQueryOrWrongMode_isWrongUsage() {
    assertThat(Cli.run("search", "--index", index).status()).isEqualTo(2);
    assertThat(Cli.run("search", "--index", index, "--mode", "dence", "x").status()).isEqualTo(2);
    assertThat(Cli.run("search", "--index", index, "--top", "0", "x").status()).isEqualTo(2);
    assertThat(Cli.run("search", "x").status()).isEqualTo(2);
  }

  @Test
  void eval_queriesAndJudgements_printsATableAndARun() throws IOException {
    Path queries =
        write(
            "queries.jsonl",
            """
            {"_id": "q1", "text": "which insects glow"}
            {"_id": "q2", "text": "how do bees talk"}
            {"_id": "q3", "text": "nobody judged this"}
            """);
    Path qrels =
        write(
            "qrels.tsv",
            """
            query-id\tcorpus-id\tscore
            q1\tfirefly\t2
            q1\tnone\t1
            q2\tbee\t1
            q9\tbee\t1
            """);
    Path trec = folder.resolve("run.trec");

    Run table =
        Cli.run("eval", "--index", index, "--queries", queries, "--qrels", qrels, "--run", trec);
    Run tsv = Cli.run("eval", "--index", index, "--queries", queries, "--qrels", qrels, "--tsv");

    assertThat(table.status()).as(table.err()).isZero();
    assertThat(table.out()).contains("nDCG@10", "MRR@10", "Recall@100", "dense", "bm25", "auto");
    assertThat(table.err())
        .contains("Queries left out for want of a relevant document: 1")
        .contains("Judged queries left out that are not among the queries: 1")
        .contains("Judged documents that are not in the index, counted as not found: 1");
    assertThat(Files.readAllLines(trec))
        .hasSize(10)
        .allMatch(Pattern.compile("q[12] Q0 \\S+ \\d+ [0-9.E-]+ \\S+").asMatchPredicate());
    assertThat(tsv.outLines()).allMatch(l -> l.split("\t", -1).length >= 4);
    assertThat(tsv.outLines().get(0)).startsWith("dense\t");
    // Two relevant documents of which one is not there: DCG 3 of 3 + 1/log2(3).
    assertThat(tsv.outLines()).anyMatch(l -> l.startsWith("dense\t0."));
  }

  @Test
  void eval_noSuchFiles_saysSo() throws IOException {
    Path queries = write("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"which insects glow\"}\n");

    Run run =
        Cli.run(
            "eval", "--index", index, "--queries", queries, "--qrels", folder.resolve("none.tsv"));

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines()).singleElement().asString().contains("none.tsv");
  }

  private static List<String> ids(Run run) throws IOException {
    assertThat(run.status()).as(run.err()).isZero();
    return run.outLines().stream().map(IndexSearchEvalTest::id).toList();
  }

  private static String id(String line) {
    try {
      return JSON.readTree(line).path("id").textValue();
    } catch (IOException e) {
      throw new AssertionError(line, e);
    }
  }

  private Path copyOfIndex() throws IOException {
    Path copy = Files.createDirectory(folder.resolve("copy"));
    for (String name : list(index)) {
      if (!name.equals("write.lock")) {
        Files.copy(index.resolve(name), copy.resolve(name));
      }
    }
    return copy;
  }

  private static List<String> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }
}
