package io.luciole.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * A hub on 127.0.0.1 with one model, which serves it as the real one does, unless told otherwise:
 * what {@link #next} is given answers the next requests of a path, one each.
 */
final class FakeHub implements AutoCloseable {
  static final String MODEL = "luciole-test/tiny";
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, byte[]> files = new TreeMap<>();
  private final Map<String, Deque<Answer>> scripted = new ConcurrentHashMap<>();
  private final Map<String, Answer> always = new ConcurrentHashMap<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();

  String commit = COMMIT;
  boolean hasBlobs = true;

  /** What was asked. */
  record Request(
      String method,
      String path,
      @Nullable String range,
      @Nullable String authorization,
      @Nullable String proxyAuthorization) {}

  /** Answers a request. */
  interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  FakeHub() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** A hub with a small model in BGE-M3's layout. */
  static FakeHub withModel(long seed) throws IOException {
    FakeHub hub = new FakeHub();
    Random random = new Random(seed);
    hub.put("README.md", "# A model");
    hub.put(
        "config.json",
        """
        {"model_type": "xlm-roberta", "max_position_embeddings": 66, "pad_token_id": 1,
         "hidden_size": 8}\
        """);
    hub.put("tokenizer.json", "{\"added_tokens\": []}");
    hub.put("tokenizer_config.json", "{}");
    hub.put("1_Pooling/config.json", "{\"pooling_mode_cls_token\": true}");
    hub.put("sparse_linear.pt", random, 1_000);
    hub.put("colbert_linear.pt", random, 2_000);
    hub.put("pytorch_model.bin", random, 300_000);
    hub.put("onnx/model.onnx", random, 5_000);
    hub.put("onnx/model.onnx_data", random, 70_000);
    hub.put("onnx/Constant_7_attr__value", random, 50);
    hub.put("onnx/tokenizer.json", "{}");
    return hub;
  }

  void put(String path, String text) {
    files.put(path, text.getBytes(StandardCharsets.UTF_8));
  }

  void put(String path, Random random, int size) {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    files.put(path, bytes);
  }

  void remove(String path) {
    files.remove(path);
  }

  Set<String> paths() {
    return Set.copyOf(files.keySet());
  }

  byte[] bytes(String path) {
    byte[] bytes = files.get(path);
    if (bytes == null) {
      throw new AssertionError("no file " + path);
    }
    return bytes;
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  int port() {
    return server.getAddress().getPort();
  }

  String listingPath() {
    return listingPath("main");
  }

  static String listingPath(String revision) {
    return "/api/models/" + MODEL + "/revision/" + revision;
  }

  String filePath(String file) {
    return "/" + MODEL + "/resolve/" + commit + "/" + file;
  }

  /** Answers the next requests of a path in this order, then as usual. */
  void next(String path, Answer... answers) {
    scripted.computeIfAbsent(path, p -> new ArrayDeque<>()).addAll(Arrays.asList(answers));
  }

  /** Answers all requests of a path. */
  void always(String path, Answer answer) {
    always.put(path, answer);
  }

  void normally(String path) {
    always.remove(path);
  }

  List<Request> requests() {
    return requests;
  }

  /** The requests of one file. */
  List<Request> requests(String file) {
    return requests.stream().filter(r -> r.path().equals(filePath(file))).toList();
  }

  /** The files that were asked for, once each. */
  List<String> filesAsked() {
    String prefix = filePath("");
    return requests.stream()
        .map(Request::path)
        .filter(p -> p.startsWith(prefix))
        .map(p -> p.substring(prefix.length()))
        .distinct()
        .sorted()
        .toList();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      requests.add(
          new Request(
              exchange.getRequestMethod(),
              path,
              exchange.getRequestHeaders().getFirst("Range"),
              exchange.getRequestHeaders().getFirst("Authorization"),
              exchange.getRequestHeaders().getFirst("Proxy-Authorization")));
      Deque<Answer> queue = scripted.get(path);
      Answer answer = queue == null ? null : queue.poll();
      if (answer == null) {
        answer = always.getOrDefault(path, this::usually);
      }
      answer.to(exchange);
    }
  }

  private void usually(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    if (path.startsWith("/api/models/" + MODEL + "/revision/")) {
      send(exchange, 200, listing());
      return;
    }
    String prefix = filePath("");
    byte[] bytes = path.startsWith(prefix) ? files.get(path.substring(prefix.length())) : null;
    if (bytes == null) {
      status(404).to(exchange);
    } else {
      file(bytes).to(exchange);
    }
  }

  /** The listing as the hub writes it. */
  byte[] listing() {
    ObjectNode root = JSON.createObjectNode().put("id", MODEL).put("sha", commit);
    var siblings = root.putArray("siblings");
    files.forEach((path, bytes) -> {
      ObjectNode sibling = siblings.addObject().put("rfilename", path);
      if (hasBlobs) {
        sibling.put("size", bytes.length).put("blobId", gitBlob(bytes));
        if (isLarge(path)) {
          sibling.putObject("lfs").put("sha256", sha256(bytes)).put("size", bytes.length);
        }
      }
    });
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static boolean isLarge(String path) {
    return path.matches(".*\\.(bin|pt|safetensors|onnx|onnx_data)");
  }

  static String sha256(byte[] bytes) {
    return hex("SHA-256", bytes);
  }

  static String gitBlob(byte[] bytes) {
    byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] all = Arrays.copyOf(head, head.length + bytes.length);
    System.arraycopy(bytes, 0, all, head.length, bytes.length);
    return hex("SHA-1", all);
  }

  private static String hex(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    boolean head = exchange.getRequestMethod().equals("HEAD");
    if (head) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
    }
    exchange.sendResponseHeaders(status, head || body.length == 0 ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
  }

  /** Serves a file, or the range of it that is asked for. */
  static Answer file(byte[] bytes) {
    return exchange -> {
      String range = exchange.getRequestHeaders().getFirst("Range");
      if (range == null) {
        send(exchange, 200, bytes);
        return;
      }
      int from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
      if (from >= bytes.length) {
        status(416).to(exchange);
        return;
      }
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
      send(exchange, 206, Arrays.copyOfRange(bytes, from, bytes.length));
    };
  }

  /** Serves the whole file, whatever range is asked for. */
  static Answer whole(byte[] bytes) {
    return exchange -> send(exchange, 200, bytes);
  }

  /** Announces a whole file and breaks off after so many bytes. */
  static Answer cut(byte[] bytes, int after) {
    return exchange -> {
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes, 0, after);
      exchange.getResponseBody().flush();
      // Closed by the caller with bytes owed, which closes the connection.
    };
  }

  /** Sends so many bytes and then nothing, until the latch opens. */
  static Answer hang(byte[] bytes, int after, CountDownLatch until) {
    return exchange -> {
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes, 0, after);
      exchange.getResponseBody().flush();
      try {
        until.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    };
  }

  static Answer status(int status, String... headers) {
    return exchange -> {
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
      }
      send(exchange, status, "no".getBytes(StandardCharsets.UTF_8));
    };
  }

  static Answer redirect(int status, String location) {
    return status(status, "Location", location);
  }

  /** Ends the server; the answers at work are interrupted. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
