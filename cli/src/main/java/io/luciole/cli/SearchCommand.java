package io.luciole.cli;

import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.PassageScorer;
import io.luciole.lucene.SearchResult;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code luciole search}. */
@Command(
    name = "search",
    description = "Search an index by meaning and by words.",
    footer = {
      "",
      "The model is the one that the index names, unless --model names its files elsewhere;"
          + " another",
      "model's vectors are refused.",
      "\"Words in quotation marks\" are a phrase, and word* is any word that begins so. The shell"
          + " takes",
      "quotation marks away: put single ones around the query.",
      "With --json: one object a hit (and a last line {\"facets\":[…]} with --facet),"
          + " {\"id\":…,\"score\":…,\"legs\":{\"dense\":{\"rank\":1,\"score\":…,\"contribution\":…},…}}",
      "",
      "Examples:",
      "  luciole search --index my-index \"which insects glow\"",
      "  luciole search --index my-index --mode bm25 --top 3 lapis lazuli",
      "  luciole search --index my-index --mode bm25 '\"lapis lazuli\" ultram*'",
      "  luciole search --index my-index --filter lang=en --filter '{\"year\":{\"gte\":2000}}'"
          + " insects",
      "  luciole search --index my-index --rerank-model BAAI/bge-reranker-v2-m3 \"which insects"
          + " glow\"",
      "  luciole search --index my-index --json \"which insects glow\" | jq -r .id"
    })
final class SearchCommand implements Callable<Integer> {
  /** Which legs search. */
  enum Mode {
    HYBRID,
    DENSE,
    SPARSE,
    BM25
  }

  private final Console console;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Mixin private IndexOption index = new IndexOption();

  @Option(
      names = "--mode",
      paramLabel = "MODE",
      converter = ModeConverter.class,
      description =
          "hybrid (the default): all that the index has, fused; or dense, sparse or bm25 alone.")
  private Mode mode = Mode.HYBRID;

  @Option(
      names = "--top",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description = "How many hits; 10 by default.")
  private int top = 10;

  @Option(
      names = "--offset",
      paramLabel = "N",
      description = "How many hits to leave out before them; 0 by default.")
  private int offset;

  @Mixin private FusionOptions fusionOptions = new FusionOptions();

  @Option(
      names = "--rerank-model",
      paramLabel = "MODEL",
      description = {
        "Rerank the best hits by a model that reads each together with the query, such as"
            + " BAAI/bge-reranker-v2-m3; --rerank says how many."
      })
  private @Nullable String rerankModel;

  @Mixin private FilterOption filter = new FilterOption();

  @Mixin private ArrangeOptions arrangeOptions = new ArrangeOptions();

  @Option(
      names = "--tokens",
      description = "Show the tokens that a hit shares with the query, with the weights of both.")
  private boolean tokens;

  @Option(
      names = "--explain",
      description =
          "Tell in words what each leg and the fusion did, and how each hit came to its place.")
  private boolean explain;

  @Option(names = "--json", description = "Print JSON, one object a hit.")
  private boolean json;

  @Parameters(
      paramLabel = "QUERY",
      arity = "0..*",
      description =
          "What to search for; words are put together with spaces. Without any, at a terminal,"
              + " queries are asked for one after the other.")
  private List<String> words = new ArrayList<>();

  SearchCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    boolean interactive = words.isEmpty() && arrangeOptions.arrangement().sort().isEmpty();
    if (interactive && (!console.asks() || json)) {
      throw new ParameterException(
          spec.commandLine(), "Missing required parameter: 'QUERY' (or --sort, to list documents)");
    }
    Leg leg = leg();
    boolean needsModel = leg != Leg.BM25 && (interactive || !words.isEmpty());
    HybridQuery query = Choice.usable(spec, () -> query(String.join(" ", words), null));
    LucioleConfig config = LucioleConfig.load().requireKnown();
    try (@Nullable EmbeddingEngine engine =
            needsModel
                ? engineOptions.openForIndex(index.folder(), config, Set.of(Role.QUERY))
                : null;
        @Nullable CrossEncoder reranker =
            rerankModel == null ? null : engineOptions.openReranker(config, rerankModel);
        HybridSearcher searcher =
            engine == null
                ? HybridSearcher.open(index.folder())
                : HybridSearcher.open(index.folder(), engine)) {
      if (needsModel) {
        requireLeg(searcher.legs(), leg);
      }
      @Nullable PassageScorer scorer = reranker == null ? null : PassageScorer.of(reranker);
      if (interactive) {
        new InteractiveSearch(
                console,
                (typed, hits, why, more) ->
                    search(searcher, query(typed, scorer).top(hits), why, more),
                filters -> FilterOption.all(filters, searcher.schema()),
                top,
                explain)
            .run();
      } else {
        search(searcher, query(query.text(), scorer), explain, List.of());
      }
      return 0;
    }
  }

  private void search(
      HybridSearcher searcher, HybridQuery query, boolean why, List<String> moreFilters)
      throws IOException {
    List<String> filters = filter.and(moreFilters);
    HybridQuery filtered =
        FilterOption.all(filters, searcher.schema()).map(query::filter).orElse(query);
    SearchResult result = Choice.possible(() -> searcher.search(filtered));
    if (json) {
      new ResultJson(console, tokens, why).print(result);
    } else {
      new ResultPrinter(console, filters).print(filtered, result, searcher.documents(), why);
    }
  }

  private HybridQuery query(String text, @Nullable PassageScorer reranker) {
    HybridQuery query =
        HybridQuery.of(text)
            .top(top)
            .offset(offset)
            .matchedTokens(tokens)
            .arrange(arrangeOptions.arrangement());
    Leg leg = leg();
    return fusionOptions.apply(leg == null ? query : query.legs(leg), reranker);
  }

  private @Nullable Leg leg() {
    return switch (mode) {
      case HYBRID -> null;
      case DENSE -> Leg.DENSE;
      case SPARSE -> Leg.SPARSE;
      case BM25 -> Leg.BM25;
    };
  }

  private void requireLeg(Set<Leg> legs, @Nullable Leg wanted) {
    if (wanted != null && !legs.contains(wanted)) {
      throw new CliException(
          "The index "
              + index.folder()
              + " can be searched by "
              + legs.stream().map(Leg::id).collect(Collectors.joining(", "))
              + ", not by "
              + wanted.id()
              + (wanted == Leg.SPARSE
                  ? ": its model gives no sparse weights; BAAI/bge-m3 does"
                  : ""));
    }
  }

  /** Reads a mode. */
  static final class ModeConverter implements ITypeConverter<Mode> {
    @Override
    public Mode convert(String value) {
      return Choice.of(Mode.values(), m -> m.name().toLowerCase(Locale.ROOT), value);
    }
  }
}
