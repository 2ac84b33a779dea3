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
 * Decodes what devices computed and settles futures, on virtual threads of its own: dependents of
 * callers run here and nowhere else, apart from those of a text that its caller cancels.
 *
 * <p>A batch's texts are dealt with in order by one thread. A caller's dependent may take long or
 * never return: when a thread has not come further between two looks of the watchdog, another goes
 * on behind it. So a dependent can delay its neighbours by two looks and cannot hold them, not even
 * one that waits for a neighbour.
 */
final class Results {
  private static final Logger log = LoggerFactory.getLogger(Results.class);

  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("luciole-results-", 0).factory());
  private final Set<Delivery> active = ConcurrentHashMap.newKeySet();
  private final @Nullable EmbeddingCache cache;

  private final AtomicBoolean cacheFailed = new AtomicBoolean();

  Results(@Nullable EmbeddingCache cache) {
    this.cache = cache;
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
                  decoder.decode(output, batch, i, text.outputs, text.truncated());
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

  /** Keeps and delivers an embedding that was merged from chunks. */
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
        // One cause would fill the log a text at a time.
        if (!cacheFailed.getAndSet(true)) {
          log.warn("The cache failed to keep an embedding; further failures are not logged", t);
        }
      }
    }
  }

  /** Delivers embeddings that are there already, one for each text. */
  void deliver(List<Request> texts, List<Embedding> embeddings) {
    if (!texts.isEmpty()) {
      start(new Delivery(texts, embeddings::get, () -> {}));
    }
  }

  /** Fails texts. */
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
    threads.execute(delivery);
  }

  /** Runs something else on a thread of its own. */
  void execute(Runnable task) {
    threads.execute(task);
  }

  /** Whether there are deliveries that have not come to their last text. */
  boolean isBehind() {
    for (Delivery delivery : active) {
      if (delivery.isBehind()) {
        return true;
      }
    }
    return false;
  }

  /** Starts another thread behind each that has not come further since the last call. */
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
        // Dependents' failures stay in their futures; this is memory or stack running out.
        log.warn("A caller's dependent failed beyond its future: {}", t.toString(), t);
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
