package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ResultsTest {
  private final BlockingQueue<Thread> answeredBy = new LinkedBlockingQueue<>();

  /** Texts whose callers note the thread that answers them, and hold it up until it may go on. */
  private List<Request> texts(EmbedOptions options, CountDownLatch goOn) {
    List<Request> texts = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      Request text = new Request(Input.of(""), options, Set.of(Output.DENSE), "", 0, NoOwner.IT);
      var unused =
          text.whenComplete((embedding, failure) -> {
            answeredBy.add(Thread.currentThread());
            try {
              goOn.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      texts.add(text);
    }
    return texts;
  }

  @Test
  void interactiveBatch_isAnsweredBySeveralThreads() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    new Results(null, 2).fail(texts(EmbedOptions.query(), goOn), Pipeline.deadlinePassed());

    assertThat(answerers(4)).doesNotHaveDuplicates();
    goOn.countDown();
  }

  @Test
  void bulkBatch_isAnsweredBySeveralThreads_whereProcessorsAreLeftForOthers() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    new Results(null, 16).fail(texts(EmbedOptions.passage(), goOn), Pipeline.deadlinePassed());

    assertThat(answerers(4)).doesNotHaveDuplicates();
    assertThat(answeredBy.poll(100, TimeUnit.MILLISECONDS)).isNull();
    goOn.countDown();
  }

  private List<Thread> answerers(int count) throws InterruptedException {
    List<Thread> first = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      first.add(answeredBy.take());
    }
    return first;
  }

  @Test
  void bulkBatch_isAnsweredByOneThread_whereProcessorsAreFew() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    List<Request> texts = texts(EmbedOptions.passage(), goOn);
    new Results(null, 7).fail(texts, Pipeline.deadlinePassed());

    Thread only = answeredBy.take();
    assertThat(answeredBy.poll(100, TimeUnit.MILLISECONDS)).isNull();
    goOn.countDown();
    for (int i = 1; i < texts.size(); i++) {
      assertThat(answeredBy.take()).isSameAs(only);
    }
  }
}
