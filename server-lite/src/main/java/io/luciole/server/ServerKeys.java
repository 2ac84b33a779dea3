package io.luciole.server;

import io.luciole.Key;
import io.luciole.ValueParser;
import io.luciole.spi.KeyProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The settings of the server; {@link ServerConfig} has their values. */
public final class ServerKeys implements KeyProvider {
  /** The address to listen on. */
  public static final Key<String> HOST =
      Key.of("luciole.server.host", ValueParser.text(), "127.0.0.1", "The address to listen on.");

  /** The port to listen on. */
  public static final Key<Integer> PORT =
      Key.of(
          "luciole.server.port",
          ValueParser.port(),
          "8080",
          "The port to listen on; 0 takes any free one.");

  /** SHA-256 digests of keys, in lower-case hex. */
  public static final Key<Optional<List<String>>> API_KEYS =
      Key.optional(
          "luciole.server.api-keys",
          ValueParser.of("a SHA-256 digest in hex", ServerKeys::parseDigest).list(),
          "no key is asked for",
          "SHA-256 digests of the keys that clients show; `printf KEY | sha256sum` prints one.");

  /** Whether other machines may call without a key. */
  public static final Key<Boolean> INSECURE =
      Key.of(
          "luciole.server.insecure",
          ValueParser.trueOrFalse(),
          "false",
          "Whether the server may listen beyond this machine without a key.");

  /** The certificate chain. */
  public static final Key<Optional<Path>> TLS_CERTIFICATE =
      Key.optional(
          "luciole.server.tls-certificate",
          ValueParser.path(),
          "plain HTTP",
          "A PEM file with the certificate chain, the server's own certificate first.");

  /** The certificate's private key. */
  public static final Key<Optional<Path>> TLS_KEY =
      Key.optional(
          "luciole.server.tls-key",
          ValueParser.path(),
          "plain HTTP",
          "A PEM file with the certificate's private key in PKCS#8 (RSA, EC or Ed25519); both files are checked"
              + " at the start.");

  /** Origins whose pages may call the server. */
  public static final Key<Optional<List<String>>> CORS_ORIGINS =
      Key.optional(
          "luciole.server.cors-origins",
          ValueParser.of("an origin or *", text -> text).list(),
          "none",
          "Origins whose pages may call the server; `*` stands for all.");

  /** Most bytes of a body. */
  public static final Key<Long> MAX_BODY =
      Key.of(
          "luciole.server.max-body",
          ValueParser.size(),
          "16m",
          "The largest number of bytes of a request's body, or of a line of a bulk ingestion.");

  /** Most texts of a request. */
  public static final Key<Integer> MAX_TEXTS =
      Key.of(
          "luciole.server.max-texts",
          ValueParser.positive(),
          "2048",
          "The largest number of texts or documents of a request.");

  /** Most characters of a text. */
  public static final Key<Integer> MAX_CHARACTERS =
      Key.of(
          "luciole.server.max-characters",
          ValueParser.positive(),
          "200000",
          "The largest number of characters of a text.");

  /** Most requests at once. */
  public static final Key<Integer> MAX_REQUESTS =
      Key.of(
          "luciole.server.max-requests",
          ValueParser.positive(),
          "1024",
          "The largest number of requests at once; more are answered with status 429.");

  /** Most tokens of all clients that wait. */
  public static final Key<Integer> MAX_WAITING_TOKENS =
      Key.of(
          "luciole.server.max-waiting-tokens",
          ValueParser.positive(),
          "262144",
          "The largest number of tokens, estimated, of all requests at once; more are answered with"
              + " status 429.");

  /** How long a request may take. */
  public static final Key<Duration> TIMEOUT =
      Key.of(
          "luciole.server.timeout",
          ValueParser.duration(),
          "60s",
          "How long a request may take, except a bulk ingestion.");

  /** How long a client may be silent. */
  public static final Key<Duration> READ_TIMEOUT =
      Key.of(
          "luciole.server.read-timeout",
          ValueParser.duration(),
          "30s",
          "How long a client may send nothing within a request or between two, or read nothing of an"
              + " answer.");

  /** How lately an inference must have succeeded. */
  public static final Key<Duration> READY_WITHIN =
      Key.of(
          "luciole.server.ready-within",
          ValueParser.duration(),
          "30s",
          "How recently an inference must have succeeded for the server to report that it is"
              + " ready.");

  /** How long a shutdown waits. */
  public static final Key<Duration> SHUTDOWN_TIMEOUT =
      Key.of(
          "luciole.server.shutdown-timeout",
          ValueParser.duration(),
          "30s",
          "How long a shutdown waits for requests in progress.");

  /** Whether each request is logged. */
  public static final Key<Boolean> ACCESS_LOG =
      Key.of(
          "luciole.server.access-log",
          ValueParser.trueOrFalse(),
          "true",
          "Whether each request is logged.");

  /** Called by {@link java.util.ServiceLoader}. */
  public ServerKeys() {}

  @Override
  public List<Key<?>> keys() {
    List<Key<?>> all = new ArrayList<>(ServedIndexKeys.ALL);
    all.addAll(
        List.of(
            HOST,
            PORT,
            API_KEYS,
            INSECURE,
            TLS_CERTIFICATE,
            TLS_KEY,
            CORS_ORIGINS,
            MAX_BODY,
            MAX_TEXTS,
            MAX_CHARACTERS,
            MAX_REQUESTS,
            MAX_WAITING_TOKENS,
            TIMEOUT,
            READ_TIMEOUT,
            READY_WITHIN,
            SHUTDOWN_TIMEOUT,
            ACCESS_LOG));
    return all;
  }

  /** The message does not repeat the text, which may be a key instead of a digest. */
  private static String parseDigest(String text) {
    String digest = text.toLowerCase(Locale.ROOT);
    if (!digest.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "expected SHA-256 digests of 64 hexadecimal digits, comma-separated; a digest is what"
              + " `printf KEY | sha256sum` prints");
    }
    return digest;
  }
}
