package io.luciole.cli;

import io.luciole.ValueParser;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code luciole serve}. Only {@link Serving} refers to the server's classes, so that all other
 * commands work where they are not on the class path.
 */
@Command(
    name = "serve",
    description = "Serve the model, and an index, over HTTP.",
    footer = {
      "",
      "Speaks OpenAI's, text-embeddings-inference's and Cohere's APIs, and its own; a page to"
          + " search",
      "with is at /. docs/server.md has them all. Listens on this machine alone unless told",
      "otherwise, and elsewhere only with a key (luciole.server.api-keys) or --insecure.",
      "Ends on SIGINT or SIGTERM, when what is under way is done.",
      "",
      "Examples:",
      "  luciole serve --index my-index",
      "  luciole serve --model BAAI/bge-m3 --port 9000",
      "  luciole serve --model m3=BAAI/bge-m3 --model small=starter    # two, each by its name",
      "  luciole serve --model BAAI/bge-m3 --rerank-model BAAI/bge-reranker-v2-m3"
    })
final class ServeCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Option(
      names = "--rerank-model",
      paramLabel = "MODEL",
      description = {
        "A reranker, such as BAAI/bge-reranker-v2-m3, for /rerank and for searches that ask for it;"
            + " NAME=MODEL gives it a name. May be repeated."
      })
  private List<String> rerankModels = new ArrayList<>();

  @Option(
      names = "--index",
      paramLabel = "DIR",
      description = "The index to search and write; made if it is not there.")
  private @Nullable Path index;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "The address to listen on; 127.0.0.1 by default.")
  private @Nullable String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      converter = PortConverter.class,
      description = "The port; 8080 by default, 0 for any that is free.")
  private @Nullable Integer port;

  @Option(
      names = "--insecure",
      description = "Allow other machines to call without a key. Whoever reaches the port may.")
  private boolean insecure;

  ServeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws InterruptedException {
    try {
      Serving.run(
          console, engineOptions, new Serving.Flags(rerankModels, index, host, port, insecure));
      return 0;
    } catch (NoClassDefFoundError e) {
      throw new CliException(
          "The server is not on the class path ("
              + e.getMessage()
              + " is missing): add io.luciole:luciole-server-lite and what it depends on",
          e);
    }
  }

  /** Reads a port. */
  static final class PortConverter implements picocli.CommandLine.ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      return Choice.checked(() -> ValueParser.port().parse(value));
    }
  }
}
