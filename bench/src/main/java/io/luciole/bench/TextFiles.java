package io.luciole.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Role;
import io.luciole.model.Chunker;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;

/**
 * Writes files of made-up texts for {@link EncodeBenchmark} and its peers:
 *
 * <pre>
 * java … io.luciole.bench.TextFiles MODEL FOLDER NAME:LENGTH:COUNT …
 * </pre>
 *
 * <p>A length is a number of the model's tokens, reached within a word, or {@code mixed}:
 * lognormal, median 150, σ 1, 8 to 2048. The same arguments give the same texts.
 */
public final class TextFiles {
  private static final int MEDIAN = 150;

  private TextFiles() {}

  /** Writes the files; see the class. */
  public static void main(String[] args) throws IOException {
    Path folder = Files.createDirectories(Path.of(args[1]));
    ObjectMapper json = new ObjectMapper();
    try (TextTokenizer tokenizer = TextTokenizer.open(ModelSource.parse(args[0]).resolve())) {
      for (int i = 2; i < args.length; i++) {
        String[] file = args[i].split(":", -1);
        Random random = new Random(7);
        int count = Integer.parseInt(file[2]);
        long tokens = 0;
        try (BufferedWriter out = Files.newBufferedWriter(folder.resolve(file[0] + ".jsonl"))) {
          for (int n = 0; n < count; n++) {
            int length = file[1].equals("mixed") ? mixed(random) : Integer.parseInt(file[1]);
            String words = Texts.ofWords(random, length);
            Chunker.Chunk chunk =
                new Chunker(tokenizer, Role.PASSAGE, length, 0).iterator(words).next();
            tokens += chunk.tokens();
            out.write(json.writeValueAsString(Map.of("id", "" + n, "text", chunk.of(words))));
            out.newLine();
          }
        }
        System.out.println(file[0] + ".jsonl: " + count + " texts, " + tokens + " tokens");
      }
    }
  }

  private static int mixed(Random random) {
    double length = MEDIAN * Math.exp(random.nextGaussian());
    return (int) Math.max(8, Math.min(2048, length));
  }
}
