package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.luciole.ConfigException;
import io.luciole.LucioleConfig;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Where a server listens, who may use it and how much it takes on: {@code luciole.server.*}.
 * Immutable.
 *
 * @param host the address to listen on
 * @param port the port, 0 for any that is free
 * @param indexes the indexes to search and write, and how documents are written
 * @param keyDigests SHA-256 digests, in hex, of the keys that clients show; empty for no keys
 * @param insecure whether to listen beyond this machine without a key
 * @param tls the certificate and its key; empty for plain HTTP
 * @param corsOrigins origins whose pages may call the server
 * @param limits how much the server takes on
 * @param accessLog whether each request is logged
 * @param operations how the server is operated
 * @param models the models to serve, and what else clients may call them
 * @param compatibility how the server answers where the APIs that it offers differ
 */
public record ServerConfig(
    String host,
    int port,
    IndexSettings indexes,
    List<String> keyDigests,
    boolean insecure,
    Optional<TlsFiles> tls,
    List<String> corsOrigins,
    Limits limits,
    boolean accessLog,
    Operations operations,
    Models models,
    Compatibility compatibility) {

  /**
   * The models that the command serves, and other names that clients may use for a model.
   *
   * @param sources where each model comes from, by the name it is served under, the default first;
   *     empty for the one of {@code luciole.model}. {@link LucioleServer#start} is given engines
   *     instead
   * @param aliases other names, each with the name of the model that it stands for
   * @param anyName whether a request with a name that is not known is answered by the default model
   */
  public record Models(
      SequencedMap<String, String> sources, Map<String, String> aliases, boolean anyName) {
    /** Copies the maps, in their order. */
    public Models {
      sources = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(sources));
      aliases = Collections.unmodifiableMap(new LinkedHashMap<>(aliases));
    }

    private static Models of(LucioleConfig config) {
      return new Models(
          config.get(ServerKeys.MODELS).orElseGet(LinkedHashMap::new),
          config.get(ServerKeys.ALIASES).orElseGet(LinkedHashMap::new),
          config.get(ServerKeys.ANY_MODEL));
    }
  }

  /**
   * How the server answers where the APIs that it offers differ, or where a client's mistake would
   * go unnoticed.
   *
   * @param autoTruncate whether texts that are too long are truncated where a request in
   *     text-embeddings-inference's shape does not say
   * @param tokenIds whether a request may send token ids in place of texts
   * @param othersMeters whether {@code /metrics} also has the meters of text-embeddings-inference
   *     and Infinity, under their names
   */
  public record Compatibility(boolean autoTruncate, boolean tokenIds, boolean othersMeters) {
    private static Compatibility of(LucioleConfig config) {
      return new Compatibility(
          config.get(ServerKeys.AUTO_TRUNCATE),
          config.get(ServerKeys.TOKEN_IDS),
          config.get(ServerKeys.OTHERS_METERS));
    }
  }

  /**
   * PEM files.
   *
   * @param certificate the certificate chain, the server's own first
   * @param key its private key, PKCS#8
   */
  public record TlsFiles(Path certificate, Path key) {}

  /**
   * How a server is operated: its keys with rights, its meters, what stands before it, and its end.
   *
   * @param keyFile a file of keys with rights, loaded again when it changes (docs/server.md)
   * @param openMetrics whether {@code /metrics} answers callers without a key
   * @param publicOrigins origins at which a proxy publishes the server, whose pages are its own
   * @param allowedHosts hosts that requests may name beside this machine's own, {@code *} for all;
   *     empty for all, unless the server listens on this machine alone and without a key
   * @param drain how long the server goes on serving after it was told to end
   */
  public record Operations(
      Optional<Path> keyFile,
      boolean openMetrics,
      List<String> publicOrigins,
      List<String> allowedHosts,
      Duration drain) {
    /** Checks and copies the components. */
    public Operations {
      requireNonNull(keyFile, "keyFile");
      requireNonNull(drain, "drain");
      publicOrigins = List.copyOf(publicOrigins);
      allowedHosts = List.copyOf(allowedHosts);
    }

    private static Operations of(LucioleConfig config) {
      return new Operations(
          config.get(ServerKeys.KEY_FILE),
          config.get(ServerKeys.OPEN_METRICS),
          config.get(ServerKeys.PUBLIC_ORIGINS).orElse(List.of()),
          config.get(ServerKeys.ALLOWED_HOSTS).orElse(List.of()),
          config.get(ServerKeys.DRAIN));
    }
  }

  /**
   * How much a server takes on.
   *
   * @param maxBody most bytes of a body, but of a bulk ingestion, which is read as it comes
   * @param maxBodyMemory most bytes of memory that all bodies hold at once; empty for a quarter of
   *     the heap
   * @param maxTexts most texts of a request
   * @param maxCharacters most characters of a text
   * @param maxRequests most requests at once
   * @param maxConnections most connections at once; empty for as many as file descriptors allow
   * @param maxWaitingTokens most tokens of all clients that wait
   * @param timeout how long a request may take
   * @param readTimeout how long a client may send nothing in the middle of a request
   * @param readyWithin how lately an inference must have succeeded for the server to be ready
   * @param shutdown how long a shutdown waits for what is under way
   */
  public record Limits(
      long maxBody,
      Optional<Long> maxBodyMemory,
      int maxTexts,
      int maxCharacters,
      int maxRequests,
      Optional<Integer> maxConnections,
      int maxWaitingTokens,
      Duration timeout,
      Duration readTimeout,
      Duration readyWithin,
      Duration shutdown) {
    /**
     * The limits unless told otherwise; docs/settings.md lists them.
     *
     * @return the limits
     */
    public static Limits defaults() {
      return of(LucioleConfig.of(Map.of()));
    }

    private static Limits of(LucioleConfig config) {
      return new Limits(
          config.get(ServerKeys.MAX_BODY),
          config.get(ServerKeys.MAX_BODY_MEMORY),
          config.get(ServerKeys.MAX_TEXTS),
          config.get(ServerKeys.MAX_CHARACTERS),
          config.get(ServerKeys.MAX_REQUESTS),
          config.get(ServerKeys.MAX_CONNECTIONS),
          config.get(ServerKeys.MAX_WAITING_TOKENS),
          config.get(ServerKeys.TIMEOUT),
          config.get(ServerKeys.READ_TIMEOUT),
          config.get(ServerKeys.READY_WITHIN),
          config.get(ServerKeys.SHUTDOWN_TIMEOUT));
    }
  }

  /** Checks and copies the components. */
  public ServerConfig {
    requireNonNull(host, "host");
    requireNonNull(indexes, "indexes");
    requireNonNull(tls, "tls");
    requireNonNull(limits, "limits");
    requireNonNull(operations, "operations");
    requireNonNull(models, "models");
    requireNonNull(compatibility, "compatibility");
    keyDigests = List.copyOf(keyDigests);
    corsOrigins = List.copyOf(corsOrigins);
  }

  /**
   * This machine alone, port 8080, no index, no keys.
   *
   * @return the configuration
   */
  public static ServerConfig defaults() {
    return of(LucioleConfig.of(Map.of()));
  }

  /**
   * Reads {@code luciole.server.*}.
   *
   * @param config the settings
   * @return the configuration
   * @throws ConfigException if only one of the two TLS files is named
   */
  public static ServerConfig of(LucioleConfig config) {
    Optional<Path> certificate = config.get(ServerKeys.TLS_CERTIFICATE);
    Optional<Path> key = config.get(ServerKeys.TLS_KEY);
    if (certificate.isPresent() != key.isPresent()) {
      throw new ConfigException(
          "TLS needs both "
              + ServerKeys.TLS_CERTIFICATE
              + " and "
              + ServerKeys.TLS_KEY
              + "; only one is set.");
    }
    return new ServerConfig(
        config.get(ServerKeys.HOST),
        config.get(ServerKeys.PORT),
        IndexSettings.of(config),
        config.get(ServerKeys.API_KEYS).orElse(List.of()),
        config.get(ServerKeys.INSECURE),
        certificate.map(chain -> new TlsFiles(chain, key.orElseThrow())),
        config.get(ServerKeys.CORS_ORIGINS).orElse(List.of()),
        Limits.of(config),
        config.get(ServerKeys.ACCESS_LOG),
        Operations.of(config),
        Models.of(config),
        Compatibility.of(config));
  }

  /**
   * A copy on another address and port.
   *
   * @param newHost the address to listen on
   * @param newPort the port, 0 for any that is free
   * @return the copy
   */
  public ServerConfig at(String newHost, int newPort) {
    return new ServerConfig(
        newHost,
        newPort,
        indexes,
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        limits,
        accessLog,
        operations,
        models,
        compatibility);
  }

  /**
   * A copy with another default index.
   *
   * @param folder the index's folder, made if it is not there
   * @return the copy
   */
  public ServerConfig index(Path folder) {
    return indexes(indexes.index(folder));
  }

  /**
   * A copy with other settings of indexes.
   *
   * @param newIndexes the settings
   * @return the copy
   */
  public ServerConfig indexes(IndexSettings newIndexes) {
    return new ServerConfig(
        host,
        port,
        newIndexes,
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        limits,
        accessLog,
        operations,
        models,
        compatibility);
  }

  /**
   * A copy with other limits.
   *
   * @param other the limits
   * @return the copy
   */
  public ServerConfig limits(Limits other) {
    return new ServerConfig(
        host,
        port,
        indexes,
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        other,
        accessLog,
        operations,
        models,
        compatibility);
  }

  /**
   * A copy that listens beyond this machine without a key, or does not.
   *
   * @param allowed whether it does
   * @return the copy
   */
  public ServerConfig insecure(boolean allowed) {
    return new ServerConfig(
        host,
        port,
        indexes,
        keyDigests,
        allowed,
        tls,
        corsOrigins,
        limits,
        accessLog,
        operations,
        models,
        compatibility);
  }

  /**
   * A copy with other models and names.
   *
   * @param other the models
   * @return the copy
   */
  public ServerConfig models(Models other) {
    return new ServerConfig(
        host,
        port,
        indexes,
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        limits,
        accessLog,
        operations,
        other,
        compatibility);
  }

  /**
   * A copy that answers differently where APIs differ.
   *
   * @param other how it answers
   * @return the copy
   */
  public ServerConfig compatibility(Compatibility other) {
    return new ServerConfig(
        host,
        port,
        indexes,
        keyDigests,
        insecure,
        tls,
        corsOrigins,
        limits,
        accessLog,
        operations,
        models,
        other);
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
    boolean hasKeys = !keyDigests.isEmpty() || operations.keyFile().isPresent();
    if (!address.isLoopbackAddress() && !hasKeys && !insecure) {
      throw new ConfigException(
          "Refusing to listen on "
              + host
              + ", which other machines reach, without a key. Set "
              + ServerKeys.API_KEYS
              + " to the SHA-256 of a key (printf KEY | sha256sum), listen on 127.0.0.1, or pass"
              + " --insecure.");
    }
    return address;
  }
}
