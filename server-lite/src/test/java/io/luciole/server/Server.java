package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;

/** A server for tests on a free port, with its engine, and a client. */
final class Server implements AutoCloseable {
  static final ObjectMapper MAPPER = new ObjectMapper();

  final EmbeddingEngine engine;
  final LucioleServer server;
  private final List<EmbeddingEngine> engines;
  private final URI uri;
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

  /** An answer. */
  record Answer(int status, String body, HttpResponse<String> response) {
    JsonNode json() throws IOException {
      return MAPPER.readTree(body);
    }
  }

  private Server(EmbeddingEngine engine, ServerConfig config) {
    this(new LinkedHashMap<>(Map.of(engine.modelName(), engine)), new LinkedHashMap<>(), config);
  }

  private Server(
      SequencedMap<String, EmbeddingEngine> engines,
      SequencedMap<String, CrossEncoder> rerankers,
      ServerConfig config) {
    this.engines = List.copyOf(engines.values());
    this.engine = this.engines.get(0);
    LucioleServer started = null;
    try {
      started = LucioleServer.start(config, engines, rerankers);
    } finally {
      if (started == null) {
        this.engines.forEach(EmbeddingEngine::close);
      }
    }
    this.server = started;
    this.uri = started.uri();
  }

  static ServerConfig config() {
    return ServerConfig.defaults().at("127.0.0.1", 0);
  }

  /** Settings of one name and value. */
  static LucioleConfig settings(String name, String value) {
    return LucioleConfig.of(Map.of(name, value));
  }

  static Server starter(UnaryOperator<ServerConfig> settings) {
    return new Server(
        EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open(),
        settings.apply(config()));
  }

  /** Over several engines by their names, which it closes. */
  static Server of(
      SequencedMap<String, EmbeddingEngine> engines, UnaryOperator<ServerConfig> settings) {
    return of(engines, Map.of(), settings);
  }

  /** Over an engine, which it closes, and a reranker, which stays the caller's. */
  static Server of(
      EmbeddingEngine engine,
      Map<String, CrossEncoder> rerankers,
      UnaryOperator<ServerConfig> settings) {
    return of(new LinkedHashMap<>(Map.of(engine.modelName(), engine)), rerankers, settings);
  }

  /** Over several engines, which it closes, and rerankers, which stay the caller's. */
  static Server of(
      SequencedMap<String, EmbeddingEngine> engines,
      Map<String, CrossEncoder> rerankers,
      UnaryOperator<ServerConfig> settings) {
    return new Server(engines, new LinkedHashMap<>(rerankers), settings.apply(config()));
  }

  /** Over a fake backend, which gives all outputs, and a model of 512 tokens. */
  static Server fake(FakeBackend backend, Path folder, UnaryOperator<ServerConfig> settings) {
    return new Server(fakeEngine(backend, folder), settings.apply(config()));
  }

  static EmbeddingEngine fakeEngine(FakeBackend backend, Path folder) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(FakeModel.write(folder, 512))
        .backend(backend)
        .tokenBudget(256)
        .open();
  }

  static ServerConfig.Limits limits(int maxTexts, int maxCharacters, int maxRequests, int tokens) {
    ServerConfig.Limits usual = ServerConfig.Limits.defaults();
    return new ServerConfig.Limits(
        1 << 20,
        Optional.empty(),
        maxTexts,
        maxCharacters,
        maxRequests,
        Optional.empty(),
        tokens,
        Duration.ofSeconds(20),
        Duration.ofSeconds(2),
        usual.readyWithin(),
        Duration.ofSeconds(10));
  }

  /** The same for clients that a busy machine may keep from sending for a minute. */
  static ServerConfig.Limits patient(ServerConfig.Limits limits) {
    return new ServerConfig.Limits(
        limits.maxBody(),
        limits.maxBodyMemory(),
        limits.maxTexts(),
        limits.maxCharacters(),
        limits.maxRequests(),
        limits.maxConnections(),
        limits.maxWaitingTokens(),
        Duration.ofMinutes(1),
        Duration.ofMinutes(1),
        limits.readyWithin(),
        limits.shutdown());
  }

  URI at(String path) {
    return uri.resolve(path);
  }

  Answer get(String path, String... headers) {
    return send(request(path, headers).GET());
  }

  Answer post(String path, String body, String... headers) {
    return send(request(path, headers).POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  Answer post(String path, byte[] body) {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofByteArray(body)));
  }

  Answer put(String path, String body) {
    return send(request(path).PUT(HttpRequest.BodyPublishers.ofString(body)));
  }

  Answer delete(String path) {
    return send(request(path).DELETE());
  }

  Answer delete(String path, String body) {
    return send(request(path).method("DELETE", HttpRequest.BodyPublishers.ofString(body)));
  }

  HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(at(path))
            .version(HttpClient.Version.HTTP_1_1)
            .timeout(Duration.ofSeconds(60))
            .header("Content-Type", "application/json");
    return headers.length == 0 ? builder : builder.headers(headers);
  }

  HttpClient client() {
    return client;
  }

  Answer send(HttpRequest.Builder request) {
    try {
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      DocumentedAnswers.check(response);
      return new Answer(response.statusCode(), response.body(), response);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** The next answer on a connection, head and body; what there is if it ends. */
  static String readAnswer(Socket socket) throws IOException {
    StringBuilder answer = new StringBuilder();
    var in = socket.getInputStream();
    int head = -1;
    int length = 0;
    while (head < 0 || answer.length() < head + length) {
      int b = in.read();
      if (b < 0) {
        break;
      }
      answer.append((char) b);
      if (head < 0 && answer.indexOf("\r\n\r\n") >= 0) {
        head = answer.length();
        var m = java.util.regex.Pattern.compile("(?i)content-length: (\\d+)").matcher(answer);
        length = m.find() ? Integer.parseInt(m.group(1)) : 0;
      }
    }
    return answer.toString();
  }

  /** A string of JSON. */
  static String quoted(String text) {
    try {
      return MAPPER.writeValueAsString(text);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    client.close();
    server.close();
    engines.forEach(EmbeddingEngine::close);
  }
}
