package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.internal.LineReader;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.SourceDocument;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Indexes any number of documents, one a line, and answers with one line for each in the same
 * order:
 *
 * <pre>
 * {"id": "d1", "title": "…", "text": "…"}   →  {"line":1,"id":"d1","status":200,"result":"created"}
 * {"delete": "d2"}                          →  {"line":2,"id":"d2","status":200,"result":"deleted"}
 * not JSON                                  →  {"line":3,"status":400,"error":"…"}
 *                                              {"lines":3,"failed":1,"committed":false}
 * </pre>
 *
 * <p>Lines are read no faster than documents are embedded and written, so that a client that sends
 * faster is slowed down by its socket; what is read of them and not answered yet counts in {@link
 * BodyMemory}. A bad line does not affect the others. With {@code ?commit=true} the index is
 * committed at the end, with {@code ?wait_for=commit} the last line waits for a commit; where there
 * is none, the last line says why. With {@code ?results=failed} only lines that failed are
 * answered.
 */
final class BulkIngestion {
  private static final int MAX_PENDING = 2048;

  private final Indexes indexes;
  private final DocumentBodies bodies;

  @Inject
  BulkIngestion(Indexes indexes, DocumentBodies bodies) {
    this.indexes = indexes;
    this.bodies = bodies;
  }

  /** A line in progress; its result is the word that it is answered with. */
  private record Pending(long line, String id, int bytes, CompletableFuture<String> result) {}

  /** The lines in progress, in order, and what they hold of the memory for bodies. */
  private static final class InProgress {
    private final ArrayDeque<Pending> lines = new ArrayDeque<>();
    private final RequestBody body;
    private long bytes;

    /** The longest line yet, for which the reader keeps room. */
    private int longest;

    InProgress(RequestBody body) {
      this.body = body;
    }

    void add(Pending line) {
      lines.add(line);
      bytes += line.bytes();
      longest = Math.max(longest, line.bytes());
      keep();
    }

    /** Gives back the memory of what was read and is no line in progress. */
    void keep() {
      body.keep(bytes, longest);
    }

    Pending remove() {
      Pending line = lines.removeFirst();
      bytes -= line.bytes();
      keep();
      return line;
    }

    boolean isEmpty() {
      return lines.isEmpty();
    }

    /** Whether the first line is to be answered before another is read. */
    boolean isFirstDue() {
      return !lines.isEmpty()
          && (lines.size() > MAX_PENDING || body.isMuch(bytes) || isFirstDone());
    }

    boolean isFirstDone() {
      return !lines.isEmpty() && lines.getFirst().result().isDone();
    }
  }

  void ingest(Exchange x) throws IOException, InterruptedException, ExecutionException {
    // What is wrong with the request is told while a status can still be sent.
    SearchIndex index = indexes.of(x);
    Durability durability = Durability.of(x);
    boolean failedOnly = failedOnly(x.query("results"));
    // Not closed if something fails: the connection is then cut, so that the client does not take
    // a part of the answer for the whole.
    OutputStream out = x.sendStream("application/x-ndjson");
    Answers answers = new Answers(out, failedOnly, e -> indexes.problem(x, e));
    InProgress pending = new InProgress(x.body());
    // Also a client that waits for its answers before it sends more gets them.
    x.body().whileWaiting(() -> answers.answerDone(pending));
    int longest = longest(x);
    InputStream in = x.body().heldStream(longest + (long) RequestBody.SMALL);
    try (LineReader lines = new LineReader(in, "the body", longest)) {
      while (takeNext(x, index, lines, pending)) {
        while (pending.isFirstDue()) {
          answers.answer(pending.remove());
        }
      }
    } catch (Problem e) {
      answers.answerAll(pending);
      throw e;
    }
    answers.answerAll(pending);
    x.count((int) Math.min(Integer.MAX_VALUE, answers.lines()), 0);
    try {
      durability.settle(index, x.limits().timeout().toMillis());
      answers.end(durability.isAsked());
    } catch (RuntimeException | ExecutionException e) {
      if (!x.isSent()) {
        throw e;
      }
      answers.endNotCommitted(e);
    }
    out.close();
  }

  private static boolean failedOnly(@Nullable String results) {
    if (results == null || results.equals("all") || results.equals("failed")) {
      return "failed".equals(results);
    }
    throw Problem.invalid("results", "Expected all or failed as \"results\", found another word.");
  }

  /** The most bytes of a line: what a body may have, and what one reader holds in memory. */
  private static int longest(Exchange x) {
    return (int) Math.min(LineReader.LIMIT, x.limits().maxBody());
  }

  /** Takes the next line; false if there is none. */
  private boolean takeNext(Exchange x, SearchIndex index, LineReader lines, InProgress pending) {
    byte[] line;
    try {
      line = lines.nextBytes();
    } catch (LineReader.BadLineException e) {
      Problem tooLarge = Problem.tooLarge(null, "A line may have " + longest(x) + " bytes.");
      // Nothing is kept of it but the room that its reader has made.
      pending.longest = longest(x);
      pending.add(new Pending(lines.number(), "", 0, CompletableFuture.failedFuture(tooLarge)));
      return true;
    } catch (IOException | RuntimeException e) {
      throw RequestBody.cutShort(e);
    }
    if (line == null || isBlank(line)) {
      pending.keep();
      return line != null;
    }
    pending.add(take(x.body(), index, line, lines.number()));
    return true;
  }

  private Pending take(RequestBody body, SearchIndex index, byte[] line, long number) {
    String id = null;
    try {
      ObjectNode object = JsonBodies.parseObject(line, body.memory()::takeValues);
      if (isDeletion(object)) {
        id = JsonBodies.string(object, "delete");
        DocumentBodies.requireCharacters(id, "delete");
        // Lines take effect in order: this also deletes what an earlier line has put.
        String result = DocumentsApi.resultOfDelete(index.live().delete(id));
        return new Pending(number, id, line.length, CompletableFuture.completedFuture(result));
      }
      id = DocumentBodies.id(object);
      SourceDocument document = bodies.read(object, "");
      return new Pending(
          number,
          document.id(),
          line.length,
          put(index, document).thenApply(DocumentsApi::resultOfPut));
    } catch (RuntimeException e) {
      return new Pending(
          number, id == null ? "" : id, line.length, CompletableFuture.failedFuture(e));
    } finally {
      body.memory().giveValues();
    }
  }

  /** Puts one of several documents: that it is refused is its own result. */
  static CompletableFuture<Boolean> put(SearchIndex index, SourceDocument document) {
    try {
      return index.put(document);
    } catch (IndexException | Problem e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Whether a line only names what to delete; in a document, such a field is metadata. */
  private static boolean isDeletion(ObjectNode object) {
    return object.size() == 1 && object.has("delete");
  }

  private static boolean isBlank(byte[] line) {
    for (byte b : line) {
      if (b != ' ' && b != '\t' && b != '\r') {
        return false;
      }
    }
    return true;
  }

  /** Writes the answers to lines. */
  private static final class Answers {
    private final OutputStream out;
    private final boolean failedOnly;
    private final Function<Exception, Problem> problems;
    private long lines;
    private long failed;

    Answers(OutputStream out, boolean failedOnly, Function<Exception, Problem> problems) {
      this.out = out;
      this.failedOnly = failedOnly;
      this.problems = problems;
    }

    /** How many lines were answered; blank ones are not. */
    long lines() {
      return lines;
    }

    /** Answers what is done, up to the first line that is not; whether there is such a line. */
    boolean answerDone(InProgress pending) {
      try {
        while (pending.isFirstDone()) {
          answer(pending.remove());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancellationException();
      }
      return !pending.isEmpty();
    }

    void answerAll(InProgress pending) throws IOException, InterruptedException {
      while (!pending.isEmpty()) {
        answer(pending.remove());
      }
    }

    void answer(Pending pending) throws IOException, InterruptedException {
      lines++;
      ObjectNode line = JsonBodies.object().put("line", pending.line());
      if (!pending.id().isEmpty()) {
        line.put("id", pending.id());
      }
      try {
        String result = pending.result().get();
        if (failedOnly) {
          return;
        }
        line.put("status", 200).put("result", result);
      } catch (ExecutionException e) {
        failed++;
        tell(e, line);
      }
      write(line);
    }

    void end(boolean committed) throws IOException {
      write(total(committed));
    }

    /** Ends where all lines were answered, and could not be made durable as the request asks. */
    void endNotCommitted(Exception failure) throws IOException {
      ObjectNode line = total(false);
      tell(failure, line);
      write(line);
    }

    private ObjectNode total(boolean committed) {
      return JsonBodies.object()
          .put("lines", lines)
          .put("failed", failed)
          .put("committed", committed);
    }

    private void tell(Exception failure, ObjectNode line) {
      Problem problem = problems.apply(failure);
      line.put("status", problem.status()).put("error", problem.text());
    }

    private void write(ObjectNode line) throws IOException {
      out.write(JsonBodies.line(line));
      out.flush();
    }
  }
}
