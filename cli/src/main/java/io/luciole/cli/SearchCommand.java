package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LegScore;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.TokenMatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code luciole search}. */
@Command(
    name = "search",
    description = "Search an index by meaning and by words.",
    footer = {
      "",
      "The model is the one that the index names, unless --model names its files elsewhere;"
          + " another",
      "model's vectors are refused.",
      "With --json: one object a hit,"
          + " {\"id\":…,\"score\":…,\"legs\":{\"dense\":{\"rank\":1,\"score\":…,\"contribution\":…},…}}",
      "",
      "Examples:",
      "  luciole search --index my-index \"which insects glow\"",
      "  luciole search --index my-index --mode bm25 --top 3 lapis lazuli",
      "  luciole search --index my-index --filter lang=en --filter '{\"year\":{\"gte\":2000}}'"
          + " insects",
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

  @Mixin private FilterOption filter = new FilterOption();

  @Option(
      names = "--tokens",
      description = "Show the tokens that a hit shares with the query, with the weights of both.")
  private boolean tokens;

  @Option(names = "--explain", description = "Show how each score came about.")
  private boolean explain;

  @Option(names = "--json", description = "Print JSON, one object a hit.")
  private boolean json;

  @Parameters(
      paramLabel = "QUERY",
      arity = "1..*",
      description = "What to search for; words are put together with spaces.")
  private List<String> words = new ArrayList<>();

  SearchCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    Leg leg = leg();
    HybridQuery plain = Choice.possible(this::query);
    HybridQuery query = leg == null ? plain : plain.legs(leg);
    LucioleConfig config = LucioleConfig.load().requireKnown();
    try (@Nullable EmbeddingEngine engine =
            leg == Leg.BM25 ? null : engineOptions.openForIndex(index.folder(), config);
        HybridSearcher searcher =
            engine == null
                ? HybridSearcher.open(index.folder())
                : HybridSearcher.open(index.folder(), engine)) {
      requireLeg(searcher.legs(), leg);
      HybridQuery filtered = filter.query(searcher).map(query::filter).orElse(query);
      SearchResult result = Choice.possible(() -> searcher.search(filtered));
      if (json) {
        printJson(result.hits());
      } else {
        print(result, searcher.documents());
      }
      return 0;
    }
  }

  private HybridQuery query() {
    HybridQuery query = HybridQuery.of(String.join(" ", words)).top(top).offset(offset);
    return fusionOptions.apply(query.matchedTokens(tokens));
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

  private void print(SearchResult result, int documents) {
    HitPrinter printer =
        new HitPrinter(console.out(), console.decoratesResults(), String.join(" ", words));
    for (Hit hit : result.hits()) {
      printer.print(hit, result.legs().keySet(), explain);
    }
    int count = result.hits().size();
    String embedding =
        result.tokens() == 0
            ? ""
            : String.format(
                Locale.ROOT,
                ", of which embedding the query took %.0f ms",
                result.embedding().toNanos() / 1e6);
    console
        .err()
        .println(
            String.format(
                    Locale.ROOT,
                    "%s of %,d documents in %.0f ms%s",
                    count == 0 ? "No hit" : count == 1 ? "1 hit" : count + " hits",
                    documents,
                    result.took().toNanos() / 1e6,
                    embedding)
                + (result.partial() ? "; time ran out, so there may be better ones" : ""));
  }

  private void printJson(List<Hit> hits) throws IOException {
    try (JsonGenerator out = new JsonFactory().createGenerator(console.out())) {
      out.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      out.setRootValueSeparator(null);
      for (Hit hit : hits) {
        out.writeStartObject();
        out.writeStringField("id", hit.id());
        out.writeNumberField("score", hit.score());
        out.writeObjectFieldStart("legs");
        for (Map.Entry<Leg, LegScore> leg : hit.legs().entrySet()) {
          out.writeObjectFieldStart(leg.getKey().id());
          out.writeNumberField("rank", leg.getValue().rank());
          out.writeNumberField("score", leg.getValue().score());
          out.writeNumberField("contribution", leg.getValue().contribution());
          out.writeEndObject();
        }
        out.writeEndObject();
        if (!hit.metadata().isEmpty()) {
          out.writeFieldName("metadata");
          out.writeRawValue(hit.metadata().toJson());
        }
        if (hit.passage().isPresent()) {
          out.writeObjectFieldStart("passage");
          out.writeNumberField("start", hit.passage().get().start());
          out.writeNumberField("end", hit.passage().get().end());
          out.writeStringField("text", hit.passage().get().text());
          out.writeEndObject();
        }
        if (tokens) {
          out.writeArrayFieldStart("tokens");
          for (TokenMatch token : hit.tokens()) {
            out.writeStartObject();
            out.writeNumberField("id", token.tokenId());
            out.writeStringField("token", token.token());
            out.writeNumberField("query", token.queryWeight());
            out.writeNumberField("document", token.documentWeight());
            out.writeEndObject();
          }
          out.writeEndArray();
        }
        if (explain) {
          out.writeStringField("explain", hit.explain().toString());
        }
        out.writeEndObject();
        out.writeRaw('\n');
      }
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
