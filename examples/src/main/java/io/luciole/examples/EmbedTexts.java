package io.luciole.examples;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Scores;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Embeds texts asynchronously and compares them with a question. */
public final class EmbedTexts {
  private EmbedTexts() {}

  /**
   * Prints the similarity of each passage to the question.
   *
   * @param args none
   */
  public static void main(String[] args) {
    String question = "Which insects give light?";
    List<String> passages =
        List.of(
            "Fireflies glow at dusk to find a mate.",
            "The lamp on the desk needs a new bulb.",
            "Bees tell each other by dancing where the flowers are.");

    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
      // Submit everything first: each call returns at once, and all that waits is batched.
      CompletableFuture<Embedding> query = engine.embed(question, EmbedOptions.query());
      Map<String, CompletableFuture<Embedding>> waiting = new LinkedHashMap<>();
      for (String passage : passages) {
        waiting.put(passage, engine.embed(passage, EmbedOptions.passage()));
      }

      // Join when you need the results; until then this thread is free for other work.
      Embedding asked = query.join();
      System.out.println(question + "   (" + asked.dense().length + " dimensions)");
      waiting.forEach((passage, embedding) ->
          System.out.printf("%.3f  %s%n", Scores.dense(asked, embedding.join()), passage));
    }
  }
}
