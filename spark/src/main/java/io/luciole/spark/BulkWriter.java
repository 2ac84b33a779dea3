package io.luciole.spark;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.LucioleException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes documents by the bulk API that Elasticsearch and OpenSearch share. A document with an id
 * that is there replaces it, so that what is written again after a failure is there once.
 *
 * <p>What the cluster does not take now (429, 502, 503, 504, for a request or for single documents,
 * or no answer) is sent again, the documents that were taken left out. What it refuses otherwise
 * fails. Not for use by several threads.
 */
public final class BulkWriter implements AutoCloseable {
  private static final Set<Integer> LATER = Set.of(429, 502, 503, 504);
  private static final int SHOWN = 3;
  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final BulkTarget target;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final List<byte[]> waiting = new ArrayList<>();
  private long bytes;

  private BulkWriter(BulkTarget target) {
    this.target = target;
  }

  /**
   * Opens a writer; nothing is sent yet.
   *
   * @param target where to
   * @return the writer
   */
  public static BulkWriter open(BulkTarget target) {
    return new BulkWriter(requireNonNull(target, "target"));
  }

  /**
   * Creates the index, unless it exists.
   *
   * @param body settings and mappings, as {@link ClusterKind#index} makes them
   * @throws LucioleException if the cluster refuses it or cannot be reached
   */
  public void createIndex(String body) {
    HttpResponse<String> response = send("PUT", "", body.getBytes(StandardCharsets.UTF_8));
    if (response.statusCode() / 100 != 2
        && !response.body().contains("resource_already_exists_exception")) {
      throw refused("the index", response);
    }
  }

  /**
   * Adds a document, and sends a request when enough wait.
   *
   * @param id its id
   * @param json its fields, a JSON object on one line
   * @throws LucioleException if the cluster refuses a document, or takes none after all attempts
   */
  public void put(String id, String json) {
    if (json.indexOf('\n') >= 0 || json.indexOf('\r') >= 0) {
      throw new IllegalArgumentException("expected JSON on one line for the document " + id);
    }
    byte[] operation = operation(id, json);
    if (bytes + operation.length > target.batchBytes()) {
      flush();
    }
    waiting.add(operation);
    bytes += operation.length;
  }

  private static byte[] operation(String id, String json) {
    try {
      String index = MAPPER.writeValueAsString(Map.of("index", Map.of("_id", id)));
      return (index + '\n' + json + '\n').getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Sends what waits.
   *
   * @throws LucioleException as {@link #put}
   */
  public void flush() {
    List<byte[]> left = List.copyOf(waiting);
    waiting.clear();
    bytes = 0;
    for (int attempt = 1; !left.isEmpty(); attempt++) {
      HttpResponse<String> response = send("POST", "/_bulk", join(left));
      if (response.statusCode() / 100 != 2) {
        throw refused("the documents", response);
      }
      left = notTaken(left, response.body());
      if (!left.isEmpty()) {
        pauseOrGiveUp(attempt, left.size() + " documents are not taken now", null);
      }
    }
  }

  private static byte[] join(List<byte[]> operations) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    operations.forEach(body::writeBytes);
    return body.toByteArray();
  }

  /**
   * Finds the documents that the cluster takes later.
   *
   * @throws LucioleException if it refuses one for good
   */
  private List<byte[]> notTaken(List<byte[]> sent, String answer) {
    JsonNode items = parse(answer).path("items");
    if (items.size() != sent.size()) {
      throw new LucioleException(
          "Expected an answer for each of "
              + sent.size()
              + " documents from "
              + target.at("/_bulk")
              + ", found "
              + items.size());
    }
    List<byte[]> later = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    for (int i = 0; i < sent.size(); i++) {
      JsonNode item = items.get(i).path("index");
      int status = item.path("status").asInt();
      if (LATER.contains(status)) {
        later.add(sent.get(i));
      } else if (status / 100 != 2) {
        refused.add(item.path("_id").asText() + ": " + item.path("error"));
      }
    }
    if (!refused.isEmpty()) {
      throw new LucioleException(
          "The cluster refused "
              + refused.size()
              + " of "
              + sent.size()
              + " documents: "
              + String.join("; ", refused.subList(0, Math.min(SHOWN, refused.size()))));
    }
    return later;
  }

  private static JsonNode parse(String answer) {
    try {
      return MAPPER.readTree(answer);
    } catch (JsonProcessingException e) {
      throw new LucioleException("Expected JSON from the cluster, found: " + answer, e);
    }
  }

  /** Sends a request until the cluster takes or refuses it. */
  private HttpResponse<String> send(String method, String rest, byte[] body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(target.at(rest))
            .timeout(TIMEOUT)
            .header("Content-Type", rest.isEmpty() ? "application/json" : "application/x-ndjson")
            .method(method, BodyPublishers.ofByteArray(body));
    target.headers().forEach(request::setHeader);
    for (int attempt = 1; ; attempt++) {
      try {
        HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
        if (!LATER.contains(response.statusCode())) {
          return response;
        }
        pauseOrGiveUp(
            attempt,
            "the answer was " + response.statusCode(),
            response.headers().firstValue("Retry-After").orElse(null));
      } catch (IOException e) {
        pauseOrGiveUp(attempt, e.toString(), null);
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
    }
  }

  private void pauseOrGiveUp(int attempt, String why, @Nullable String retryAfter) {
    if (attempt >= target.attempts()) {
      throw new LucioleException(
          "The cluster at "
              + target.cluster()
              + " did not take what was sent in "
              + attempt
              + " attempts; at last: "
              + why);
    }
    long millis = target.pause().toMillis() << Math.min(attempt - 1, 10);
    if (retryAfter != null && retryAfter.matches("\\d{1,4}")) {
      millis = Duration.ofSeconds(Long.parseLong(retryAfter)).toMillis();
    }
    try {
      Thread.sleep(Math.min(millis, BulkTarget.MAX_PAUSE.toMillis()));
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static LucioleException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new LucioleException("The thread was interrupted while it waited for the cluster.", e);
  }

  private LucioleException refused(String what, HttpResponse<String> response) {
    String body = response.body();
    return new LucioleException(
        "The cluster refused "
            + what
            + " at "
            + response.uri()
            + " with "
            + response.statusCode()
            + ": "
            + body.substring(0, Math.min(500, body.length())));
  }

  /**
   * Sends what waits. After a failure of {@link #put} or {@link #flush}, nothing does.
   *
   * @throws LucioleException as {@link #put}
   */
  @Override
  public void close() {
    flush();
  }
}
