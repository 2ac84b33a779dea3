package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS by PEM files that the JDK's keytool made. */
@Timeout(120)
class TlsTest {
  private static final char[] PASSWORD = "changeit".toCharArray();

  @TempDir Path folder;

  private record Pair(Path certificate, Path key, X509Certificate parsed) {
    ServerConfig config() {
      return ServerConfig.of(
              LucioleConfig.of(
                  Map.of(
                      "luciole.server.tls-certificate",
                      certificate.toString(),
                      "luciole.server.tls-key",
                      key.toString())))
          .at("127.0.0.1", 0);
    }

    Pair with(Path otherKey) {
      return new Pair(certificate, otherKey, parsed);
    }
  }

  private Pair pair(String name, String algorithm) throws Exception {
    Path store = folder.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                    "-genkeypair",
                    "-alias",
                    "s",
                    "-keyalg",
                    algorithm,
                    "-dname",
                    "CN=" + name,
                    "-ext",
                    "san=dns:localhost,ip:127.0.0.1",
                    "-validity",
                    "2",
                    "-storetype",
                    "PKCS12",
                    "-storepass",
                    new String(PASSWORD),
                    "-keystore",
                    store.toString()))
            .inheritIO()
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    X509Certificate certificate = (X509Certificate) keys.getCertificate("s");
    return new Pair(
        pem(name + ".crt", "CERTIFICATE", certificate.getEncoded()),
        pem(name + ".key", "PRIVATE KEY", keys.getKey("s", PASSWORD).getEncoded()),
        certificate);
  }

  private Path pem(String file, String label, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return Files.writeString(
        folder.resolve(file),
        "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n");
  }

  private static HttpClient trusting(X509Certificate certificate) throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("s", certificate);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return HttpClient.newBuilder().sslContext(context).build();
  }

  private static String embed(HttpClient client, URI server) throws Exception {
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(server.resolve("/v1/embeddings"))
                .POST(HttpRequest.BodyPublishers.ofString("{\"input\":\"w1 w2\"}"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(200);
    return answer.body();
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC", "Ed25519"})
  void clientThatTrustsTheCertificate_isServed_andOnlyByTls(String algorithm) throws Exception {
    Pair pair = pair("server", algorithm);
    try (Server server = Server.fake(new FakeBackend(), folder, c -> pair.config())) {
      URI uri = server.server.uri();
      assertThat(uri.getScheme()).isEqualTo("https");
      try (HttpClient client = trusting(pair.parsed())) {
        assertThat(embed(client, uri)).contains("\"embedding\"");
        assertThat(embed(client, uri.resolve("https://localhost:" + uri.getPort() + "/")))
            .contains("\"embedding\"");
      }
      try (HttpClient other = trusting(pair("another", "EC").parsed())) {
        assertThatThrownBy(() -> embed(other, uri)).isInstanceOf(SSLException.class);
      }
      try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), uri.getPort())) {
        plain.setSoTimeout(30_000);
        plain
            .getOutputStream()
            .write(
                "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    .getBytes(StandardCharsets.UTF_8));
        assertThat(Server.readAnswer(plain)).doesNotContain("200").doesNotContain("live");
      }
      try (HttpClient client = trusting(pair.parsed())) {
        assertThat(embed(client, uri)).contains("\"embedding\"");
      }
    }
  }

  @Test
  void changedFiles_areTakenForNewConnections() throws Exception {
    Pair first = pair("first", "EC");
    Pair second = pair("second", "RSA");
    ServerConfig config = first.config();
    try (Server server = Server.fake(new FakeBackend(), folder, c -> config)) {
      URI uri = server.server.uri();
      assertThat(isServedTo(first, uri)).isTrue();
      assertThat(isServedTo(second, uri)).isFalse();
      Files.copy(second.key(), first.key(), StandardCopyOption.REPLACE_EXISTING);
      Files.copy(second.certificate(), first.certificate(), StandardCopyOption.REPLACE_EXISTING);
      await().atMost(Duration.ofSeconds(60)).until(() -> isServedTo(second, uri));
      assertThat(isServedTo(first, uri)).isFalse();
    }
  }

  /** Whether a client that trusts one certificate alone is served. */
  private static boolean isServedTo(Pair pair, URI uri) throws Exception {
    try (HttpClient client = trusting(pair.parsed())) {
      return embed(client, uri).contains("\"embedding\"");
    } catch (SSLException e) {
      return false;
    }
  }

  @Test
  void filesThatDoNotFit_areRefusedAtTheStart_andLeaveTheIndexFree() throws Exception {
    Pair pair = pair("server", "EC");
    Pair other = pair("other", "EC");
    Pair rsa = pair("rsa", "RSA");
    try (EmbeddingEngine engine = Server.fakeEngine(new FakeBackend(), folder)) {
      Path index = folder.resolve("index");
      for (Path wrong : List.of(other.key(), rsa.key())) {
        assertThatThrownBy(
                () -> LucioleServer.start(pair.with(wrong).config().index(index), engine))
            .isInstanceOf(ConfigException.class)
            .hasMessageContaining(wrong.toString())
            .hasMessageContaining(pair.certificate().toString())
            .hasMessageContaining("is not the one of");
      }
      Path missing = folder.resolve("missing.pem");
      assertThatThrownBy(() -> LucioleServer.start(pair.with(missing).config(), engine))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("cannot read " + missing);
      Path garbage = Files.writeString(folder.resolve("garbage.pem"), "garbage");
      for (Path wrong : List.of(garbage, pair.certificate())) {
        assertThatThrownBy(() -> LucioleServer.start(pair.with(wrong).config(), engine))
            .isInstanceOf(ConfigException.class)
            .hasMessageContaining(wrong.toString())
            .hasMessageContaining("PKCS#8");
      }
      for (Path wrong : List.of(garbage, pair.key())) {
        Pair noCertificate = new Pair(wrong, pair.key(), pair.parsed());
        assertThatThrownBy(() -> LucioleServer.start(noCertificate.config(), engine))
            .isInstanceOf(ConfigException.class)
            .hasMessageContaining(wrong.toString())
            .hasMessageContaining("BEGIN CERTIFICATE");
      }
      // What was refused holds neither the index nor the port.
      try (LucioleServer server = LucioleServer.start(pair.config().index(index), engine);
          HttpClient client = trusting(pair.parsed())) {
        assertThat(embed(client, server.uri())).contains("\"embedding\"");
      }
    }
  }
}
