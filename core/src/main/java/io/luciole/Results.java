package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes the outputs of devices and completes futures, on virtual threads of its own. The
 * callbacks of callers run here and nowhere else, except those of a text that its caller cancels.
 *
 * <p>A batch has a thread for every {@value #TEXTS_A_THREAD} of its texts, at most {@value
 * #THREADS}; a bulk batch has one for every {@value #PROCESSORS_A_BULK_THREAD} processors at most,
 * one of them in any case. They take its texts in order, each the next. A callback may take long or
 * never return: if none of the threads has moved on between two checks of the watchdog, another
 * continues with the texts behind. So a callback delays its neighbours by two checks at most, and
 * cannot block them, even if it waits for one of them.
 */
final class Results {
  private static final Logger log = LoggerFactory.getLogger(Results.class);

  /** The fewest texts that a thread is started for: waking callers takes several µs each. */
  private static final int TEXTS_A_THREAD = 8;

  /** The largest number of threads that a batch begins with. */
  private static final int THREADS = 4;

  /**
   * Each bulk batch leaves most processors to interactive callers who wait for their results. More
   * than one thread serves those whose callbacks compute, as a {@link CrossEncoder}'s do.
   */
  private static final int PROCESSORS_A_BULK_THREAD = 4;

  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("luciole-results-", 0).factory());
  private final Set<Delivery> active = ConcurrentHashMap.newKeySet();
  private final @Nullable EmbeddingCache cache;
  private final int bulkThreads;

  private final AtomicBoolean cacheFailed = new AtomicBoolean();

  Results(@Nullable EmbeddingCache cache, int processors) {
    this.cache = cache;
    this.bulkThreads = Math.clamp(processors / PROCESSORS_A_BULK_THREAD, 1, THREADS);
  }

  /**
   * Delivers a batch's outputs.
   *
   * @param texts the batch's texts, in its order
   * @param released called once the output is closed
   */
  void deliver(
      List<Request> texts,
      TokenBatch batch,
      BackendOutput output,
      EmbeddingDecoder decoder,
      Runnable released) {
    start(
        new Delivery(
            texts,
            i -> {
              Request text = texts.get(i);
              Embedding embedding =
                  decoder.decode(output, batch, i, text.outputs, text.truncated(), text.unpooled());
              keep(text, embedding);
              return embedding;
            },
            () -> {
              try {
                output.close();
              } catch (Throwable t) {
                log.warn("A backend's output could not be closed: {}", t.toString(), t);
              } finally {
                released.run();
              }
            }));
  }

  /** Delivers an embedding that was merged from chunks, and offers it to the cache. */
  void deliverMerged(Request text, Embedding embedding) {
    keep(text, embedding);
    text.complete(embedding);
  }

  private void keep(Request text, Embedding embedding) {
    EmbeddingCache.Key key = text.cacheKey;
    if (cache != null && key != null) {
      try {
        cache.put(key, embedding);
      } catch (Throwable t) {
        // The same cause would fill the log, once for each text.
        if (!cacheFailed.getAndSet(true)) {
          log.warn("The cache failed to keep an embedding; further failures are not logged", t);
        }
      }
    }
  }

  /** Delivers embeddings that need no decoding, one for each text. */
  void deliver(List<Request> texts, List<Embedding> embeddings) {
    if (!texts.isEmpty()) {
      start(new Delivery(texts, embeddings::get, () -> {}));
    }
  }

  /** Fails texts; does nothing if there are none. */
  void fail(List<Request> texts, Throwable failure) {
    if (!texts.isEmpty()) {
      start(
          new Delivery(
              texts,
              i -> {
                throw failure;
              },
              () -> {}));
    }
  }

  private void start(Delivery delivery) {
    active.add(delivery);
    int most = delivery.texts.get(0).lane == Lane.INTERACTIVE ? THREADS : bulkThreads;
    int count = Math.clamp(delivery.texts.size() / TEXTS_A_THREAD, 1, most);
    for (int i = 0; i < count; i++) {
      threads.execute(delivery);
    }
  }

  /** Runs a task on a new virtual thread. */
  void execute(Runnable task) {
    threads.execute(task);
  }

  /** Whether a delivery has not reached its last text yet. */
  boolean isBehind() {
    for (Delivery delivery : active) {
      if (delivery.isBehind()) {
        return true;
      }
    }
    return false;
  }

  /** Starts another thread for each delivery that has not moved on since the last call. */
  void relieveStuck() {
    for (Delivery delivery : active) {
      if (delivery.isStuck()) {
        threads.execute(delivery);
      }
    }
  }

  private interface Decode {
    Embedding embedding(int text) throws Throwable;
  }

  private final class Delivery implements Runnable {
    private final List<Request> texts;
    private final Decode decode;
    private final Runnable allDecoded;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger undecoded;
    private int nextAtLastLook = -1;

    Delivery(List<Request> texts, Decode decode, Runnable allDecoded) {
      this.texts = texts;
      this.decode = decode;
      this.allDecoded = allDecoded;
      this.undecoded = new AtomicInteger(texts.size());
    }

    @Override
    public void run() {
      for (int i = next.getAndIncrement(); i < texts.size(); i = next.getAndIncrement()) {
        Request text = texts.get(i);
        Embedding embedding = null;
        Throwable failure = null;
        try {
          if (!text.isSettled()) {
            embedding = decode.embedding(i);
          }
        } catch (Throwable t) {
          failure = t;
        }
        if (undecoded.decrementAndGet() == 0) {
          allDecoded.run();
        }
        settle(text, embedding, failure);
      }
      active.remove(this);
    }

    private static void settle(
        Request text, @Nullable Embedding embedding, @Nullable Throwable failure) {
      try {
        if (embedding != null) {
          text.complete(embedding);
        } else if (failure != null) {
          text.completeExceptionally(requireNonNull(failure));
        }
      } catch (Throwable t) {
        // The futures catch the exceptions of callbacks; this is memory or stack running out.
        log.warn("A caller's callback failed outside of its future: {}", t.toString(), t);
      }
    }

    boolean isBehind() {
      return next.get() < texts.size();
    }

    /** Called by the watchdog alone. */
    boolean isStuck() {
      int now = next.get();
      boolean stuck = now == nextAtLastLook && now < texts.size();
      nextAtLastLook = now;
      return stuck;
    }
  }
}
