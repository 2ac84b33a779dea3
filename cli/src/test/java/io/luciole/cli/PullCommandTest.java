package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code luciole pull} against a hub on this machine. */
final class PullCommandTest {
  private static final String MODEL = "luciole-test/cli";
  private static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";

  @TempDir Path temp;

  private final Map<String, byte[]> files = new TreeMap<>();
  private final Map<String, String> environment = new TreeMap<>();
  private final AtomicInteger fileRequests = new AtomicInteger();
  private HttpServer server;
  private String cacheBefore;

  @BeforeEach
  void start() throws IOException {
    put("config.json", "{\"max_position_embeddings\": 64}");
    put("tokenizer.json", "{\"added_tokens\": []}");
    put("README.md", "not needed");
    put("model.onnx", "onnx");
    put("other.onnx", "other");
    files.put("model.safetensors", new byte[2_345_678]);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
    environment.put("HF_ENDPOINT", "http://127.0.0.1:" + server.getAddress().getPort());
    environment.put("HF_HOME", temp.resolve("hf").toString());
    cacheBefore = System.getProperty("luciole.cache");
    System.setProperty("luciole.cache", temp.resolve("cache").toString());
  }

  @AfterEach
  void stop() {
    server.stop(0);
    if (cacheBefore == null) {
      System.clearProperty("luciole.cache");
    } else {
      System.setProperty("luciole.cache", cacheBefore);
    }
  }

  private void put(String path, String text) {
    files.put(path, text.getBytes(StandardCharsets.UTF_8));
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      String prefix = "/" + MODEL + "/resolve/" + COMMIT + "/";
      byte[] body = null;
      if (path.equals("/api/models/" + MODEL + "/revision/main")) {
        body = listing();
      } else if (path.startsWith(prefix)) {
        fileRequests.incrementAndGet();
        body = files.get(path.substring(prefix.length()));
      }
      exchange.sendResponseHeaders(body == null ? 404 : 200, body == null ? -1 : body.length);
      if (body != null) {
        exchange.getResponseBody().write(body);
      }
    }
  }

  private byte[] listing() {
    ObjectMapper json = new ObjectMapper();
    ObjectNode root = json.createObjectNode().put("sha", COMMIT);
    ArrayNode siblings = root.putArray("siblings");
    files.forEach((path, bytes) ->
        siblings
            .addObject()
            .put("rfilename", path)
            .put("size", bytes.length)
            .putObject("lfs")
            .put("sha256", sha256(bytes)));
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private Cli.Run run(boolean terminal, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console =
        new Console(InputStream.nullInputStream(), out, err, false, false, false, terminal);
    String[] all = new String[args.length + 1];
    all[0] = "pull";
    System.arraycopy(args, 0, all, 1, args.length);
    int status = Main.run(console, environment, all);
    return new Cli.Run(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private Path folder() {
    return temp.resolve("cache").resolve("models").resolve(MODEL);
  }

  @Test
  void pull_printsTheFolder_andWhatItDidOnStandardError() {
    Cli.Run run = run(false, MODEL);

    assertThat(run.status()).isZero();
    assertThat(run.outLines()).containsExactly(folder().toString());
    assertThat(run.errLines()).hasSize(2);
    assertThat(run.errLines().get(0)).isEqualTo("luciole-test/cli at 89abcdef: 3 files, 2.3 MB");
    assertThat(run.errLines().get(1))
        .startsWith("Fetched 2.3 MB in ")
        .endsWith(" MB a second). To prove its vectors: luciole verify --model luciole-test/cli");
    assertThat(folder().resolve("model.safetensors"))
        .hasBinaryContent(files.get("model.safetensors"));
    assertThat(folder().resolve("README.md")).doesNotExist();
  }

  @Test
  void pull_onATerminal_drawsABar() {
    Cli.Run run = run(true, MODEL);

    assertThat(run.status()).isZero();
    assertThat(run.err()).contains("\rFetching").contains("MB");
    assertThat(run.outLines()).containsExactly(folder().toString());
  }

  @Test
  void pull_ofWhatIsHere_saysSo() {
    run(false, MODEL);
    int before = fileRequests.get();

    Cli.Run again = run(false, MODEL);
    Cli.Run offline = run(false, MODEL, "--offline");

    for (Cli.Run run : Arrays.asList(again, offline)) {
      assertThat(run.status()).isZero();
      assertThat(run.outLines()).containsExactly(folder().toString());
      assertThat(run.err()).isEqualTo("Nothing to fetch: luciole-test/cli is here.\n");
    }
    assertThat(fileRequests).hasValue(before);
  }

  @Test
  void pull_ofAnOnnxFile_printsItsPath() {
    assertThat(run(false, MODEL, "--onnx").outLines()).containsExactly(folder().toString());
    assertThat(folder().resolve("model.onnx")).hasContent("onnx");
    assertThat(folder().resolve("model.safetensors")).doesNotExist();

    Cli.Run other = run(false, MODEL, "--onnx-file", "other.onnx");

    assertThat(other.outLines()).containsExactly(folder().resolve("other.onnx").toString());
    assertThat(folder().resolve("other.onnx")).hasContent("other");
  }

  @Test
  void pull_thatFails_saysWhyInOneLine() {
    Cli.Run missing = run(false, "luciole-test/none");
    assertThat(missing.status()).isEqualTo(1);
    assertThat(missing.out()).isEmpty();
    assertThat(missing.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: There is no model luciole-test/none");

    Cli.Run revision = run(false, MODEL, "--revision", "v9");
    assertThat(revision.status()).isEqualTo(1);
    assertThat(revision.err()).contains("\"v9\"");

    environment.put("LUCIOLE_OFFLINE", "1");
    Cli.Run offline = run(false, MODEL);
    assertThat(offline.status()).isEqualTo(1);
    assertThat(offline.errLines()).singleElement().asString().contains("LUCIOLE_OFFLINE");
  }

  @Test
  void wrongUsage_isStatusTwo() {
    for (String[] args :
        new String[][] {
          {},
          {"bge-m3"},
          {"../../etc"},
          {MODEL, "another/one"},
          {MODEL, "--revision", "a b"},
          {MODEL, "--onnx-file", "x.bin"}
        }) {
      Cli.Run run = run(false, args);
      assertThat(run.status()).as("%s", (Object) args).isEqualTo(2);
      assertThat(run.out()).isEmpty();
      assertThat(run.errLines().get(0)).startsWith("luciole: ");
    }
  }
}
