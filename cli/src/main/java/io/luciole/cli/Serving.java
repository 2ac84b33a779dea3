package io.luciole.cli;

import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import io.luciole.server.ServerKeys;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;

/** Runs a server until a signal ends the process. */
final class Serving {
  /** Values of flags, which replace what is configured; null or empty where a flag is not set. */
  record Flags(
      List<String> rerankModels,
      @Nullable Path index,
      @Nullable String host,
      @Nullable Integer port,
      boolean insecure) {}

  private Serving() {}

  static void run(Console console, EngineOptions engineOptions, Flags flags)
      throws InterruptedException {
    LucioleConfig config = LucioleConfig.load().requireKnown();
    Logging.format(
        config.get(ServerKeys.LOG_FORMAT).equals("json") ? LogFormat.JSON : LogFormat.TEXT);
    ServerConfig settings = settings(ServerConfig.of(config), flags);
    Path folder = settings.indexes().index().orElse(null);
    CompletableFuture<Void> asked = new CompletableFuture<>();
    CountDownLatch ended = new CountDownLatch(1);
    try (ServedEngines engines =
            ServedEngines.open(engineOptions, flags.rerankModels(), config, settings);
        LucioleServer server =
            LucioleServer.start(settings, engines.byName(), engines.rerankers())) {
      // The JVM halts when its shutdown hooks have returned, so this one waits for the close below.
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    asked.complete(null);
                    await(ended);
                  },
                  "luciole-shutdown"));
      Logging.tell(
          console,
          Level.INFO,
          "serving "
              + String.join(", ", engines.byName().keySet())
              + (engines.rerankers().isEmpty()
                  ? ""
                  : ", the reranker " + String.join(", ", engines.rerankers().keySet()))
              + (folder == null ? "" : " and the index " + folder)
              + " at "
              + server.uri());
      awaitEnd(asked, server);
      Duration drain = settings.operations().drain();
      Logging.tell(
          console,
          Level.INFO,
          (drain.isZero() ? "" : "serving on for " + drain.toSeconds() + " s, then ")
              + "finishing what is under way");
    } finally {
      ended.countDown();
    }
  }

  /** Waits for a signal; throws if the server has stopped listening before one came. */
  private static void awaitEnd(CompletableFuture<Void> asked, LucioleServer server)
      throws InterruptedException {
    try {
      CompletableFuture.anyOf(asked, server.ended()).get();
    } catch (ExecutionException e) {
      Throwable cause = Failures.unwrap(e);
      throw new CliException(Failures.text(cause), cause);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static ServerConfig settings(ServerConfig settings, Flags flags) {
    ServerConfig changed =
        settings.at(
            flags.host() != null ? flags.host() : settings.host(),
            flags.port() != null ? flags.port() : settings.port());
    if (flags.index() != null) {
      changed = changed.index(flags.index());
    }
    return flags.insecure() ? changed.insecure(true) : changed;
  }
}
