package io.luciole;

import io.luciole.model.TokenizedText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that tokenise texts ahead of the devices. Each takes a few texts from the raw queue,
 * delivers those that the cache knows, and passes the others on to the ready queue.
 *
 * <p>A short text of a caller that has no other in the engine is tokenised by the thread that
 * submits it ({@link #tokenizeInline}): waking another thread would take about as long, and many
 * such callers tokenise beside each other.
 */
final class TokenizerStage {
  private static final Logger log = LoggerFactory.getLogger(TokenizerStage.class);

  /** The texts that a thread takes at once: few, so that a device soon has something to do. */
  private static final BatchScheduler.Limits CHUNK = new BatchScheduler.Limits(1024, 32, 0);

  /** How many processors are many: callers that tokenise do not delay each other there. */
  private static final int MANY_PROCESSORS = 8;

  /** How long a thread waits after a failure, so that one that stays does not fill the log. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Tokenises texts. Called from several threads at once. */
  interface Tokenizer {
    TokenizedText tokenize(String text, Role role);

    /**
     * Returns a text's tokens if the model has them, whoever made them, and throws otherwise. Asked
     * of the engine's tokenizer alone.
     */
    default TokenizedText check(TokenizedText tokens) {
      return tokens;
    }

    /** The policy for texts that are too long; called only if there is one that is not cut off. */
    default TruncationPolicy truncationPolicy() {
      throw new UnsupportedOperationException("this tokenizer only cuts long texts");
    }
  }

  private final Pipeline pipeline;
  private final Tokenizer tokenizer;
  private final BatchScheduler raw;
  private final BatchScheduler ready;
  private final @Nullable EmbeddingCache cache;
  private final @Nullable CacheKeys keys;
  private final int inlineMaxChars;
  private final AtomicBoolean cacheFailed = new AtomicBoolean();
  private final AtomicInteger underWay = new AtomicInteger();
  private final List<Thread> threads = new ArrayList<>();

  TokenizerStage(
      Pipeline pipeline,
      Tokenizer tokenizer,
      BatchScheduler raw,
      BatchScheduler ready,
      @Nullable EmbeddingCache cache,
      @Nullable CacheKeys keys,
      int processors) {
    this.pipeline = pipeline;
    this.tokenizer = tokenizer;
    this.raw = raw;
    this.ready = ready;
    this.cache = cache;
    this.keys = keys;
    this.inlineMaxChars = inlineMaxChars(processors);
  }

  /**
   * The largest length of a text that its caller tokenises, in characters. 128 take about as long
   * as waking another thread. 512, 0.15 to 0.3 ms of English, take longer; but where there are many
   * processors, callers that wait for each text tokenise beside each other, and one thread that
   * wakes would cut the texts of all of them one after another.
   */
  static int inlineMaxChars(int processors) {
    return processors < MANY_PROCESSORS ? 128 : 512;
  }

  void start(int count) {
    for (int i = 0; i < count; i++) {
      threads.add(Thread.ofPlatform().name("luciole-tokenizer-" + i).daemon().start(this::run));
    }
  }

  /** The texts that threads have taken and not yet tokenised, callers' threads included. */
  int underWay() {
    return underWay.get();
  }

  /**
   * Waits until the threads have ended and no caller is in the tokenizer. The threads end once the
   * raw queue is closed and empty. After the engine was closed, the tokenizer is not used any more
   * when this returns true.
   *
   * @param endNanos when to give up, by {@link System#nanoTime}
   * @return whether it is so
   */
  boolean awaitEnd(long endNanos) throws InterruptedException {
    boolean ended = true;
    for (Thread thread : threads) {
      ended &= thread.join(Duration.ofNanos(Math.max(1, endNanos - System.nanoTime())));
    }
    // Callers are polled for, at close only: a signal would cost each of them a lock.
    while (underWay.get() > 0 && endNanos - System.nanoTime() > 0) {
      Thread.sleep(1);
    }
    return ended && underWay.get() == 0;
  }

  /**
   * Tokenises a text on the thread of its caller and passes it on, if it is short and there is no
   * cache. A cache may be slow, and is promised never to be called from callers' threads.
   *
   * @return true if the text was passed on or settled; false if it must go through the raw queue
   */
  boolean tokenizeInline(Request request) {
    String text = request.text();
    if (cache != null || (text != null && text.length() > inlineMaxChars)) {
      return false;
    }
    try {
      // First counted, then asked whether the engine is closed; awaitEnd does it the other way
      // round.
      underWay.incrementAndGet();
      List<Request> tokenized;
      try {
        if (pipeline.isClosed()) {
          return false;
        }
        tokenized = tokenize(request);
      } finally {
        underWay.decrementAndGet();
      }
      pipeline.enqueue(ready, tokenized);
    } catch (Throwable t) {
      // The caller's stack may have overflowed, for example. Nothing depends on the text yet.
      request.completeExceptionally(t);
    }
    return true;
  }

  private void run() {
    BatchConsumer consumer =
        new BatchConsumer() {
          @Override
          public BatchScheduler.Limits limits() {
            return CHUNK;
          }

          @Override
          public boolean stopped() {
            return false;
          }
        };
    boolean open = true;
    while (open) {
      try {
        List<Request> chunk = raw.take(consumer);
        open = chunk != null;
        if (chunk != null) {
          moveOn(chunk);
        }
      } catch (InterruptedException e) {
        log.warn("A tokenizer thread was interrupted by somebody else; it goes on.");
      } catch (Throwable t) {
        log.error("A tokenizer thread failed and goes on: {}", t.toString(), t);
        LockSupport.parkNanos(this, PAUSE_NANOS);
      }
    }
  }

  /** Delivers texts or passes them on; if that fails, so do all of them. */
  private void moveOn(List<Request> chunk) {
    try {
      List<Request> done = new ArrayList<>(chunk.size());
      List<Request> known = new ArrayList<>();
      List<Embedding> embeddings = new ArrayList<>();
      underWay.addAndGet(chunk.size());
      try {
        for (Request request : chunk) {
          Embedding cached = cached(request);
          if (cached != null) {
            known.add(request);
            embeddings.add(cached);
          } else {
            done.addAll(tokenize(request));
          }
        }
      } finally {
        underWay.addAndGet(-chunk.size());
      }
      pipeline.results().deliver(known, embeddings);
      pipeline.enqueue(ready, done);
    } catch (Throwable t) {
      pipeline.results().fail(chunk, t);
      throw t;
    }
  }

  private @Nullable Embedding cached(Request request) {
    String text = request.text();
    if (cache == null || keys == null || text == null || !request.given().isPlain()) {
      return null;
    }
    try {
      request.cacheKey = keys.key(text, request.role, request.outputs, request.truncation);
      Embedding found = cache.get(request.cacheKey).orElse(null);
      pipeline.metrics().cached(found != null);
      if (found != null && found.truncated()) {
        pipeline.metrics().truncated();
      }
      return found;
    } catch (Throwable t) {
      if (!cacheFailed.getAndSet(true)) {
        log.warn("The cache failed and is passed over; further failures are not logged", t);
      }
      return null;
    }
  }

  /** Tokenises a text: returns it, its chunks, or nothing if it is settled or failed. */
  private List<Request> tokenize(Request request) {
    String text = request.text();
    if (text == null) {
      return List.of();
    }
    List<Request> parts;
    try {
      parts = parts(request, text);
      if (request.truncated()) {
        pipeline.metrics().truncated();
      }
    } catch (Throwable t) {
      pipeline.results().fail(List.of(request), t);
      return List.of();
    }
    // A text in chunks keeps its permits until it is settled.
    pipeline.release(request, request.reserveExactly());
    return parts;
  }

  private TokenizedText timed(Tokenizer of, Request request, String text) {
    long start = System.nanoTime();
    TokenizedText tokens = of.tokenize(text, request.role);
    pipeline.metrics().tokenized(request.lane, System.nanoTime() - start);
    return tokens;
  }

  private List<Request> parts(Request request, String text) {
    TokenizedText given = request.given().tokens();
    Tokenizer own = request.given().tokenizer();
    Tokenizer of = own != null ? own : tokenizer;
    TokenizedText tokens = checked(given != null ? given : timed(of, request, text));
    boolean cut =
        request.truncation == Truncation.TRUNCATE
            || (given != null && request.truncation == Truncation.CHUNK);
    if (!tokens.truncated() || cut) {
      request.tokenized(tokens);
      return List.of(request);
    }
    TruncationPolicy truncationPolicy = of.truncationPolicy();
    if (request.truncation == Truncation.ERROR) {
      throw given != null
          ? truncationPolicy.refusal()
          : truncationPolicy.refusal(text, request.role);
    }
    pipeline.metrics().chunked();
    return truncationPolicy.chunks(
        request, text, this::checked, merged -> pipeline.results().deliverMerged(request, merged));
  }

  /** The tokens if the model can compute them; one text without any would fail its whole batch. */
  private TokenizedText checked(TokenizedText tokens) {
    if (tokens.length() == 0) {
      throw noTokens();
    }
    return tokenizer.check(tokens);
  }

  static IllegalArgumentException noTokens() {
    return new IllegalArgumentException(
        "expected at least one token in a text, found none: the model's tokenizer makes none of this"
            + " one and adds no special ones; leave such texts out");
  }
}
