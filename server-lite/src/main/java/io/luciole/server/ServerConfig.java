package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.luciole.ConfigException;
import io.luciole.LucioleConfig;
import io.luciole.lucene.SparseForm;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a server listens, who may use it and how much it takes on: {@code luciole.server.*}.
 * Immutable.
 *
 * @param host the address to listen on
 * @param port the port, 0 for any that is free
 * @param index the folder of the index to search and write, or null for none
 * @param sparseForm how the index keeps sparse weights if it is made anew, or null for the default;
 *     an index that is there must have that form
 * @param keyDigests SHA-256 digests, in hex, of the keys that clients show; empty for no keys
 * @param insecure whether to listen beyond this machine without a key
 * @param tls the certificate and its key, or null for plain HTTP
 * @param corsOrigins origins whose pages may call the server
 * @param limits how much the server takes on
 * @param accessLog whether each request is logged
 */
public record ServerConfig(
    String host,
    int port,
    @Nullable Path index,
    @Nullable SparseForm sparseForm,
    List<String> keyDigests,
    boolean insecure,
    @Nullable TlsFiles tls,
    List<String> corsOrigins,
    Limits limits,
    boolean accessLog) {

  /**
   * PEM files.
   *
   * @param certificate the certificate chain, the server's own first
   * @param key its private key, PKCS#8
   */
  public record TlsFiles(Path certificate, Path key) {}

  /**
   * How much a server takes on.
   *
   * @param maxBody most bytes of a body, but of a bulk ingestion, which is read as it comes
   * @param maxTexts most texts of a request
   * @param maxCharacters most characters of a text
   * @param maxRequests most requests at once
   * @param maxWaitingTokens most tokens of all clients that wait
   * @param timeout how long a request may take
   * @param readTimeout how long a client may send nothing in the middle of a request
   * @param readyWithin how lately an inference must have succeeded for the server to be ready
   * @param shutdown how long a shutdown waits for what is under way
   */
  public record Limits(
      long maxBody,
      int maxTexts,
      int maxCharacters,
      int maxRequests,
      int maxWaitingTokens,
      Duration timeout,
      Duration readTimeout,
      Duration readyWithin,
      Duration shutdown) {
    /** The limits unless told otherwise; docs/server.md lists them. */
    public static Limits defaults() {
      return new Limits(
          16 << 20,
          2048,
          200_000,
          1024,
          262_144,
          Duration.ofSeconds(60),
          Duration.ofSeconds(30),
          Duration.ofSeconds(30),
          Duration.ofSeconds(30));
    }
  }

  /** Copies the lists. */
  public ServerConfig {
    requireNonNull(host, "host");
    requireNonNull(limits, "limits");
    keyDigests = List.copyOf(keyDigests);
    corsOrigins = List.copyOf(corsOrigins);
  }

  /** This machine alone, port 8080, no index, no keys. */
  public static ServerConfig defaults() {
    return of(LucioleConfig.of(java.util.Map.of()));
  }

  /**
   * Reads {@code luciole.server.*}.
   *
   * @throws ConfigException if only one of the two TLS files is named
   */
  public static ServerConfig of(LucioleConfig config) {
    Limits usual = Limits.defaults();
    Optional<String> certificate = config.get(LucioleConfig.Key.SERVER_TLS_CERTIFICATE);
    Optional<String> key = config.get(LucioleConfig.Key.SERVER_TLS_KEY);
    if (certificate.isPresent() != key.isPresent()) {
      throw new ConfigException(
          "TLS needs both "
              + LucioleConfig.Key.SERVER_TLS_CERTIFICATE.property()
              + " and "
              + LucioleConfig.Key.SERVER_TLS_KEY.property()
              + "; only one is set.");
    }
    return new ServerConfig(
        config.get(LucioleConfig.Key.SERVER_HOST).orElse("127.0.0.1"),
        config.get(LucioleConfig.Key.SERVER_PORT).map(LucioleConfig::parsePort).orElse(8080),
        config.get(LucioleConfig.Key.SERVER_INDEX).map(Path::of).orElse(null),
        config.get(LucioleConfig.Key.SERVER_SPARSE_FORM).map(ServerConfig::sparseForm).orElse(null),
        config
            .get(LucioleConfig.Key.SERVER_API_KEYS)
            .map(LucioleConfig::parseDigests)
            .orElse(List.of()),
        config
            .get(LucioleConfig.Key.SERVER_INSECURE)
            .map(LucioleConfig::parseBoolean)
            .orElse(false),
        certificate.isPresent() && key.isPresent()
            ? new TlsFiles(Path.of(certificate.get()), Path.of(key.get()))
            : null,
        config
            .get(LucioleConfig.Key.SERVER_CORS_ORIGINS)
            .map(o -> Arrays.stream(o.split(",", -1)).map(String::strip).toList())
            .orElse(List.of()),
        new Limits(
            config
                .get(LucioleConfig.Key.SERVER_MAX_BODY)
                .map(LucioleConfig::parseSize)
                .orElse(usual.maxBody()),
            number(config, LucioleConfig.Key.SERVER_MAX_TEXTS, usual.maxTexts()),
            number(config, LucioleConfig.Key.SERVER_MAX_CHARACTERS, usual.maxCharacters()),
            number(config, LucioleConfig.Key.SERVER_MAX_REQUESTS, usual.maxRequests()),
            number(config, LucioleConfig.Key.SERVER_MAX_WAITING_TOKENS, usual.maxWaitingTokens()),
            duration(config, LucioleConfig.Key.SERVER_TIMEOUT, usual.timeout()),
            duration(config, LucioleConfig.Key.SERVER_READ_TIMEOUT, usual.readTimeout()),
            duration(config, LucioleConfig.Key.SERVER_READY_WITHIN, usual.readyWithin()),
            duration(config, LucioleConfig.Key.SERVER_SHUTDOWN_TIMEOUT, usual.shutdown())),
        config
            .get(LucioleConfig.Key.SERVER_ACCESS_LOG)
            .map(LucioleConfig::parseBoolean)
            .orElse(true));
  }

  private static SparseForm sparseForm(String name) {
    try {
      return SparseForm.parse(name);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(
          LucioleConfig.Key.SERVER_SPARSE_FORM.property() + ": " + e.getMessage(), e);
    }
  }

  private static int number(LucioleConfig config, LucioleConfig.Key key, int otherwise) {
    return config.get(key).map(LucioleConfig::positive).orElse(otherwise);
  }

  private static Duration duration(
      LucioleConfig config, LucioleConfig.Key key, Duration otherwise) {
    return config.get(key).map(LucioleConfig::duration).orElse(otherwise);
  }

  /** The same on another address and port. */
  public ServerConfig at(String newHost, int newPort) {
    return new ServerConfig(
        newHost,
        newPort,
        index,
        sparseForm,
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        limits,
        accessLog);
  }

  /** The same over an index. */
  public ServerConfig index(@Nullable Path folder) {
    return new ServerConfig(
        host, port, folder, sparseForm, keyDigests, insecure, tls, corsOrigins, limits, accessLog);
  }

  /** The same with a form of sparse weights for a new index. */
  public ServerConfig sparseForm(SparseForm form) {
    return new ServerConfig(
        host,
        port,
        index,
        requireNonNull(form, "form"),
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        limits,
        accessLog);
  }

  /** The same with other limits. */
  public ServerConfig limits(Limits other) {
    return new ServerConfig(
        host, port, index, sparseForm, keyDigests, insecure, tls, corsOrigins, other, accessLog);
  }

  /** The same, listening beyond this machine without a key or not. */
  public ServerConfig insecure(boolean allowed) {
    return new ServerConfig(
        host, port, index, sparseForm, keyDigests, allowed, tls, corsOrigins, limits, accessLog);
  }

  /**
   * Resolves the address.
   *
   * @throws ConfigException if there is no such address, or it is not this machine's own loopback
   *     and no key is set, unless {@code insecure}
   */
  InetAddress requireAddress() {
    InetAddress address;
    try {
      address = InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      throw new ConfigException("Expected an address to listen on, found none by " + host, e);
    }
    if (!address.isLoopbackAddress() && keyDigests.isEmpty() && !insecure) {
      throw new ConfigException(
          "Refusing to listen on "
              + host
              + ", which other machines reach, without a key. Set "
              + LucioleConfig.Key.SERVER_API_KEYS.property()
              + " to the SHA-256 of a key (printf KEY | sha256sum), listen on 127.0.0.1, or pass"
              + " --insecure.");
    }
    return address;
  }
}
