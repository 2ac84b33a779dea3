package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of files of a format of ours when a process ends in a merge, or they are not whole.
 * Subclasses write an index of ten segments or more before each test, whose documents have a {@code
 * number}, to {@link #index}.
 */
abstract class DamageTestCase {
  final long seed = new Random().nextLong();
  final Random random = new Random(seed);

  @TempDir Path folder;
  Path index = Path.of("");

  private final String extension;
  private final Class<?> merger;
  private final int longest;

  /**
   * Creates a test.
   *
   * @param extension of the format's files, of which each segment has one
   * @param merger a program that merges the index in the folder of its argument, and is killed
   * @param longest the milliseconds after which it is killed at the latest
   */
  DamageTestCase(String extension, Class<?> merger, int longest) {
    this.extension = extension;
    this.merger = merger;
    this.longest = longest;
  }

  /**
   * Asserts that searches give what they gave before.
   *
   * @param of the folder of the index, or of a copy
   * @param what was done to it
   * @throws IOException if the index cannot be read
   */
  abstract void assertAsBefore(Path of, String what) throws IOException;

  /** A hit's number, which no merge changes. */
  static long number(IndexReader reader, ScoreDoc hit) throws IOException {
    var leaf = reader.leaves().get(ReaderUtil.subIndex(hit.doc, reader.leaves()));
    var numbers = leaf.reader().getNumericDocValues("number");
    assertThat(numbers.advanceExact(hit.doc - leaf.docBase)).isTrue();
    return numbers.longValue();
  }

  /** The format's files, in the order of their names. */
  final List<Path> files() throws IOException {
    return files(extension);
  }

  private List<Path> files(String ending) throws IOException {
    try (Stream<Path> files = Files.list(index)) {
      return files
          .filter(file -> file.toString().endsWith(ending) && !file.endsWith("write.lock"))
          .sorted()
          .toList();
    }
  }

  /** One of the format's files. */
  final Path file() throws IOException {
    List<Path> all = files();
    assertThat(all).hasSizeGreaterThanOrEqualTo(10);
    return all.get(random.nextInt(all.size()));
  }

  /** Searches fail or give what they gave, and the index is not sound. */
  final void assertTold(String what) {
    List<String> told = new ArrayList<>();
    try {
      assertAsBefore(index, what);
    } catch (IOException e) {
      told.add(e.toString());
    }
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      for (var leaf : reader.leaves()) {
        ((CodecReader) leaf.reader()).checkIntegrity();
      }
    } catch (IOException e) {
      told.add(e.toString());
    }
    assertThat(told).as("seed %d, %s", seed, what).isNotEmpty();
  }

  @Test
  void killedWhileMerging_everythingIsAsBefore() throws Exception {
    kill(2);
  }

  @Tag("long")
  @Test
  void killedThirtyTimesWhileMerging_everythingIsAsBefore() throws Exception {
    kill(30);
  }

  private void kill(int times) throws Exception {
    for (int kill = 0; kill < times; kill++) {
      Path copy = folder.resolve("copy" + kill);
      Files.createDirectory(copy);
      for (Path file : files("")) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
      KilledProcess.run(merger, copy, random.nextInt(longest));
      try (FSDirectory directory = FSDirectory.open(copy)) {
        BlockPostingsTest.check(directory);
      }
      assertAsBefore(copy, "kill " + kill);
    }
  }

  @Test
  void filesThatAreCut_areTold() throws IOException {
    Path file = file();
    byte[] whole = Files.readAllBytes(file);
    for (int cut : new int[] {0, 1, 16, 17, random.nextInt(whole.length), whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, cut));
      assertTold(file + " cut to " + cut);
    }
    Files.write(file, whole);
    assertAsBefore(index, "whole again");
  }

  @Test
  void filesThatAreMissing_areTold() throws IOException {
    Files.delete(file());
    assertTold("missing");
  }

  @Test
  void filesOfAnotherSegment_areTold() throws IOException {
    List<Path> all = files();
    Files.write(all.get(3), Files.readAllBytes(all.get(7)));
    assertTold("another segment's");
  }

  /** A page of zeros, as file systems leave them after a loss of power. */
  @Test
  void pagesOfZeros_areTold() throws IOException {
    Path file = file();
    byte[] whole = Files.readAllBytes(file);
    for (int from = 0; from < whole.length; from += 4096) {
      byte[] zeros = whole.clone();
      Arrays.fill(zeros, from, Math.min(whole.length, from + 4096), (byte) 0);
      Files.write(file, zeros);
      assertTold("zeros from " + from);
    }
  }
}
