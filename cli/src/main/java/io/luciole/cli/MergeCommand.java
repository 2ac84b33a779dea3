package io.luciole.cli;

import io.luciole.lucene.DuplicateIds;
import io.luciole.lucene.IndexMerge;
import io.luciole.lucene.MergeReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code luciole merge}. */
@Command(
    name = "merge",
    description = "Merge shards, such as a Spark job writes, into one index or into several.",
    footer = {
      "",
      "Needs no model, embeds nothing again, and leaves the shards as they are. Shards must have one",
      "model and one schema. An id that several shards have is refused, unless --duplicates says",
      "whose document stays.",
      "",
      "Examples:",
      "  luciole merge spark-output --output my-index",
      "  luciole merge shard-0 shard-1 shard-2 --output my-index --one-segment",
      "  luciole merge spark-output --output my-index --indexes 4     my-index-0 to my-index-3"
    })
final class MergeCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(
      arity = "1..*",
      paramLabel = "SHARDS",
      description = "Folders of indexes, or of shards with their manifest _shards.")
  private List<Path> shards = new ArrayList<>();

  @Option(
      names = "--output",
      paramLabel = "DIR",
      required = true,
      description = "The folder of the index to make, outside the shards; nothing may be there.")
  private Path output = Path.of("");

  @Option(
      names = "--indexes",
      paramLabel = "N",
      description = "Make this many indexes of about the same size, DIR-0 and so on. Default: 1.",
      converter = Choice.Positive.class)
  private int indexes = 1;

  @Option(
      names = "--duplicates",
      paramLabel = "WHO",
      description =
          "Whose document stays if several shards have its id: refuse, latest-wins or first-wins, by"
              + " the order of the shards. Default: refuse.",
      converter = Policy.class)
  private DuplicateIds duplicates = DuplicateIds.REFUSE;

  @Option(
      names = "--one-segment",
      description = "Merge each index into one segment: slower to make, fastest to search.")
  private boolean oneSegment;

  MergeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() {
    List<Path> targets = targets();
    requireOutside(targets);
    MergeReport report =
        Choice.possible(() ->
            IndexMerge.of(shards).duplicates(duplicates).oneSegment(oneSegment).into(targets));
    for (int i = 0; i < targets.size(); i++) {
      console
          .out()
          .println(
              String.format(
                  Locale.ROOT, "%,d documents in %s", report.documents().get(i), targets.get(i)));
    }
    if (report.duplicates() > 0) {
      console
          .out()
          .println(
              String.format(
                  Locale.ROOT,
                  "%,d ids were in more than one of the %,d shards, one document of each was kept:"
                      + " %s%s",
                  report.duplicates(),
                  report.shards(),
                  String.join(", ", report.duplicateIds()),
                  report.duplicates() > report.duplicateIds().size() ? ", …" : ""));
    }
    return 0;
  }

  private List<Path> targets() {
    if (indexes == 1) {
      return List.of(output);
    }
    List<Path> targets = new ArrayList<>();
    for (int i = 0; i < indexes; i++) {
      targets.add(Path.of(output + "-" + i));
    }
    return targets;
  }

  /** A shard's folder holds nothing but the shard, and stays as it is. */
  private void requireOutside(List<Path> targets) {
    try {
      for (Path shard : shards) {
        for (Path target : targets) {
          if (Files.exists(shard) && place(target).startsWith(shard.toRealPath())) {
            throw new CliException(
                "Expected --output outside the shards, found "
                    + target
                    + " within "
                    + shard
                    + ". Name another folder.");
          }
        }
      }
    } catch (IOException e) {
      throw new CliException("Cannot read the shards: " + Failures.message(e), e);
    }
  }

  /** Where a folder would be made: what exists of its path by its one name, and the rest. */
  private static Path place(Path path) throws IOException {
    Path whole = path.toAbsolutePath();
    for (Path at = whole; at != null; at = at.getParent()) {
      if (Files.exists(at)) {
        return at.toRealPath().resolve(at.relativize(whole)).normalize();
      }
    }
    return whole.normalize();
  }

  /** Reads the name of a policy. */
  static final class Policy implements ITypeConverter<DuplicateIds> {
    private static String name(DuplicateIds policy) {
      return policy.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    @Override
    public DuplicateIds convert(String value) {
      return Choice.of(DuplicateIds.values(), Policy::name, value);
    }
  }
}
