package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.lucene.SourceDocument;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
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
 * faster is slowed down by its socket. A bad line does not affect the others. With {@code
 * ?commit=true} the index is committed at the end; with {@code ?results=failed} only lines that
 * failed are answered.
 */
final class BulkIngestion {
  private static final int MAX_PENDING = 2048;

  private final SearchIndex index;

  @Inject
  BulkIngestion(SearchIndex index) {
    this.index = index;
  }

  private record Pending(long line, String id, CompletableFuture<Boolean> written) {}

  void ingest(Exchange x) throws IOException, InterruptedException {
    boolean commit = "true".equals(x.query("commit"));
    boolean failedOnly = "failed".equals(x.query("results"));
    // Throws if there is no index, while a status can still be sent.
    boolean unused = index.searcher().legs().isEmpty();
    InputStream in = new BufferedInputStream(x.stream(), 1 << 16);
    // Not closed if something fails: the connection is then cut, so that the client does not take
    // a part of the answer for the whole.
    OutputStream out = x.sendStream("application/x-ndjson");
    Answers answers = new Answers(out, failedOnly);
    ArrayDeque<Pending> pending = new ArrayDeque<>();
    Lines lines = new Lines(in, (int) Math.min(Integer.MAX_VALUE - 8L, x.limits().maxBody()));
    while (lines.next()) {
      take(x, lines, pending);
      while (!pending.isEmpty()
          && (pending.size() > MAX_PENDING || pending.getFirst().written().isDone())) {
        answers.answer(pending.removeFirst());
      }
    }
    while (!pending.isEmpty()) {
      answers.answer(pending.removeFirst());
    }
    if (commit) {
      index.commit();
    }
    x.count((int) Math.min(Integer.MAX_VALUE, lines.number()), 0);
    answers.end(lines.number(), commit);
    out.close();
  }

  private void take(Exchange x, Lines lines, ArrayDeque<Pending> pending) {
    byte[] line = lines.bytes();
    if (line != null && isBlank(line)) {
      return;
    }
    String id = null;
    try {
      if (line == null) {
        throw Problem.tooLarge(null, "A line may have " + x.limits().maxBody() + " bytes.");
      }
      ObjectNode object = JsonBodies.parseObject(line);
      if (object.has("delete")) {
        id = JsonBodies.string(object, "delete");
        // Lines take effect in order: this also deletes what an earlier line has put.
        index.delete(id);
        pending.add(new Pending(lines.number(), id, CompletableFuture.completedFuture(null)));
        return;
      }
      SourceDocument document = DocumentsApi.parse(x, object, "");
      id = document.id();
      pending.add(new Pending(lines.number(), id, index.put(document)));
    } catch (RuntimeException e) {
      pending.add(
          new Pending(lines.number(), id == null ? "" : id, CompletableFuture.failedFuture(e)));
    }
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
    private long failed;

    Answers(OutputStream out, boolean failedOnly) {
      this.out = out;
      this.failedOnly = failedOnly;
    }

    void answer(Pending pending) throws IOException, InterruptedException {
      ObjectNode line = JsonBodies.object().put("line", pending.line());
      if (!pending.id().isEmpty()) {
        line.put("id", pending.id());
      }
      try {
        @Nullable Boolean replaced = pending.written().get();
        if (failedOnly) {
          return;
        }
        line.put("status", 200)
            .put("result", replaced == null ? "deleted" : replaced ? "replaced" : "created");
      } catch (ExecutionException e) {
        failed++;
        Problem problem = Problems.of(e);
        line.put("status", problem.status()).put("error", problem.text());
      }
      write(line);
    }

    void end(long lines, boolean committed) throws IOException {
      write(
          JsonBodies.object()
              .put("lines", lines)
              .put("failed", failed)
              .put("committed", committed));
    }

    private void write(ObjectNode line) throws IOException {
      byte[] bytes = JsonBodies.bytes(line);
      byte[] ended = java.util.Arrays.copyOf(bytes, bytes.length + 1);
      ended[bytes.length] = '\n';
      out.write(ended);
      out.flush();
    }
  }

  /** Cuts a stream at line ends. A line that is too long is passed over and is null. */
  private static final class Lines {
    private final InputStream in;
    private final int limit;
    private byte @Nullable [] bytes;
    private long number;

    Lines(InputStream in, int limit) {
      this.in = in;
      this.limit = limit;
    }

    boolean next() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream(1024);
      boolean any = false;
      boolean tooLong = false;
      try {
        for (int b = in.read(); b >= 0; b = in.read()) {
          any = true;
          if (b == '\n') {
            break;
          }
          tooLong |= line.size() >= limit;
          if (!tooLong) {
            line.write(b);
          }
        }
      } catch (IOException | RuntimeException e) {
        throw Exchange.bodyCutShort(e);
      }
      if (any) {
        number++;
        bytes = tooLong ? null : line.toByteArray();
      }
      return any;
    }

    byte @Nullable [] bytes() {
      return bytes;
    }

    long number() {
      return number;
    }
  }
}
