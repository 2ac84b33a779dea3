package io.luciole.bench;

import io.luciole.lucene.SparseForm;
import io.luciole.lucene.VectorFields;
import io.luciole.lucene.VectorQueries;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.QueryBuilder;
import org.jspecify.annotations.Nullable;

/**
 * How fast sparse weights are searched, over a corpus that {@code bench/corpus} makes, without a
 * model: the ways of several indexes in turn, query by query, so that what disturbs the machine
 * disturbs all of them.
 *
 * <pre>
 * SparseSpeed build  CORPUS INDEX [form=impacts] [passages=1000000] [order=natural] [words=false]
 *                                 [exact=false] [segments=1] [reordered=false]
 * SparseSpeed search CORPUS INDEX… [k=10,100,1000] [filters=none] [threads=1] [queries=500]
 *                                 [rounds=3] [maxscore=true] [words=true]
 * SparseSpeed merge  INDEX… [rounds=3] [keep=true]
 * </pre>
 *
 * <p>The form is one of {@link SparseForm}; {@code order} is natural or random; {@code segments} is
 * what the index is merged to, 0 for what the flushes left; {@code reordered} lets that merge
 * reorder the passages by their tokens. A filter is the percentage of passages that match it, by
 * chance: 0.001, 0.01, 0.1, 1, 3, 10 or 50; 1s is about one percent in stretches of 5,000 passages.
 * {@code threads} are those that one search may use. An index of the form blocks is searched by the
 * blocks' bounds, and by Lucene's MaxScore over the same postings.
 *
 * <p>The system properties {@code bufferMiB} (32) and {@code minDocFreq} (64) set the writer's
 * buffer, and in how many passages a token must be to decide about their order.
 */
public final class SparseSpeed {
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private SparseSpeed() {}

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>();
    List<Path> folders = new ArrayList<>();
    for (String arg : Arrays.asList(args).subList(1, args.length)) {
      int equals = arg.indexOf('=');
      if (equals > 0) {
        options.put(arg.substring(0, equals), arg.substring(equals + 1));
      } else {
        folders.add(Path.of(arg));
      }
    }
    switch (args[0]) {
      case "build" -> SparseIndexes.build(folders.get(0), folders.get(1), options);
      case "search" -> search(folders, options);
      case "merge" -> SparseMerges.merge(folders, options);
      default ->
          throw new IllegalArgumentException("expected build, search or merge, got " + args[0]);
    }
  }

  /** A way to find the best. */
  private interface Best {
    Query of(PassageCorpus.Query query, int k, @Nullable Query filter);
  }

  private record Way(String name, IndexSearcher searcher, Best best) {
    ScoreDoc[] best(PassageCorpus.Query wanted, int k, @Nullable Query filter) throws IOException {
      Query query = best.of(wanted, k, filter);
      return searcher.search(query, new TopScoreDocCollectorManager(k, null, k)).scoreDocs;
    }
  }

  private static Query words(PassageCorpus.Query query, @Nullable Query filter) {
    BooleanQuery.Builder any = new BooleanQuery.Builder();
    QueryBuilder words = new QueryBuilder(new StandardAnalyzer());
    Query all = words.createBooleanQuery(SparseIndexes.WORDS, query.text());
    if (all != null) {
      any.add(all, Occur.MUST);
    }
    if (filter != null) {
      any.add(filter, Occur.FILTER);
    }
    return any.build();
  }

  private static void search(List<Path> folders, Map<String, String> options) throws IOException {
    int threads = Integer.parseInt(options.getOrDefault("threads", "1"));
    int rounds = Integer.parseInt(options.getOrDefault("rounds", "3"));
    int most = Integer.parseInt(options.getOrDefault("queries", "500"));
    List<PassageCorpus.Query> queries;
    try (PassageCorpus corpus = PassageCorpus.open(folders.get(0), 1)) {
      queries = corpus.queries(most);
    }
    List<DirectoryReader> readers = new ArrayList<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Way> ways = new ArrayList<>();
      for (Path folder : folders.subList(1, folders.size())) {
        DirectoryReader reader = DirectoryReader.open(FSDirectory.open(folder));
        readers.add(reader);
        IndexSearcher searcher =
            threads == 1 ? new IndexSearcher(reader) : new IndexSearcher(reader, executor);
        searcher.setQueryCache(null);
        String form = reader.getIndexCommit().getUserData().getOrDefault("form", "impacts");
        VectorFields fields = SparseIndexes.fields(SparseForm.parse(form), false);
        VectorQueries of = fields.queries();
        String name = folder.getFileName() + "";
        if (options.containsKey("words")) {
          ways.add(new Way(name + ", BM25", searcher, (query, k, filter) -> words(query, filter)));
        } else {
          Best all = (query, k, filter) -> of.sparse(query.vector(), filter);
          Best best = (query, k, filter) -> of.sparse(query.vector(), k, filter);
          ways.add(new Way(name, searcher, form.equals("blocks") ? best : all));
          if (form.equals("blocks") && options.containsKey("maxscore")) {
            ways.add(new Way(name + ", MaxScore", searcher, all));
          }
        }
        System.out.printf(
            Locale.ROOT,
            "%s: %,d passages, %d segments, %s%n",
            folder.getFileName(),
            reader.numDocs(),
            reader.leaves().size(),
            form);
      }
      for (String filter : options.getOrDefault("filters", "none").split(",", -1)) {
        for (String k : options.getOrDefault("k", "10,100,1000").split(",", -1)) {
          compare(ways, queries, Integer.parseInt(k), filter, rounds);
        }
      }
    } finally {
      for (DirectoryReader reader : readers) {
        reader.close();
      }
    }
  }

  private static void compare(
      List<Way> ways, List<PassageCorpus.Query> queries, int k, String filter, int rounds)
      throws IOException {
    Query accepted =
        filter.equals("none") ? null : new TermQuery(new Term(SparseIndexes.SHARE, filter));
    long[][] nanos = new long[ways.size()][rounds * queries.size()];
    long[] cpu = new long[ways.size()];
    int[] different = new int[ways.size()];
    for (int round = -1; round < rounds; round++) {
      for (int q = 0; q < queries.size(); q++) {
        ScoreDoc[][] found = new ScoreDoc[ways.size()][];
        for (int turn = 0; turn < ways.size(); turn++) {
          int w = (turn + q) % ways.size();
          long used = CPU.getCurrentThreadCpuTime();
          long start = System.nanoTime();
          found[w] = ways.get(w).best(queries.get(q), k, accepted);
          long took = System.nanoTime() - start;
          if (round >= 0) {
            cpu[w] += CPU.getCurrentThreadCpuTime() - used;
            nanos[w][round * queries.size() + q] = took;
          }
        }
        for (int w = 1; round == 0 && w < ways.size(); w++) {
          different[w] += same(found[0], found[w]) ? 0 : 1;
        }
      }
    }
    double[] first = new double[3];
    for (int w = 0; w < ways.size(); w++) {
      Arrays.sort(nanos[w]);
      double p50 = nanos[w][nanos[w].length / 2] / 1e6;
      double p99 = nanos[w][(int) (nanos[w].length * 0.99)] / 1e6;
      double mean = cpu[w] / 1e6 / nanos[w].length;
      if (w == 0) {
        first = new double[] {p50, p99, mean};
      }
      System.out.printf(
          Locale.ROOT,
          "filter %-5s k=%-5d %-24s p50 %8.3f ms  p99 %8.3f ms  cpu %8.3f ms"
              + "  %6.2fx %6.2fx %6.2fx  other lists %d%n",
          filter,
          k,
          ways.get(w).name(),
          p50,
          p99,
          mean,
          first[0] / p50,
          first[1] / p99,
          first[2] / mean,
          different[w]);
    }
  }

  /** Whether the scores are the same but for what sums of floats lose; ties may be any of them. */
  private static boolean same(ScoreDoc[] a, ScoreDoc[] b) {
    if (a.length != b.length) {
      return false;
    }
    for (int i = 0; i < a.length; i++) {
      if (Math.abs(a[i].score - b[i].score) > 1e-5f * Math.abs(a[i].score)) {
        return false;
      }
    }
    return true;
  }
}
