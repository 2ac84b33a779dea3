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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Texts of 10 MB through the whole engine, in a JVM with a heap of 128 MB. */
class HugeTextTest {
  private static final String PEAK = "peak MB: ";

  @Test
  @EnabledOnOs(OS.LINUX)
  void textsOfTenMegabytes_areEmbeddedInBoundedMemory() throws Exception {
    List<String> lines = run();

    assertThat(lines)
        .contains(
            "words: [1024] truncated",
            "words: refused, at least 1025 of 1024",
            "one word: [1024] truncated",
            "emoji: [1024] truncated",
            "blanks: [2]",
            "NULs: [1024] truncated",
            "in chunks: more than 400000 tokens",
            "still working");
    long peak =
        lines.stream()
            .filter(line -> line.startsWith(PEAK))
            .mapToLong(line -> Long.parseLong(line.substring(PEAK.length())))
            .findFirst()
            .orElseThrow();
    // An empty JVM with the engine takes about 200.
    assertThat(peak).as("%s", lines).isLessThan(800);
  }

  private static List<String> run() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx128m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Program.class.getName());
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
        embed(engine, "words", words);
        try {
          engine.embed(words, EmbedOptions.passage().truncation(Truncation.ERROR)).join();
        } catch (CompletionException e) {
          TextTooLongException refusal = (TextTooLongException) e.getCause();
          System.out.println(
              "words: refused, at least " + refusal.tokens() + " of " + refusal.limit());
        }
        embed(engine, "one word", "x".repeat(SIZE));
        embed(engine, "emoji", "\uD83D\uDE00".repeat(SIZE / 2));
        embed(engine, "blanks", " ".repeat(SIZE));
        embed(engine, "NULs", "\0".repeat(SIZE));
        Embedding chunked =
            engine
                .embed(
                    words.substring(0, 2 << 20),
                    EmbedOptions.passage().outputs(Output.DENSE).truncation(Truncation.CHUNK))
                .join();
        System.out.println(
            "in chunks: more than " + chunked.tokenCount() / 100_000 * 100_000 + " tokens");
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

    private static void embed(EmbeddingEngine engine, String name, String text) {
      Embedding found =
          engine.embed(text, EmbedOptions.passage().outputs(Output.DENSE, Output.COLBERT)).join();
      System.out.println(
          name + ": [" + found.tokenCount() + "]" + (found.truncated() ? " truncated" : ""));
    }
  }
}
