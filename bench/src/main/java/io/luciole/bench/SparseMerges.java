package io.luciole.bench;

import io.luciole.lucene.SparseForm;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.IOUtils;

/**
 * How long merging all segments of an index to one takes: several indexes in turn, each merged into
 * a folder beside it by the measuring thread, so that its processor time can be told.
 */
final class SparseMerges {
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private SparseMerges() {}

  static void merge(List<Path> folders, Map<String, String> options) throws IOException {
    int rounds = Integer.parseInt(options.getOrDefault("rounds", "3"));
    double[][] wall = new double[folders.size()][rounds];
    double[][] cpu = new double[folders.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int turn = 0; turn < folders.size(); turn++) {
        int f = (turn + round) % folders.size();
        Path to = folders.get(f).resolveSibling(folders.get(f).getFileName() + ".merged");
        IOUtils.rm(to);
        long used = CPU.getCurrentThreadCpuTime();
        long start = System.nanoTime();
        String what = merge(folders.get(f), to);
        wall[f][round] = (System.nanoTime() - start) / 1e9;
        cpu[f][round] = (CPU.getCurrentThreadCpuTime() - used) / 1e9;
        System.out.printf(
            Locale.ROOT,
            "%s: %s, %.2f s, processor %.2f s, %.1f MB%n",
            folders.get(f).getFileName(),
            what,
            wall[f][round],
            cpu[f][round],
            bytes(to) / 1e6);
        if (!options.containsKey("keep") || round < rounds - 1) {
          IOUtils.rm(to);
        }
      }
    }
    for (int f = 0; f < folders.size(); f++) {
      Arrays.sort(wall[f]);
      Arrays.sort(cpu[f]);
      System.out.printf(
          Locale.ROOT,
          "%s: median %.2f s, processor %.2f s; %.2f and %.2f times the first%n",
          folders.get(f).getFileName(),
          wall[f][rounds / 2],
          cpu[f][rounds / 2],
          wall[f][rounds / 2] / wall[0][rounds / 2],
          cpu[f][rounds / 2] / cpu[0][rounds / 2]);
    }
  }

  private static String merge(Path from, Path to) throws IOException {
    try (FSDirectory source = FSDirectory.open(from);
        FSDirectory target = FSDirectory.open(to);
        DirectoryReader reader = DirectoryReader.open(source)) {
      String form = reader.getIndexCommit().getUserData().getOrDefault("form", "impacts");
      CodecReader[] segments =
          reader.leaves().stream()
              .map(leaf -> (CodecReader) leaf.reader())
              .toArray(CodecReader[]::new);
      try (IndexWriter writer =
          new IndexWriter(
              target,
              SparseIndexes.config(SparseForm.parse(form))
                  .setMergeScheduler(new SerialMergeScheduler()))) {
        writer.addIndexes(segments);
        writer.setLiveCommitData(Map.of("form", form).entrySet());
      }
      return form + ", " + reader.numDocs() + " passages in " + segments.length + " segments";
    }
  }

  private static long bytes(Path folder) throws IOException {
    long sum = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        sum += Files.size(file);
      }
    }
    return sum;
  }
}
