package io.luciole.bench;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.Leg;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.WriteOptions;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * A large index of made-up documents ({@link SyntheticCorpus}): how long it takes to make, what it
 * takes on disk, and how fast each leg and their fusion answer.
 *
 * <pre>
 * MillionDocuments index  FOLDER [documents=1000000] [threads=N] [quantization=8bit] [buffer=2000]
 * MillionDocuments search FOLDER [queries=200] [warmup=100] [recall=0] [ways=all] [fusion=auto]
 * </pre>
 *
 * <p>{@code search} uses the processors it finds: pin it with {@code taskset} to measure with one
 * or two. {@code recall} is the number of queries whose dense lists are compared with the nearest
 * of all documents, which are computed anew; {@code ways} is dense, sparse, bm25 or hybrid, and
 * {@code fusion} how hybrid searches fuse; several with commas between are measured in turn.
 */
public final class MillionDocuments {
  private static final int[] TOPS = {10, 100};

  private MillionDocuments() {}

  /** Runs it; see the class. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[1]);
    switch (args[0]) {
      case "index" -> index(folder, args);
      case "search" -> search(folder, args);
      default -> throw new IllegalArgumentException("expected index or search, got " + args[0]);
    }
  }

  private static String option(String[] args, String name, String otherwise) {
    for (String arg : args) {
      if (arg.startsWith(name + "=")) {
        return arg.substring(name.length() + 1);
      }
    }
    return otherwise;
  }

  private static void index(Path folder, String[] args) throws Exception {
    int processors = Runtime.getRuntime().availableProcessors();
    int documents = Integer.parseInt(option(args, "documents", "1000000"));
    int threads = Integer.parseInt(option(args, "threads", Integer.toString(processors)));
    int buffer = Integer.parseInt(option(args, "buffer", "2000"));
    DenseQuantization quantization = DenseQuantization.parse(option(args, "quantization", "8bit"));
    SyntheticCorpus corpus = new SyntheticCorpus();
    Path model = Files.createTempDirectory("luciole-model");
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder()
            .model(normalized(model))
            .backend(new NoBackend())
            .outputs(Output.DENSE, Output.SPARSE)
            .open()) {
      HybridSchema schema = HybridSchema.builder(engine).quantization(quantization).build();
      WriteOptions options =
          WriteOptions.defaults()
              .schema(schema)
              .bulk(true)
              .writerThreads(threads)
              .bufferMiB(buffer);
      try (HybridIndexer indexer = HybridIndexer.open(folder, engine, options)) {
        long start = System.nanoTime();
        put(corpus, indexer, documents, Math.max(1, threads / 4));
        indexer.commit();
        double added = (System.nanoTime() - start) / 1e9;
        System.out.printf(
            Locale.ROOT,
            "%,d documents, %s, %d writers, buffer %d MiB: added and flushed in %.1f s"
                + " (%,.0f documents/s)",
            documents,
            quantization.id(),
            threads,
            buffer,
            added,
            documents / added);
        System.out.flush();
        indexer.commitMerged();
        double all = (System.nanoTime() - start) / 1e9;
        System.out.printf(
            Locale.ROOT,
            ", merged into one segment in %.1f s more; %.1f s in all (%,.0f documents/s)%n",
            all - added,
            all,
            documents / all);
      }
    } finally {
      IOUtils.rm(model);
    }
    sizes(folder);
  }

  private static ModelSource normalized(Path folder) throws IOException {
    ModelSource model = FakeModel.write(folder, 512);
    Files.writeString(
        folder.resolve("luciole.json"),
        "{\"pooling\": \"cls\", \"normalize\": true, \"maxTokens\": 512}");
    return model;
  }

  private static void put(SyntheticCorpus corpus, HybridIndexer indexer, int documents, int makers)
      throws Exception {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger failed = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < makers; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int d = next.getAndIncrement(); d < documents; d = next.getAndIncrement()) {
                  SyntheticCorpus.Item item = corpus.document(d);
                  var unused =
                      indexer
                          .put(item.document(), item.embedding())
                          .whenComplete((replaced, failure) -> {
                            if (failure != null) {
                              failed.incrementAndGet();
                            }
                          });
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    if (failed.get() > 0) {
      throw new IllegalStateException(failed + " documents failed");
    }
  }

  private static void sizes(Path folder) {
    IndexDescription description = IndexDescription.read(folder);
    System.out.printf(
        Locale.ROOT,
        "%,d documents in %d segments, %,.0f MB%n",
        description.documents(),
        description.segments(),
        description.bytes() / 1e6);
    description
        .parts()
        .forEach((part, bytes) ->
            System.out.printf(
                Locale.ROOT,
                "  %10.1f MB  %7.1f B a document  %s%n",
                bytes / 1e6,
                (double) bytes / description.documents(),
                part));
  }

  private record Way(String name, Set<Leg> legs) {}

  private record Filter(String name, @Nullable Query query) {}

  private static void search(Path folder, String[] args) {
    int count = Integer.parseInt(option(args, "queries", "200"));
    int warmUp = Integer.parseInt(option(args, "warmup", "100"));
    int recall = Integer.parseInt(option(args, "recall", "0"));
    String only = option(args, "ways", "all");
    SyntheticCorpus corpus = new SyntheticCorpus();
    List<Way> ways =
        List.of(
            new Way("dense", EnumSet.of(Leg.DENSE)),
            new Way("sparse", EnumSet.of(Leg.SPARSE)),
            new Way("bm25", EnumSet.of(Leg.BM25)),
            new Way("hybrid", EnumSet.allOf(Leg.class)));
    List<Fusion> fusions =
        Arrays.stream(option(args, "fusion", Fusion.usual().name()).split(",", -1))
            .map(Fusion::parse)
            .toList();
    Query one = HybridQuery.metadata("percent", "one");
    List<Filter> filters =
        List.of(
            new Filter("none", null),
            new Filter("1 %", one),
            new Filter("10 %", HybridQuery.metadata("percent", "ten")));
    try (HybridSearcher searcher = HybridSearcher.open(folder)) {
      int documents = searcher.documents();
      List<SyntheticCorpus.Item> queries =
          IntStream.range(0, count)
              .mapToObj(q -> corpus.query(q, (int) (q * 7_368_787L % documents)))
              .toList();
      System.out.printf(
          Locale.ROOT,
          "%,d documents, %d processors, %d queries; milliseconds%n",
          documents,
          Runtime.getRuntime().availableProcessors(),
          count);
      for (Way way : ways) {
        if (!only.equals("all") && !only.equals(way.name())) {
          continue;
        }
        for (int top : TOPS) {
          for (Filter filter : filters) {
            for (Fusion fusion : way.legs().size() == 1 ? fusions.subList(0, 1) : fusions) {
              measure(searcher, queries, way, fusion, filter, top, warmUp);
            }
          }
        }
      }
      if (recall > 0) {
        recall(searcher, corpus, queries.subList(0, Math.min(recall, count)), documents);
      }
    }
  }

  private static HybridQuery query(SyntheticCorpus.Item item, Set<Leg> legs, int top) {
    return HybridQuery.of(item.document().text())
        .embedding(item.embedding())
        .legs(legs)
        .depth(top)
        .top(top);
  }

  private static void measure(
      HybridSearcher searcher,
      List<SyntheticCorpus.Item> queries,
      Way way,
      Fusion fusion,
      Filter filter,
      int top,
      int warmUp) {
    long[] nanos = new long[queries.size()];
    long hits = 0;
    for (int i = -warmUp; i < queries.size(); i++) {
      HybridQuery query =
          query(queries.get(Math.floorMod(i, queries.size())), way.legs(), top).fusion(fusion);
      if (filter.query() != null) {
        query = query.filter(filter.query());
      }
      long start = System.nanoTime();
      int found = searcher.search(query).hits().size();
      if (i >= 0) {
        nanos[i] = System.nanoTime() - start;
        hits += found;
      }
    }
    Arrays.sort(nanos);
    System.out.printf(
        Locale.ROOT,
        "%-6s  %-6s  k=%-3d  filter %-16s  p50 %8.2f  p99 %8.2f  mean hits %.1f%n",
        way.name(),
        fusion.name(),
        top,
        filter.name(),
        nanos[nanos.length / 2] / 1e6,
        nanos[(int) (nanos.length * 0.99)] / 1e6,
        (double) hits / nanos.length);
  }

  private static void recall(
      HybridSearcher searcher,
      SyntheticCorpus corpus,
      List<SyntheticCorpus.Item> queries,
      int documents) {
    List<Nearest> nearest = queries.stream().map(q -> new Nearest(q.embedding().dense())).toList();
    IntStream.range(0, documents)
        .parallel()
        .forEach(d -> {
          float[] vector = corpus.document(d).embedding().dense();
          nearest.forEach(n -> n.offer(d, vector));
        });
    int found = 0;
    for (int q = 0; q < queries.size(); q++) {
      Set<String> expected = nearest.get(q).ids();
      for (ScoredId hit :
          searcher.search(query(queries.get(q), EnumSet.of(Leg.DENSE), 10)).leg(Leg.DENSE)) {
        found += expected.contains(hit.id()) ? 1 : 0;
      }
    }
    System.out.printf(
        Locale.ROOT,
        "recall@10 of dense %.4f over %d queries%n",
        found / 10.0 / queries.size(),
        queries.size());
  }

  /** The ten nearest documents of a query, as they come. */
  private static final class Nearest {
    private record Scored(int document, float score) {}

    private final float[] query;
    private final PriorityQueue<Scored> best =
        new PriorityQueue<>((a, b) -> Float.compare(a.score(), b.score()));

    Nearest(float[] query) {
      this.query = query;
    }

    void offer(int document, float[] vector) {
      float dot = 0;
      for (int i = 0; i < query.length; i++) {
        dot += query[i] * vector[i];
      }
      synchronized (best) {
        best.add(new Scored(document, dot));
        if (best.size() > 10) {
          best.remove();
        }
      }
    }

    Set<String> ids() {
      Set<String> ids = new HashSet<>();
      synchronized (best) {
        best.forEach(s -> ids.add(Integer.toString(s.document())));
      }
      return ids;
    }
  }

  /** A model of the right shape, whose vectors come from elsewhere. */
  private static final class NoBackend implements BackendProvider {
    @Override
    public String name() {
      return "none";
    }

    @Override
    public Probe probe() {
      return new Probe("none", List.of(Device.CPU), List.of());
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      BackendInfo info =
          new BackendInfo(
              "none",
              "none",
              Device.CPU,
              "fp32",
              EnumSet.of(Output.DENSE, Output.SPARSE),
              SyntheticCorpus.DIMENSION,
              0,
              512,
              false,
              1);
      return new Backend() {
        @Override
        public BackendInfo info() {
          return info;
        }

        @Override
        public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
          throw new UnsupportedOperationException("every document brings its vectors");
        }

        @Override
        public void close() {}
      };
    }
  }
}
