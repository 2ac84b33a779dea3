package io.luciole.cli;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.FolderReader;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.IndexingProgress;
import io.luciole.lucene.IndexingReport;
import io.luciole.lucene.WriteOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code luciole index}. */
@Command(
    name = "index",
    description = "Embed documents and index them, for search by meaning and by words.",
    footer = {
      "",
      "A document whose id the index has already replaces the old one. What fails leaves the index"
          + " as",
      "of its last commit: where it stood before, or, in long runs, where the next run goes on.",
      "",
      "Examples:",
      "  luciole index --index my-index --input corpus.jsonl",
      "  luciole index --index my-index --input notes/",
      "  luciole index --model BAAI/bge-m3 --index my-index --input corpus.jsonl",
      "  luciole index --index my-index --input books/ --chunk 512 --analyzer en"
    })
final class IndexCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Option(
      names = "--index",
      paramLabel = "DIR",
      required = true,
      description = "The index's folder; made if there is none.")
  private Path index = Path.of("");

  @Option(
      names = "--input",
      paramLabel = "IN",
      required = true,
      description = {
        "Documents: JSON lines with _id, text, maybe title and anything else (BEIR's corpus.jsonl),"
            + " or a folder of text files (*.txt, *.md)."
      })
  private Path input = Path.of("");

  @Mixin private SchemaOptions schemaOptions = new SchemaOptions();

  @Option(
      names = "--bulk",
      description = "For a large load: merge at the end only, into one segment, on all processors.")
  private boolean bulk;

  @Option(
      names = "--reorder",
      description =
          "With --bulk: number the documents anew at the end, so that similar ones stand together."
              + " Takes longer; a smaller index, some searches faster.")
  private boolean reorder;

  @Option(
      names = "--skip-failures",
      description = "Report documents that cannot be read or embedded, and index the others.")
  private boolean skipFailures;

  @Spec private CommandSpec spec = CommandSpec.create();

  IndexCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (reorder && !bulk) {
      throw new ParameterException(
          spec.commandLine(), "--reorder is done by the merge that ends a --bulk load: give both");
    }
    schemaOptions.requireWhole();
    LucioleConfig config = LucioleConfig.load().requireKnown();
    boolean isFolder = Files.isDirectory(input);
    long total = isFolder ? -1 : lines();
    try (DocumentSource source = isFolder ? FolderReader.open(input) : BeirReader.corpus(input);
        EmbeddingEngine engine = engineOptions.openForIndex(index, config, Set.of(Role.PASSAGE));
        HybridIndexer indexer = HybridIndexer.open(index, engine, options(engine))) {
      IndexingReport report;
      try (Progress progress = new Progress(console, "Indexing", "documents", total)) {
        report = indexer.indexAll(source, p -> show(progress, p));
      }
      report(report, engine);
      return report.failed() == 0 ? 0 : 1;
    }
  }

  private long lines() throws IOException {
    Inputs.requireFile(input);
    return Inputs.countLines(input);
  }

  private WriteOptions options(EmbeddingEngine engine) {
    WriteOptions options =
        WriteOptions.defaults()
            .onFailure(skipFailures ? WriteOptions.OnFailure.SKIP : WriteOptions.OnFailure.STOP)
            .bulk(bulk)
            .reorder(reorder);
    return schemaOptions.schema(engine).map(options::schema).orElse(options);
  }

  /** Shows how far an indexer is. */
  static void show(Progress progress, IndexingProgress at) {
    if (at.fraction() > 0) {
      progress.expect(Math.round(at.documents() / at.fraction()));
    }
    progress.to(at.documents() + at.failed());
  }

  private void report(IndexingReport report, EmbeddingEngine engine) {
    for (IndexingReport.Failure failure : report.failures()) {
      console.err().println("luciole: " + failure);
    }
    long indexed = report.added() + report.updated();
    double seconds = report.elapsed().toMillis() / 1000.0;
    PrintWriter out = console.out();
    out.println(
        String.format(
            Locale.ROOT,
            "Indexed %,d documents into %s: %,d added, %,d updated, %,d failed.",
            indexed,
            index,
            report.added(),
            report.updated(),
            report.failed()));
    out.println(
        String.format(
            Locale.ROOT,
            "%,d tokens in %s (%,.0f documents and %,.0f tokens a second) with %s on %s.",
            report.tokens(),
            Progress.duration(seconds),
            indexed / Math.max(seconds, 1e-3),
            report.tokens() / Math.max(seconds, 1e-3),
            engine.modelName(),
            engine.backend().device()));
    out.println(
        String.format(
            Locale.ROOT,
            "The model waited %.0f %% of the time, the index's writers %.0f %%.",
            100 * report.engineIdleShare(),
            100 * report.writersIdleShare()));
    if (report.truncated() > 0) {
      out.println(
          String.format(
              Locale.ROOT,
              "%,d documents are longer than the model's %,d tokens; their vectors know the"
                  + " beginning only (--chunk cuts them into passages).",
              report.truncated(),
              engine.description().maxTokens()));
    }
  }
}
