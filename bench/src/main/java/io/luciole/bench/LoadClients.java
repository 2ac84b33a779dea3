package io.luciole.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** Clients of {@code /v1/embeddings}: a connection each, one text at a time, on virtual threads. */
final class LoadClients {
  private static final int HUNG_MILLIS = 60_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What came of it.
   *
   * @param latencies of the answers with status 200, in milliseconds, ascending
   * @param refused answers with status 429
   * @param others how often what else came: {@code status 404 model_not_found}, or a connection
   *     that failed, by the exception's name
   * @param hung requests without an answer for a minute
   */
  record Result(
      List<Double> latencies,
      long refused,
      SortedMap<String, Long> others,
      long hung,
      double seconds) {
    double perSecond() {
      return latencies.size() / seconds;
    }

    double refusedPerSecond() {
      return refused / seconds;
    }

    double percentile(double share) {
      return latencies.isEmpty()
          ? Double.NaN
          : latencies.get((int) Math.min(latencies.size() - 1, share * latencies.size()));
    }
  }

  private final int port;
  private final String model;
  private final List<String> texts;
  private final long endNanos;
  private final long pauseMillis;
  private final AtomicInteger next = new AtomicInteger();
  private final LongAdder refused = new LongAdder();
  private final ConcurrentSkipListMap<String, LongAdder> others = new ConcurrentSkipListMap<>();
  private final LongAdder hung = new LongAdder();

  private LoadClients(int port, String model, List<String> texts, long endNanos, long pauseMillis) {
    this.port = port;
    this.model = model;
    this.texts = texts;
    this.endNanos = endNanos;
    this.pauseMillis = pauseMillis;
  }

  /**
   * Runs clients.
   *
   * @param model the name by which the server knows its model
   * @param mostPerSecond requests a second of all together, roughly; for throttled runs
   */
  static Result run(
      int port, String model, int connections, List<String> texts, int seconds, int mostPerSecond)
      throws InterruptedException {
    long start = System.nanoTime();
    long pause = mostPerSecond == Integer.MAX_VALUE ? 0 : 1000L * connections / mostPerSecond;
    LoadClients clients =
        new LoadClients(port, model, texts, start + seconds * 1_000_000_000L, pause);
    List<List<Double>> latencies = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      List<Double> own = new ArrayList<>();
      latencies.add(own);
      threads.add(Thread.ofVirtual().start(() -> clients.client(own)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    double took = Math.max(seconds, (System.nanoTime() - start) / 1e9);
    List<Double> all = new ArrayList<>();
    latencies.forEach(all::addAll);
    double[] sorted = all.stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(sorted);
    return new Result(
        Arrays.stream(sorted).boxed().toList(),
        clients.refused.sum(),
        clients.others(),
        clients.hung.sum(),
        took);
  }

  private SortedMap<String, Long> others() {
    SortedMap<String, Long> counts = new TreeMap<>();
    others.forEach((what, count) -> counts.put(what, count.sum()));
    return counts;
  }

  private void countOther(String what) {
    others.computeIfAbsent(what, w -> new LongAdder()).increment();
  }

  private byte[] body(String text) throws IOException {
    return JSON.writeValueAsBytes(
        Map.of("model", model, "encoding_format", "base64", "input", text));
  }

  private void client(List<Double> latencies) {
    try (Socket socket = new Socket()) {
      socket.setTcpNoDelay(true);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), HUNG_MILLIS);
      socket.setSoTimeout(HUNG_MILLIS);
      InputStream in = new BufferedInputStream(socket.getInputStream(), 1 << 14);
      while (System.nanoTime() < endNanos) {
        String text = texts.get(Math.floorMod(next.getAndIncrement(), texts.size()));
        byte[] body = body(text);
        byte[] head =
            ("POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                    + "Content-Length: "
                    + body.length
                    + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] request = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, request, head.length, body.length);
        long start = System.nanoTime();
        socket.getOutputStream().write(request);
        Answer answer = Answer.read(in);
        if (answer.status() == 200) {
          latencies.add((System.nanoTime() - start) / 1e6);
        } else if (answer.status() == 429) {
          refused.increment();
          long left = (endNanos - System.nanoTime()) / 1_000_000;
          Thread.sleep(Math.clamp(1000L * answer.retryAfter(), 0, Math.max(0, left)));
        } else {
          countOther(answer.problem());
        }
        if (pauseMillis > 0) {
          Thread.sleep(pauseMillis);
        }
      }
    } catch (SocketTimeoutException e) {
      hung.increment();
    } catch (IOException e) {
      countOther(e.getClass().getSimpleName());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** An answer, and of one that is neither 200 nor 429 what the server found wrong. */
  private record Answer(int status, int retryAfter, String problem) {
    static Answer read(InputStream in) throws IOException {
      int status = Integer.parseInt(line(in).split(" ", 3)[1]);
      int length = 0;
      int retryAfter = 0;
      for (String header = line(in); !header.isEmpty(); header = line(in)) {
        String lower = header.toLowerCase(Locale.ROOT);
        if (lower.startsWith("content-length:")) {
          length = Integer.parseInt(lower.substring(15).strip());
        } else if (lower.startsWith("retry-after:")) {
          retryAfter = Integer.parseInt(lower.substring(12).strip());
        }
      }
      byte[] body = in.readNBytes(length);
      if (body.length < length) {
        throw new IOException("the answer was cut short");
      }
      return new Answer(
          status, retryAfter, status == 200 || status == 429 ? "" : problem(status, body));
    }

    /** The status, and the code of the error where the server gives one, as OpenAI's API does. */
    private static String problem(int status, byte[] body) {
      try {
        JsonNode error = JSON.readTree(body).path("error");
        return ("status " + status + ' ' + error.path("code").asText(error.path("type").asText()))
            .strip();
      } catch (IOException e) {
        return "status " + status;
      }
    }

    private static String line(InputStream in) throws IOException {
      StringBuilder line = new StringBuilder();
      for (int b = in.read(); b != '\n'; b = in.read()) {
        if (b < 0) {
          throw new IOException("the connection ended");
        }
        if (b != '\r') {
          line.append((char) b);
        }
      }
      return line.toString();
    }
  }
}
