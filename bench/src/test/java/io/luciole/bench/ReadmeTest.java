package io.luciole.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Java of the README compiles and runs with the model that the README depends on. This module
 * is the place, since all others are on its class path.
 */
class ReadmeTest {
  private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @TempDir Path temp;

  private static List<String> blocks() throws IOException {
    Matcher block = BLOCK.matcher(Files.readString(Path.of("../README.md")));
    List<String> blocks = new ArrayList<>();
    while (block.find()) {
      blocks.add(block.group(1));
    }
    return blocks;
  }

  private static String program(List<String> blocks) {
    return """
    import io.luciole.*;
    import io.luciole.cache.*;
    import io.luciole.lucene.*;
    import io.luciole.micrometer.*;
    import io.micrometer.core.instrument.MeterRegistry;
    import java.nio.file.Path;
    import java.util.List;
    import java.util.Map;
    import java.util.concurrent.CompletableFuture;
    import org.apache.lucene.search.Query;

    public class Readme {
      public static void embed(List<String> texts) throws Exception {
        %s
      }

      public static void search(Path folder, Path file, EmbeddingEngine engine) throws Exception {
        %s
      }

      public static void filter(HybridIndexer indexer, HybridSearcher searcher) {
        %s
      }

      public static EmbeddingEngine addTo(Path file, MeterRegistry registry) throws Exception {
        %s
        return engine;
      }
    }
    """
        .formatted(blocks.toArray());
  }

  private void compile(String program) throws IOException {
    Path source = Files.writeString(temp.resolve("Readme.java"), program);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter problems = new StringWriter();
    boolean compiled =
        compiler
            .getTask(
                problems,
                null,
                null,
                List.of("-d", temp.toString(), "-cp", System.getProperty("java.class.path")),
                null,
                compiler
                    .getStandardFileManager(null, null, StandardCharsets.UTF_8)
                    .getJavaFileObjects(source))
            .call();
    assertThat(compiled).as("%s", problems).isTrue();
  }

  private static Method method(Class<?> program, String name) {
    for (Method method : program.getMethods()) {
      if (method.getName().equals(name)) {
        return method;
      }
    }
    throw new AssertionError("no method " + name);
  }

  @Test
  void javaOfTheReadme_runsWithTheModelOfTheReadme() throws Exception {
    List<String> blocks = blocks();
    assertThat(blocks).as("blocks; a further one needs a method here").hasSize(4);
    compile(program(blocks));
    PrintStream usual = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try (URLClassLoader loader =
            new URLClassLoader(new URL[] {temp.toUri().toURL()}, getClass().getClassLoader());
        EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of("luciole.backend", "onnx"))).open()) {
      Class<?> program = loader.loadClass("Readme");
      method(program, "embed").invoke(null, List.of("Fireflies glow.", "Bread is baked."));
      Path corpus = Path.of("../examples/corpus/corpus.jsonl");
      Path index = temp.resolve("index");
      method(program, "search").invoke(null, index, corpus, engine);
      try (HybridIndexer indexer = HybridIndexer.open(index, engine);
          HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
        method(program, "filter").invoke(null, indexer, searcher);
      }
      assertThat(IndexDescription.read(index).documents()).isEqualTo(390);
      MeterRegistry registry = new SimpleMeterRegistry();
      Object opened = method(program, "addTo").invoke(null, temp.resolve("cache"), registry);
      ((EmbeddingEngine) opened).close();
      assertThat(registry.getMeters()).isNotEmpty();
    } finally {
      System.setOut(usual);
    }
    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).hasSize(5);
    assertThat(Double.parseDouble(lines.get(0))).isGreaterThan(Double.parseDouble(lines.get(1)));
    assertThat(lines.get(2)).startsWith("1. ");
  }
}
