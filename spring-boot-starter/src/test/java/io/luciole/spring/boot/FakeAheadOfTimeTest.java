package io.luciole.spring.boot;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import io.luciole.spring.boot.test.AutoConfigureFakeLuciole;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.aot.generate.ClassNameGenerator;
import org.springframework.aot.generate.DefaultGenerationContext;
import org.springframework.aot.generate.GeneratedFiles.Kind;
import org.springframework.aot.generate.InMemoryGeneratedFiles;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.annotation.AnnotatedBeanDefinitionReader;
import org.springframework.context.annotation.AnnotationConfigUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.aot.AbstractAotProcessor;
import org.springframework.context.aot.ApplicationContextAotGenerator;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.core.io.InputStreamSource;
import org.springframework.javapoet.ClassName;

/** {@link AutoConfigureFakeLuciole} in an application that Spring has processed ahead of time. */
class FakeAheadOfTimeTest {
  @TempDir private Path folder;

  /** An application whose own engine and index need what a test does not have. */
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @AutoConfigureFakeLuciole
  public static class Application {
    /** Called by Spring. */
    public Application() {}

    /** The real engine. */
    @Bean
    public EmbeddingEngine own() {
      throw new IllegalStateException("the real engine was opened");
    }

    /** The real index. */
    @Bean
    public HybridIndexer articles() {
      throw new IllegalStateException("the real index was opened");
    }
  }

  @Test
  void engineAndIndexOfTheApplication_areReplacedToo() throws Exception {
    InMemoryGeneratedFiles files = new InMemoryGeneratedFiles();
    ClassName initializer = process(files);
    define(compile(files));
    try (GenericApplicationContext context = new GenericApplicationContext()) {
      initializer(initializer.canonicalName()).initialize(context);
      context.refresh();
      assertThat(context.getBeanNamesForType(EmbeddingEngine.class)).containsExactly("own");
      assertThat(context.getBeanNamesForType(HybridIndexer.class)).containsExactly("articles");
      assertThat(context.getBean(EmbeddingEngine.class).backend().backend()).isEqualTo("fake");
      context.getBean(HybridIndexer.class).put(SourceDocument.of("one", "", "w1")).join();
      HybridSearcher searcher = context.getBean(HybridSearcher.class);
      searcher.refresh();
      assertThat(searcher.contains("one")).isTrue();
    }
  }

  /** What Spring's plugins for Maven and Gradle do when they build. */
  private static ClassName process(InMemoryGeneratedFiles files) {
    GenericApplicationContext context = new GenericApplicationContext();
    AnnotationConfigUtils.registerAnnotationConfigProcessors(context);
    new AnnotatedBeanDefinitionReader(context).register(Application.class);
    DefaultGenerationContext generation =
        new DefaultGenerationContext(
            new ClassNameGenerator(ClassName.get(FakeAheadOfTimeTest.class)), files);
    System.setProperty(AbstractAotProcessor.AOT_PROCESSING, "true");
    try {
      ClassName initializer =
          new ApplicationContextAotGenerator().processAheadOfTime(context, generation);
      generation.writeGeneratedContent();
      return initializer;
    } finally {
      System.clearProperty(AbstractAotProcessor.AOT_PROCESSING);
      context.close();
    }
  }

  private Path compile(InMemoryGeneratedFiles files) throws IOException {
    Path classes = folder.resolve("classes");
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "-proc:none",
                "-nowarn",
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                classes.toString()));
    for (Map.Entry<String, InputStreamSource> file :
        files.getGeneratedFiles(Kind.SOURCE).entrySet()) {
      Path source = folder.resolve("sources").resolve(file.getKey());
      Files.createDirectories(requireNonNull(source.getParent(), "a package"));
      try (InputStream text = file.getValue().getInputStream()) {
        long unused = Files.copy(text, source);
      }
      arguments.add(source.toString());
    }
    assertThat(
            ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, arguments.toArray(String[]::new)))
        .isZero();
    return classes;
  }

  /** Each class beside the one that it is named after, since it calls what only its package may. */
  private static void define(Path classes) throws IOException, ReflectiveOperationException {
    List<Path> all;
    try (Stream<Path> files = Files.walk(classes)) {
      all = files.filter(file -> file.toString().endsWith(".class")).sorted().toList();
    }
    assertThat(all).isNotEmpty();
    for (Path file : all) {
      String name = classes.relativize(file).toString().replace(File.separatorChar, '.');
      Class<?> neighbour = Class.forName(name.substring(0, name.indexOf("__")));
      Class<?> unused =
          MethodHandles.privateLookupIn(neighbour, MethodHandles.lookup())
              .defineClass(Files.readAllBytes(file));
    }
  }

  @SuppressWarnings("unchecked") // The class is made of a template of Spring's.
  private static ApplicationContextInitializer<GenericApplicationContext> initializer(String name)
      throws ReflectiveOperationException {
    return (ApplicationContextInitializer<GenericApplicationContext>)
        Class.forName(name)
            .asSubclass(ApplicationContextInitializer.class)
            .getDeclaredConstructor()
            .newInstance();
  }
}
