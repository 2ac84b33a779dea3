package io.luciole.cli;

import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.MetadataFilters;
import io.luciole.lucene.WriteOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.lucene.search.Query;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code luciole delete}. */
@Command(
    name = "delete",
    description = "Delete documents from an index, by their ids or by a filter.",
    footer = {
      "",
      "Needs no model. Says how many documents it deletes and commits once. By a filter it asks",
      "before it deletes; where nobody can answer, it wants --yes.",
      "",
      "Examples:",
      "  luciole delete --index my-index --id d1 --id d2",
      "  luciole delete --index my-index --id=-d3                 an id that begins with a dash",
      "  luciole delete --index my-index --filter '{\"year\":{\"lt\":2000}}' --dry-run",
      "  luciole delete --index my-index --filter lang=en --yes"
    })
final class DeleteCommand implements Callable<Integer> {
  private final Console console;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private IndexOption index = new IndexOption();

  @Option(
      names = "--id",
      paramLabel = "ID",
      description = "Delete the document with this id. May be repeated.")
  private List<String> ids = new ArrayList<>();

  @Mixin private FilterOption filter = new FilterOption();

  @Option(
      names = {"-y", "--yes"},
      description = "Delete without asking.")
  private boolean yes;

  @Option(names = "--dry-run", description = "Say how many documents match, and delete none.")
  private boolean dryRun;

  DeleteCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (ids.isEmpty() != filter.isGiven()) {
      throw new ParameterException(
          spec.commandLine(),
          ids.isEmpty()
              ? "Expected --id or --filter: which documents are to be deleted"
              : "Expected either --id or --filter, not both");
    }
    IndexDescription of = IndexDescription.read(index.folder());
    Query query = filter.query(of.schema()).orElseGet(() -> MetadataFilters.ids(ids));
    long matching;
    try (HybridSearcher searcher = HybridSearcher.open(index.folder())) {
      matching = searcher.count(query);
    }
    String match = String.format(Locale.ROOT, "%,d of %,d documents", matching, of.documents());
    if (dryRun) {
      console.out().println(match + " match; none is deleted, for --dry-run.");
      return 0;
    }
    if (matching == 0) {
      console.out().println(match + " match; nothing is deleted.");
      return 0;
    }
    if (!yes && filter.isGiven() && !confirmed(match)) {
      console.out().println("Nothing is deleted.");
      return 1;
    }
    long deleted;
    try (HybridIndexer indexer =
        HybridIndexer.open(index.folder(), of.fingerprint(), WriteOptions.defaults())) {
      deleted = indexer.delete(query);
    }
    console
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "Deleted %,d documents from %s; %,d are left.",
                deleted,
                index.folder(),
                IndexDescription.read(index.folder()).documents()));
    return 0;
  }

  private boolean confirmed(String match) throws IOException {
    if (!console.asks()) {
      throw new CliException(
          match + " match. --yes deletes them, --dry-run only counts; nothing was deleted");
    }
    String answer = console.ask("Delete " + match + "? [y/N] ");
    return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
  }
}
