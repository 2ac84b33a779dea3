package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code luciole merge}. */
class MergeCommandTest {
  @TempDir private Path folder;
  private Path one = Path.of("");
  private Path two = Path.of("");

  @BeforeEach
  void shards() throws IOException {
    one =
        shard("one", "{\"_id\":\"a\",\"text\":\"june\"}\n{\"_id\":\"b\",\"text\":\"june old\"}\n");
    two =
        shard("two", "{\"_id\":\"b\",\"text\":\"june new\"}\n{\"_id\":\"c\",\"text\":\"june\"}\n");
  }

  private Path shard(String name, String corpus, String... flags) throws IOException {
    Path within = Files.createDirectory(folder.resolve(name));
    return SmallIndex.write(within, corpus, flags).folder();
  }

  @Test
  void merge_refusesDuplicatesUnlessToldWhoseDocumentStays() {
    Path target = folder.resolve("merged");
    Run refused = Cli.run("merge", one, two, "--output", target);
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err())
        .startsWith("luciole: Expected no id in more than one index, found 1: \"b\"");
    assertThat(target).doesNotExist();

    Run merged = Cli.run("merge", one, two, "--output", target, "--duplicates", "latest-wins");
    assertThat(merged.status()).as(merged.err()).isZero();
    assertThat(merged.outLines())
        .containsExactly(
            "3 documents in " + target,
            "1 ids were in more than one of the 2 shards, one document of each was kept: b");
    Run found = Cli.run("search", "--index", target, "--mode", "bm25", "--json", "new");
    assertThat(found.outLines()).singleElement().asString().contains("\"id\":\"b\"");
  }

  @Test
  void merge_intoSeveralIndexes_numbersThem() {
    Path target = folder.resolve("part");
    Run run =
        Cli.run(
            "merge",
            one,
            two,
            "--output",
            target,
            "--indexes",
            "2",
            "--duplicates",
            "first-wins",
            "--one-segment");
    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.outLines())
        .startsWith("2 documents in " + target + "-0", "1 documents in " + target + "-1");
    Run stats = Cli.run("stats", "--index", target + "-1");
    assertThat(stats.out()).containsPattern("segments +1\\n");
  }

  @Test
  void shardOfAnotherSchema_isRefused() throws IOException {
    Path typed = shard("typed", "{\"_id\":\"d\",\"text\":\"june\"}", "--metadata", "year=long");
    Run run = Cli.run("merge", one, typed, "--output", folder.resolve("merged"));
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).startsWith("luciole: The index " + typed + " has the schema");
    assertThat(Cli.run("merge", one, "--output", folder.resolve("m"), "--indexes", "2").err())
        .startsWith("luciole: expected from 1 to 1 indexes");
  }

  @Test
  void outputWithinAShard_isRefused_andTheShardStays() throws IOException {
    List<Path> before = files(one);
    Path link = Files.createSymbolicLink(folder.resolve("link"), one);
    List<Path> inside =
        List.of(
            one.resolve("sub"),
            one.resolve("deep").resolve("sub"),
            two.resolve("..").resolve("..").resolve("one").resolve("index").resolve("sub"),
            link.resolve("sub"));
    for (Path output : inside) {
      Run run = Cli.run("merge", two, one, "--duplicates", "first-wins", "--output", output);

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err())
          .startsWith("luciole: Expected --output outside the shards, found " + output)
          .contains("Name another folder");
      assertThat(files(one)).isEqualTo(before);
    }
    Run several = Cli.run("merge", one, "--indexes", "2", "--output", one.resolve("part"));
    assertThat(several.err()).startsWith("luciole: Expected --output outside the shards");
    Path beside = folder.resolve("one").resolve("index-merged");
    assertThat(Cli.run("merge", one, "--output", beside).status()).isZero();
  }

  private static List<Path> files(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.sorted().toList();
    }
  }
}
