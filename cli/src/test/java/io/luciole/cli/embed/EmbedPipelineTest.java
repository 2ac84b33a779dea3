package io.luciole.cli.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EmbedPipelineTest {
  private static EmbeddingEngine engine;

  @BeforeAll
  static void open() {
    engine = EmbeddingEngine.builder().maxLength(32).open();
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void next_textsOfManyLengths_comeInTheOrderOfTheInput() throws IOException {
    int count = 300;
    Texts texts = new Texts(count);
    List<String> ids = new ArrayList<>();
    try (TextSource lines = new JsonTexts(texts, "texts", TextFields.USUAL);
        EmbedPipeline pipeline =
            new EmbedPipeline(
                lines, engine, EmbedOptions.passage(), new EmbedPipeline.Bounds(16, 1000))) {
      for (Outcome o = pipeline.next(); o != null; o = pipeline.next()) {
        ids.add(((Outcome.Embedded) o).item().id().value());
      }
    }
    assertThat(ids).isEqualTo(IntStream.range(0, count).mapToObj(Integer::toString).toList());
  }

  @Test
  void read_resultsNotTaken_waits() throws IOException {
    Texts texts = new Texts(1000);
    try (TextSource lines = new JsonTexts(texts, "texts", TextFields.USUAL);
        EmbedPipeline pipeline =
            new EmbedPipeline(
                lines, engine, EmbedOptions.passage(), new EmbedPipeline.Bounds(8, 1 << 20))) {
      // Eight wait in the queue and one has been read that finds no room.
      await().until(() -> texts.read.get() == 9);
      await().during(Duration.ofMillis(200)).until(() -> texts.read.get() == 9);
      assertThat(pipeline.next()).isNotNull();
      await().until(() -> texts.read.get() == 10);
    }
  }

  @Test
  void read_manyCharactersUnderWay_waits() throws IOException {
    Texts texts = new Texts(1000);
    try (TextSource lines = new JsonTexts(texts, "texts", TextFields.USUAL);
        EmbedPipeline pipeline =
            new EmbedPipeline(
                lines, engine, EmbedOptions.passage(), new EmbedPipeline.Bounds(900, 1))) {
      await().until(() -> texts.read.get() == 2);
      await().during(Duration.ofMillis(200)).until(() -> texts.read.get() == 2);
      assertThat(pipeline.next()).isNotNull();
      await().until(() -> texts.read.get() == 3);
    }
  }

  /** Lines of texts, of which each read gives one. */
  private static final class Texts extends InputStream {
    private final AtomicInteger read = new AtomicInteger();
    private final Random random = new Random(7);
    private final int count;

    Texts(int count) {
      this.count = count;
    }

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      if (read.get() == count) {
        return -1;
      }
      String text = "glow ".repeat(random.nextInt(20));
      byte[] line =
          ("{\"id\":" + read.getAndIncrement() + ",\"text\":\"" + text + "\"}\n")
              .getBytes(StandardCharsets.UTF_8);
      System.arraycopy(line, 0, bytes, offset, line.length);
      return line.length;
    }
  }
}
