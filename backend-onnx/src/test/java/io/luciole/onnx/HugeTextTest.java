package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.TextTooLongException;
import io.luciole.Truncation;
import io.luciole.model.ModelSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Texts of 10 MB through the whole engine, in a JVM with a heap of 128 MB. */
class HugeTextTest {
  private static final String PEAK = "peak MB: ";

  @Test
  @EnabledOnOs(OS.LINUX)
  void textsBeyondTheLimit_areReadAsFarAsNeeded() throws Exception {
    List<String> lines = run("words", "refused", "one word", "chunks");

    assertThat(lines)
        .contains(
            "words: [1024] truncated",
            "refused: at least 1025 of 1024",
            "one word: [1024] truncated",
            "chunks: more than 120000 tokens",
            "still working");
    // An empty JVM with the engine takes about 200.
    assertThat(peak(lines)).as("%s", lines).isLessThan(800);
  }

  /** Unknown characters in a row are one token: no part of such a text fills the model's limit. */
  @Test
  @Tag("long")
  @EnabledOnOs(OS.LINUX)
  void textsOfFewTokens_areReadToABound() throws Exception {
    List<String> lines = run("emoji", "blanks", "NULs");

    assertThat(lines)
        .contains(
            "emoji: [4] truncated",
            "blanks: [3] truncated",
            "NULs: [4] truncated",
            "still working");
    assertThat(peak(lines)).as("%s", lines).isLessThan(800);
  }

  private static long peak(List<String> lines) {
    return lines.stream()
        .filter(line -> line.startsWith(PEAK))
        .mapToLong(line -> Long.parseLong(line.substring(PEAK.length())))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> run(String... names) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx128m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Program.class.getName());
    command.addAll(List.of(names));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    byte[] output = process.getInputStream().readAllBytes();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    return new String(output, StandardCharsets.UTF_8).lines().toList();
  }

  /** The program of the JVM that is watched. */
  public static final class Program {
    private static final int SIZE = 10 << 20;

    private Program() {}

    /** Embeds huge texts with mini-m3 and prints what becomes of them. */
    public static void main(String[] args) throws IOException {
      try (EmbeddingEngine engine =
          EmbeddingEngine.builder().model(ModelSource.path(TestModels.MINI_M3)).open()) {
        String words = "Fireflies glow in the dark. ".repeat(SIZE / 28);
        for (String name : args) {
          switch (name) {
            case "words" -> embed(engine, name, words);
            case "refused" -> refuse(engine, words);
            case "one word" -> embed(engine, name, "x".repeat(SIZE));
            case "emoji" -> embed(engine, name, "\uD83D\uDE00".repeat(SIZE / 2));
            case "blanks" -> embed(engine, name, " ".repeat(SIZE));
            case "NULs" -> embed(engine, name, "\0".repeat(SIZE));
            default -> chunk(engine, words.substring(0, SIZE / 40));
          }
        }
        if (engine.embed("Fireflies glow.").join().tokenCount() > 3) {
          System.out.println("still working");
        }
      }
      System.out.println(
          PEAK
              + Files.readAllLines(Path.of("/proc/self/status")).stream()
                  .filter(line -> line.startsWith("VmHWM:"))
                  .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
                  .findFirst()
                  .orElse(-1));
    }

    private static void refuse(EmbeddingEngine engine, String text) {
      try {
        engine.embed(text, EmbedOptions.passage().truncation(Truncation.ERROR)).join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof TextTooLongException refusal) {
          System.out.println("refused: at least " + refusal.tokens() + " of " + refusal.limit());
        }
      }
    }

    private static void chunk(EmbeddingEngine engine, String text) {
      EmbedOptions options =
          EmbedOptions.passage().outputs(Output.DENSE).truncation(Truncation.CHUNK);
      int tokens = engine.embed(text, options).join().tokenCount();
      System.out.println("chunks: more than " + tokens / 10_000 * 10_000 + " tokens");
    }

    private static void embed(EmbeddingEngine engine, String name, String text) {
      Embedding found =
          engine.embed(text, EmbedOptions.passage().outputs(Output.DENSE, Output.COLBERT)).join();
      System.out.println(
          name + ": [" + found.tokenCount() + "]" + (found.truncated() ? " truncated" : ""));
    }
  }
}
