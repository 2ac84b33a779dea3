package outside;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/**
 * A service that is told to end while texts are under way, and closes its engine in a shutdown hook.
 * Arguments: the backend; {@code warm} to embed before, or {@code cold}; {@code exit} to call
 * System.exit, or {@code signal} to wait for one.
 */
public final class Shutdown {
  private static final int TEXTS = 100;

  private Shutdown() {}

  /** Prints "submitted" when the texts are, and at the end what became of them. */
  public static void main(String[] args) throws InterruptedException {
    // Far more than it takes, on a machine that does other work as well.
    EmbeddingEngine engine =
        EmbeddingEngine.builder()
            .model("starter")
            .backend(args[0])
            .closeTimeout(Duration.ofMinutes(5))
            .open();
    if (args[1].equals("warm")) {
      engine.embedAll(List.of(text(0), text(1), "short"), EmbedOptions.passage());
    }
    List<CompletableFuture<Embedding>> futures = new ArrayList<>();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  engine.close();
                  System.out.println(outcome(futures));
                }));
    for (int i = 0; i < TEXTS; i++) {
      futures.add(engine.embed(text(i)));
    }
    System.out.println("submitted");
    if (args[2].equals("exit")) {
      System.exit(0);
    }
    Thread.currentThread().join();
  }

  private static String text(int i) {
    return "some longer text that takes a while ".repeat(8) + i;
  }

  private static String outcome(List<CompletableFuture<Embedding>> futures) {
    int embedded = 0;
    Map<String, Integer> failed = new TreeMap<>();
    for (CompletableFuture<Embedding> future : futures) {
      try {
        future.join();
        embedded++;
      } catch (RuntimeException e) {
        failed.merge(String.valueOf(e.getCause()), 1, Integer::sum);
      }
    }
    return "embedded " + embedded + ", lost " + failed;
  }
}
