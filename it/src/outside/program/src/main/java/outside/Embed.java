package outside;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.util.List;

/** Embeds two texts with the starter model. The backend is the first argument, or else Luciole's choice. */
public final class Embed {
  private Embed() {}

  /** Prints the vectors' length and what became of the texts. */
  public static void main(String[] args) {
    System.out.println(embed(args));
  }

  /** Also called by reflection, where this class has a class loader of its own. */
  public static String embed(String... args) {
    var builder = EmbeddingEngine.builder().model("starter");
    if (args.length > 0) {
      builder.backend(args[0]);
    }
    try (EmbeddingEngine engine = builder.open()) {
      List<Embedding> embeddings = 
          engine.embedAll(List.of("Fireflies glow.", "Rain falls."), EmbedOptions.passage());
      return "embedded " + embeddings.size() + " texts, " + embeddings.get(0).dense().length + " numbers each";
    }
  }
}
