package io.luciole.server;

import io.luciole.Key;
import io.luciole.ValueParser;
import io.luciole.spi.KeyProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/** The settings of the server; {@link ServerConfig} has their values. */
public final class ServerKeys implements KeyProvider {
  private static final String ORIGIN = "an origin such as https://app.example";

  private static final ValueParser<Duration> POSITIVE =
      ValueParser.of(
          "a duration above 0: 500ms, 2s, 5m or 1h",
          text -> {
            Duration value = ValueParser.duration().parse(text);
            if (!value.isPositive()) {
              throw new IllegalArgumentException(
                  "expected a duration above 0: 500ms, 2s, 5m or 1h, got \"" + text + '"');
            }
            return value;
          });

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

  /** The file of keys with rights. */
  public static final Key<Optional<Path>> KEY_FILE =
      Key.optional(
          "luciole.server.key-file",
          ValueParser.path(),
          "no such file",
          "A file of keys with rights, a line `DIGEST NAME RIGHTS` each: the key's SHA-256, the name of its"
              + " caller in the log, and which of `embed`, `search`, `write` and `metrics` it may do,"
              + " separated by commas. It is loaded again when it changes.");

  /** Whether the meters are open to callers without a key. */
  public static final Key<Boolean> OPEN_METRICS =
      Key.of(
          "luciole.server.open-metrics",
          ValueParser.trueOrFalse(),
          "false",
          "Whether `/metrics` answers callers without a key.");

  /** Where proxies publish this server. */
  public static final Key<Optional<List<String>>> PUBLIC_ORIGINS =
      Key.optional(
          "luciole.server.public-origins",
          ValueParser.of(ORIGIN, ServerKeys::parseOrigin).list(),
          "the Host of each request",
          "Origins at which a proxy publishes this server, such as `http://search.internal`: pages from"
              + " there are this server's own. Only needed if the proxy changes the Host header.");

  /** Hosts that requests may name. */
  public static final Key<Optional<List<String>>> ALLOWED_HOSTS =
      Key.optional(
          "luciole.server.allowed-hosts",
          ValueParser.of("a host without a port, or *", ServerKeys::parseHost).list(),
          "this machine's own names where the server listens on them alone and without a key, otherwise all",
          "Names by which requests may call this server in their Host header, beside those of this machine"
              + " and of `luciole.server.public-origins`; `*` stands for all.");

  /** Origins whose pages may call the server. */
  public static final Key<Optional<List<String>>> CORS_ORIGINS =
      Key.optional(
          "luciole.server.cors-origins",
          ValueParser.of(ORIGIN + ", or *", ServerKeys::parseOriginOrAll).list(),
          "none",
          "Origins whose pages may call the server; `*` stands for all.");

  /** Most bytes of a body. */
  public static final Key<Long> MAX_BODY =
      Key.of(
          "luciole.server.max-body",
          ValueParser.size(),
          "16m",
          "The largest number of bytes of a request's body, or of a line of a bulk ingestion.");

  /** Most memory of all bodies. */
  public static final Key<Optional<Long>> MAX_BODY_MEMORY =
      Key.optional(
          "luciole.server.max-body-memory",
          ValueParser.size(),
          "a quarter of the heap",
          "The largest number of bytes of memory that the bodies of all requests hold at once, with the"
              + " values that are read from them. A request for whose body there is no room is"
              + " answered with status 429 before the body is read. One caller may have as much as is"
              + " still free.");

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
          "The largest number of requests at once; more are answered with status 429. One caller may"
              + " have as many as are still free, half of them if it is alone.");

  /** Most connections at once. */
  public static final Key<Optional<Integer>> MAX_CONNECTIONS =
      Key.optional(
          "luciole.server.max-connections",
          ValueParser.positive(),
          "three quarters of the file descriptors that are free at the start, 16384 at most",
          "The largest number of connections at once; others wait until one ends. When few places"
              + " are left, connections end with their answers and idle ones are ended.");

  /** Most tokens of all clients that wait. */
  public static final Key<Integer> MAX_WAITING_TOKENS =
      Key.of(
          "luciole.server.max-waiting-tokens",
          ValueParser.positive(),
          "262144",
          "The largest number of tokens, estimated, of all requests that wait at once; more are"
              + " answered with status 429. One caller may have as many as are still free.");

  /** How long a request may take. */
  public static final Key<Duration> TIMEOUT =
      Key.of(
          "luciole.server.timeout",
          POSITIVE,
          "60s",
          "How long a request may take, except a bulk ingestion.");

  /** How long a client may be silent. */
  public static final Key<Duration> READ_TIMEOUT =
      Key.of(
          "luciole.server.read-timeout",
          POSITIVE,
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

  /** How long the server serves on before it ends. */
  public static final Key<Duration> DRAIN =
      Key.of(
          "luciole.server.drain",
          ValueParser.duration(),
          "0s",
          "How long the server goes on serving after it was told to end, while `/health/ready` says 503,"
              + " so that balancers send requests elsewhere first.");

  /** Whether each request is logged. */
  public static final Key<Boolean> ACCESS_LOG =
      Key.of(
          "luciole.server.access-log",
          ValueParser.trueOrFalse(),
          "true",
          "Whether each request is logged.");

  /** How the command logs; programs that embed a server configure SLF4J themselves. */
  public static final Key<String> LOG_FORMAT =
      Key.of(
          "luciole.server.log-format",
          ValueParser.oneOf("text", "json"),
          "text",
          "How `luciole serve` writes its log: `text`, or `json`, an object a line.");

  /** The models to serve, by name. */
  public static final Key<Optional<SequencedMap<String, String>>> MODELS =
      Key.optional(
          "luciole.server.models",
          ValueParser.of("NAME=MODEL", ServerKeys::parsePair).list().map(ServerKeys::inOrder),
          "the one of `luciole.model`, under its own name",
          "The models to serve, such as `m3=BAAI/bge-m3,small=starter`, each under a name that"
              + " requests give as `model`. The first is the default.");

  /** Other names of models. */
  public static final Key<Optional<SequencedMap<String, String>>> ALIASES =
      Key.optional(
          "luciole.server.aliases",
          ValueParser.of("ALIAS=NAME", ServerKeys::parsePair).list().map(ServerKeys::inOrder),
          "none",
          "Other names that requests may give as `model`, such as"
              + " `text-embedding-3-small=starter`.");

  /** Whether any name is accepted. */
  public static final Key<Boolean> ANY_MODEL =
      Key.of(
          "luciole.server.any-model",
          ValueParser.trueOrFalse(),
          "false",
          "Whether a request with a `model` that is not served is answered by the default model"
              + " instead of with status 404.");

  /** Whether texts that are too long are truncated unless the request says otherwise. */
  public static final Key<Boolean> AUTO_TRUNCATE =
      Key.of(
          "luciole.server.auto-truncate",
          ValueParser.trueOrFalse(),
          "true",
          "Whether texts that are too long are truncated where a request in"
              + " text-embeddings-inference's shape does not say, as its `--auto-truncate` does;"
              + " otherwise they are refused.");

  /** Whether requests may have token ids. */
  public static final Key<Boolean> TOKEN_IDS =
      Key.of(
          "luciole.server.token-ids",
          ValueParser.trueOrFalse(),
          "false",
          "Whether requests may have token ids of the model's own tokenizer in place of texts."
              + " LangChain sends those of OpenAI's tokenizer unless told otherwise, and would get"
              + " wrong vectors.");

  /** Whether there are meters under other servers' names. */
  public static final Key<Boolean> OTHERS_METERS =
      Key.of(
          "luciole.server.others-meters",
          ValueParser.trueOrFalse(),
          "true",
          "Whether `/metrics` also has text-embeddings-inference's and Infinity's meters, for"
              + " dashboards made for them.");

  /** Called by {@link java.util.ServiceLoader}. */
  public ServerKeys() {}

  @Override
  public List<Key<?>> keys() {
    List<Key<?>> all = new ArrayList<>(List.of(HOST, PORT));
    all.addAll(ServedIndexKeys.ALL);
    all.addAll(
        List.of(
            API_KEYS,
            INSECURE,
            KEY_FILE,
            OPEN_METRICS,
            TLS_CERTIFICATE,
            TLS_KEY,
            PUBLIC_ORIGINS,
            ALLOWED_HOSTS,
            CORS_ORIGINS,
            MAX_BODY,
            MAX_BODY_MEMORY,
            MAX_TEXTS,
            MAX_CHARACTERS,
            MAX_REQUESTS,
            MAX_CONNECTIONS,
            MAX_WAITING_TOKENS,
            TIMEOUT,
            READ_TIMEOUT,
            READY_WITHIN,
            DRAIN,
            SHUTDOWN_TIMEOUT,
            ACCESS_LOG,
            LOG_FORMAT,
            MODELS,
            ALIASES,
            ANY_MODEL,
            AUTO_TRUNCATE,
            TOKEN_IDS,
            OTHERS_METERS));
    return all;
  }

  /** An origin as browsers send it: a scheme, a host and, if it is not the scheme's, a port. */
  private static String parseOrigin(String text) {
    String origin = text.toLowerCase(Locale.ROOT);
    if (!origin.matches("[a-z][a-z0-9+.-]*://[^/?#@\\s]+")) {
      throw new IllegalArgumentException("expected " + ORIGIN + ", got \"" + text + '"');
    }
    return origin;
  }

  /**
   * A host as in the Host header, without its port: a name, an address, an IPv6 one in brackets.
   */
  private static String parseHost(String text) {
    String host = text.strip().toLowerCase(Locale.ROOT);
    if (!host.matches("\\*|\\[[0-9a-f:.]+]|[^:/?#@\\s\\[\\]*]+")) {
      throw new IllegalArgumentException(
          "expected a host without a port, such as search.example.com, or *, got \"" + text + '"');
    }
    return host;
  }

  private static String parseOriginOrAll(String text) {
    return text.equals("*") ? text : parseOrigin(text);
  }

  private static Map.Entry<String, String> parsePair(String text) {
    int at = text.indexOf('=');
    String name = text.substring(0, Math.max(0, at)).strip();
    String value = text.substring(at + 1).strip();
    if (name.isEmpty() || value.isEmpty()) {
      throw new IllegalArgumentException(
          "expected two names with \"=\" between them, got \"" + text + '"');
    }
    return Map.entry(name, value);
  }

  private static SequencedMap<String, String> inOrder(List<Map.Entry<String, String>> pairs) {
    SequencedMap<String, String> byName = new LinkedHashMap<>();
    for (Map.Entry<String, String> pair : pairs) {
      if (byName.putIfAbsent(pair.getKey(), pair.getValue()) != null) {
        throw new IllegalArgumentException(
            "expected each name once, got \"" + pair.getKey() + "\" twice");
      }
    }
    return byName;
  }

  /** The message does not repeat the text, which may be a key instead of a digest. */
  static String parseDigest(String text) {
    String digest = text.toLowerCase(Locale.ROOT);
    if (!digest.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "expected SHA-256 digests of 64 hexadecimal digits, comma-separated; a digest is what"
              + " `printf KEY | sha256sum` prints");
    }
    return digest;
  }
}
