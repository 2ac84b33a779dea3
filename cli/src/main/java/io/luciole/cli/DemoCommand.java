package io.luciole.cli;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.ProcessKeys;
import io.luciole.internal.CacheFolder;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexingReport;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.eval.EvaluationQuery;
import io.luciole.lucene.eval.EvaluationTable;
import io.luciole.lucene.eval.Qrels;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code luciole demo}. */
@Command(
    name = "demo",
    description = {
      "See it work: index the corpus that comes along, search it, measure the answers.",
      "Takes seconds, needs no network, and leaves an index in the cache folder to play with."
    },
    footer = {"", "Examples:", "  luciole demo", "  luciole demo --model BAAI/bge-m3"})
final class DemoCommand implements Callable<Integer> {
  /** A query and why it was chosen. */
  private record Question(String text, String remark) {}

  private static final List<Question> QUESTIONS =
      List.of(
          new Question(
              "my salary buys fewer things than it used to",
              "its answer speaks of inflation: meaning finds it"),
          new Question("jaguar", "one word, several meanings: nothing to go by but the word"),
          new Question(
              "구텐베르크보다 먼저 금속 활자로 찍은 책",
              "Korean; starter is an English model, and the words make up for it"));

  private final Console console;
  private final PrintWriter out;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  DemoCommand(Console console) {
    this.console = console;
    this.out = console.out();
  }

  @Override
  public Integer call() {
    long started = System.nanoTime();
    LucioleConfig config = LucioleConfig.load().requireKnown();
    Path folder = CacheFolder.path().toAbsolutePath().resolve("demo");
    try (DemoCorpus corpus = DemoCorpus.unpack(folder);
        EmbeddingEngine engine = engineOptions.open(engineOptions.builder(config))) {
      long documents = index(corpus, engine);
      EvaluationTable table;
      try (HybridSearcher searcher = HybridSearcher.open(corpus.index(), engine)) {
        search(searcher);
        table = measure(corpus, searcher);
      }
      sayWhatItDid(engine, documents, table, (System.nanoTime() - started) / 1e9);
      sayWhatIsNext(corpus);
      return 0;
    }
  }

  private long index(DemoCorpus corpus, EmbeddingEngine engine) {
    heading("1. Indexing examples/corpus with the model " + engine.modelName());
    IndexingReport report;
    try (DocumentSource source = BeirReader.corpus(corpus.corpus());
        HybridIndexer indexer = HybridIndexer.open(corpus.index(), engine);
        Progress progress = new Progress(console, "Indexing", "documents", -1)) {
      report = indexer.indexAll(source, at -> IndexCommand.show(progress, at));
    }
    double seconds = report.elapsed().toMillis() / 1000.0;
    out.println(
        String.format(
            Locale.ROOT,
            "   %,d documents, %,d tokens in %s (%,.0f documents a second) on %s",
            report.added(),
            report.tokens(),
            Progress.duration(seconds),
            report.added() / Math.max(seconds, 1e-3),
            engine.backend().device()));
    return report.added();
  }

  private void search(HybridSearcher searcher) {
    heading("2. Searching it by meaning (dense) and by words (bm25) at once");
    for (Question question : QUESTIONS) {
      out.println();
      out.println("   \"" + question.text + "\"   " + question.remark);
      SearchResult result = searcher.search(HybridQuery.of(question.text).top(3));
      for (Hit hit : result.hits()) {
        out.println(
            String.format(
                Locale.ROOT,
                "   %d. %s   score %.4f   %s",
                hit.rank(),
                pad(HitPrinter.oneLine(hit.title()), 40),
                hit.score(),
                HitPrinter.legs(hit, result.legs().keySet())));
      }
    }
  }

  private static String pad(String text, int columns) {
    return text + " ".repeat(Math.max(0, columns - Columns.width(text)));
  }

  private EvaluationTable measure(DemoCorpus corpus, HybridSearcher searcher) {
    heading("3. Measuring it on queries with known answers");
    out.println();
    Qrels qrels = Qrels.read(corpus.qrels());
    EvaluationTable table =
        EvalCommand.evaluate(console, searcher, EvaluationQuery.readBeir(corpus.queries()), qrels);
    table.bestFirst().format().lines().forEach(line -> out.println("   " + line));
    out.println("   " + Fusion.usual().name() + " is hybrid search: both legs, fused.");
    return table;
  }

  private void sayWhatItDid(
      EmbeddingEngine engine, long documents, EvaluationTable table, double seconds) {
    out.println();
    out.println(
        String.format(
            Locale.ROOT,
            "In %s: each of %,d passages became a vector (%s, %d dimensions, in this JVM) and a"
                + " document of a Lucene index;%n%d queries went to every leg, and the legs' lists"
                + " were fused by how far their best stand out.",
            Progress.duration(seconds),
            documents,
            engine.backend().version(),
            engine.backend().dimension(),
            table.queries() + QUESTIONS.size()));
  }

  private void sayWhatIsNext(DemoCorpus corpus) {
    String luciole = commandName();
    String index = quoted(corpus.index().toString());
    out.println();
    out.println("Next, for instance:");
    out.println("  " + luciole + " search --index " + index + " \"how do bees talk\"");
    out.println(
        "  " + luciole + " search --index " + index + " --mode bm25 --explain lapis lazuli");
    out.println("  " + luciole + " index --index my-index --input FOLDER-OF-YOUR-TEXTS");
    out.println("  " + luciole + " doctor");
  }

  /** The name that the launcher was called by, so that printed commands can be copied. */
  private static String commandName() {
    String name = System.getenv(ProcessKeys.COMMAND.variable());
    return name == null || name.isBlank() ? "luciole" : name;
  }

  /** The path, quoted for a shell if need be. */
  private static String quoted(String path) {
    return path.matches("[\\w./~+@%,:=-]+") ? path : "'" + path.replace("'", "'\\''") + "'";
  }

  private void heading(String text) {
    out.println();
    out.println(text);
    out.flush();
  }
}
