package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * Runs the handlers of requests on platform threads, one for each request in progress.
 *
 * <p>Connections are handled by virtual threads, of which no more than the machine has cores run at
 * once, each until it waits. Parsing, tokenising, searching and highlighting do not wait: as many
 * such requests as there are cores would stop every connection, a probe of the server's health
 * included. Platform threads share the cores by the operating system's clock instead, and leave the
 * virtual threads to what never computes for long.
 *
 * <p>{@link RequestLimiter} bounds the requests in progress, and with them the threads. Safe for
 * use by many threads.
 */
final class Workers implements AutoCloseable {
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          Thread.ofPlatform().daemon().name("luciole-http-", 0).factory());

  /**
   * Handles a request on another thread, which has the calling thread's MDC, and waits for its end.
   * If the calling thread is interrupted, so is the handler; its end is waited for all the same,
   * since an exchange is used by one thread at a time.
   *
   * @throws Throwable what the handler threw
   */
  void handle(Route.Handling handling, Exchange x) throws Throwable {
    Handler handler = new Handler(handling, x, MDC.getCopyOfContextMap());
    threads.execute(handler);
    handler.await();
  }

  /** Lets handlers in progress end, and takes no more. */
  @Override
  public void close() {
    threads.shutdown();
  }

  /** One handler on its thread. */
  private static final class Handler implements Runnable {
    private final Route.Handling handling;
    private final Exchange exchange;
    private final @Nullable Map<String, String> context;
    private final CountDownLatch ended = new CountDownLatch(1);

    @GuardedBy("this")
    private @Nullable Thread thread;

    @GuardedBy("this")
    private boolean interrupted;

    @GuardedBy("this")
    private @Nullable Throwable failure;

    Handler(Route.Handling handling, Exchange exchange, @Nullable Map<String, String> context) {
      this.handling = handling;
      this.exchange = exchange;
      this.context = context;
    }

    @Override
    public void run() {
      begin();
      if (context != null) {
        MDC.setContextMap(context);
      }
      try {
        handling.handle(exchange);
      } catch (Throwable t) {
        fail(t);
      } finally {
        MDC.clear();
        end();
      }
    }

    private synchronized void begin() {
      thread = Thread.currentThread();
      if (interrupted) {
        thread.interrupt();
      }
    }

    private synchronized void fail(Throwable t) {
      failure = t;
    }

    /** From here on no interrupt reaches the thread, which may have another handler next. */
    private void end() {
      synchronized (this) {
        thread = null;
        boolean unused = Thread.interrupted();
      }
      ended.countDown();
    }

    private synchronized void interrupt() {
      interrupted = true;
      if (thread != null) {
        thread.interrupt();
      }
    }

    void await() throws Throwable {
      boolean stopped = false;
      while (true) {
        try {
          ended.await();
          break;
        } catch (InterruptedException e) {
          stopped = true;
          interrupt();
        }
      }
      if (stopped) {
        Thread.currentThread().interrupt();
      }
      synchronized (this) {
        if (failure != null) {
          throw failure;
        }
      }
    }
  }
}
