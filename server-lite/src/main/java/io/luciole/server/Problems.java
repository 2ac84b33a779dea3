package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.DeadlineExceededException;
import io.luciole.DeviceLostException;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.EngineClosedException;
import io.luciole.EngineOverloadedException;
import io.luciole.LucioleException;
import io.luciole.NotFiniteException;
import io.luciole.TextTooLongException;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.IndexUnavailableException;
import io.luciole.lucene.ViewGoneException;
import io.luciole.model.ModelException;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * Maps exceptions to HTTP statuses, and writes them in the format of each family of APIs.
 * docs/server.md prints the table of statuses; a test compares the two.
 */
final class Problems {
  /** The JSON format of a family's errors. */
  enum Format {
    /** {@code {"error": {"message", "type", "param", "code"}}}. */
    OPENAI,
    /** {@code {"error": "…", "error_type": "…"}}, text-embeddings-inference's. */
    TEI,
    /** {@code {"message": "…"}}, Cohere's. */
    COHERE
  }

  /** The folders of an absolute path, of Unix or Windows, up to its last name. */
  private static final Pattern FOLDERS =
      Pattern.compile("(?<![\\w/.:])(?:/(?:[^\\s/:\"]+/)+|[A-Za-z]:\\\\(?:[^\\s\\\\:\"]+\\\\)*)");

  /** The folders of an index that a message names by its path. */
  private static final Pattern INDEX_FOLDERS = Pattern.compile("(?<=\\bindex )" + FOLDERS);

  private Problems() {}

  /** Maps a failure, to the status that the servers of a format answer it with. */
  static Problem of(Throwable failure, Format format) {
    Problem problem = of(failure);
    if (format == Format.TEI) {
      return problem.withStatus(teiStatus(problem));
    }
    return problem.code().equals("text_too_long") ? problem.withStatus(400) : problem;
  }

  /**
   * Text-embeddings-inference answers what is wrong in a request with 422, unless it is no JSON,
   * and what the model cannot do with 424.
   */
  private static int teiStatus(Problem problem) {
    return switch (problem.code()) {
      case "invalid_request", "token_ids_refused", "text_too_long", "too_large" ->
          problem.param() == null ? problem.status() : 422;
      case "wrong_model", "backend_failed", "model_failed", "not_finite", "out_of_memory" -> 424;
      default -> problem.status();
    };
  }

  /** Maps a failure. An unknown one is an internal error, and its details are not told. */
  static Problem of(Throwable failure) {
    return switch (cause(failure)) {
      case Problem p -> p;
      case TimeoutException e ->
          new Problem(504, "timeout", "The request's time was up before it was computed.");
      case DeadlineExceededException e ->
          new Problem(504, "timeout", "The request's time was up before it was computed.");
      case EmbeddingInterruptedException e -> Problem.shuttingDown();
      case EngineOverloadedException e -> Problem.overloaded("Too much waits for the model.", 1);
      case EngineClosedException e -> Problem.shuttingDown();
      case DeviceLostException e ->
          new Problem(503, "device_lost", "The model's device is not working.", null, 5);
      case TextTooLongException e ->
          new Problem(
              413,
              "text_too_long",
              "A text may have "
                  + e.limit()
                  + " tokens, this one has "
                  + e.tokens()
                  + " or more. Shorten it, or have it truncated: \"truncate\": true, in Cohere's API"
                  + " \"END\", in Voyage's \"truncation\": true.");
      case NotFiniteException e ->
          new Problem(422, "not_finite", "The model gives no finite numbers for this text.");
      case BackendOutOfMemoryException e ->
          new Problem(507, "out_of_memory", "The text does not fit the device's memory.");
      case BackendException e ->
          new Problem(500, "backend_failed", "The model failed on this text.");
      case ViewGoneException e ->
          new Problem(
              410,
              "view_gone",
              "The view is gone: views are kept for some minutes after the index has changed. Search"
                  + " from the first page again.",
              "view",
              0);
      case IndexUnavailableException e ->
          new Problem(503, "index_unavailable", withoutPaths(e), null, 5);
      case IndexException e -> new Problem(500, "index_failed", withoutPaths(e));
      case ModelException e ->
          new Problem(500, "model_failed", "The model's files cannot be used.");
      // Of these only what follows is the server's; anything else may be quoted from the request.
      case IllegalArgumentException e ->
          Problem.invalid(null, INDEX_FOLDERS.matcher(text(e)).replaceAll(""));
      case LucioleException e -> new Problem(500, "internal", "The server failed.");
      default -> new Problem(500, "internal", "The server failed; its log says why.");
    };
  }

  /** What a future failed with. */
  private static Throwable cause(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** Whether a request failed because its index cannot be used now. */
  static boolean isUnavailable(Throwable failure) {
    return cause(failure) instanceof IndexUnavailableException;
  }

  private static String text(Throwable e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }

  /** What a failure says, for clients: see {@link #withoutPaths(String)}. */
  static String withoutPaths(Throwable e) {
    return withoutPaths(text(e));
  }

  /**
   * A message about files for clients, who are told the names of the files, and not where the
   * server has them. The log has the whole message.
   */
  static String withoutPaths(String message) {
    return FOLDERS.matcher(message).replaceAll("");
  }

  private static String teiType(Problem problem) {
    if (problem.code().equals("empty")) {
      return "empty";
    }
    return switch (problem.status()) {
      case 429 -> "overloaded";
      case 503 -> "unhealthy";
      case 424, 500, 504, 507 -> "backend";
      default -> "validation";
    };
  }

  /** Writes a problem as JSON. */
  static ObjectNode write(Problem problem, Format format) {
    ObjectNode root = JsonBodies.object();
    switch (format) {
      case OPENAI ->
          root.putObject("error")
              .put("message", problem.text())
              .put(
                  "type",
                  problem.status() == 429
                      ? "requests"
                      : problem.status() < 500 ? "invalid_request_error" : "server_error")
              .put("param", problem.param())
              .put("code", problem.code());
      case TEI -> root.put("error", problem.text()).put("error_type", teiType(problem));
      case COHERE -> root.put("message", problem.text()).put("code", problem.code());
    }
    return root;
  }
}
