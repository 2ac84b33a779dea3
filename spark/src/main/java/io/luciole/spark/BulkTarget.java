package io.luciole.spark;

import static java.util.Objects.requireNonNull;

import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where documents are sent to, and how.
 *
 * @param cluster the address of a node or a balancer, such as {@code https://search:9200}
 * @param index the name of the index
 * @param headers headers of each request, such as {@code Authorization}
 * @param batchBytes how many bytes of documents a request has at most, unless one alone has more
 * @param attempts how often a request is sent until its documents are taken
 * @param pause how long to wait before the second attempt; twice as long before each that follows,
 *     at most {@link #MAX_PAUSE}, or as the cluster's {@code Retry-After} says
 */
public record BulkTarget(
    URI cluster,
    String index,
    Map<String, String> headers,
    int batchBytes,
    int attempts,
    Duration pause)
    implements Serializable {
  /** The longest wait between two attempts. */
  public static final Duration MAX_PAUSE = Duration.ofSeconds(30);

  /** Checks the components and copies the map. */
  public BulkTarget {
    requireNonNull(cluster, "cluster");
    requireNonNull(pause, "pause");
    headers = Map.copyOf(headers);
    if (!index.matches("[^/?#\\s]+")) {
      throw new IllegalArgumentException("expected the name of an index, got \"" + index + '"');
    }
    if (batchBytes < 1 || attempts < 1) {
      throw new IllegalArgumentException(
          "expected batchBytes and attempts of at least 1, got " + batchBytes + " and " + attempts);
    }
  }

  /**
   * A target with usual values: requests of up to 5 MiB, ten attempts, one second.
   *
   * @param cluster the address
   * @param index the name of the index
   * @return the target
   */
  public static BulkTarget of(URI cluster, String index) {
    return new BulkTarget(cluster, index, Map.of(), 5 << 20, 10, Duration.ofSeconds(1));
  }

  /**
   * A copy with another header.
   *
   * @param name its name
   * @param value its value
   * @return the copy
   */
  public BulkTarget header(String name, String value) {
    Map<String, String> more = new TreeMap<>(headers);
    more.put(name, value);
    return new BulkTarget(cluster, index, more, batchBytes, attempts, pause);
  }

  /** The address of the index, or of something of it. */
  URI at(String rest) {
    String base = cluster.toString().replaceAll("/+$", "");
    return URI.create(base + "/" + index + rest);
  }
}
