package io.luciole.hub;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.AtomicFiles;
import io.luciole.model.ModelException;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Fetches one file into its {@code .part}, checks it and gives it its name.
 *
 * <p>Invariant: the bytes of the {@code .part} are the first bytes that a server sent for this
 * content, and the running digest has seen exactly these. The address names a commit, so that what
 * comes later continues them; should it not, the digest tells, and the file is begun anew, once.
 */
final class FileFetcher {
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

  private final PullContext context;
  private final RemoteFile file;
  private final ContentDigest digest;
  private final URI uri;
  private final Path part;
  private final Path target;
  private final long before;
  private final long total;

  private final Retries retries;
  private MessageDigest sum;
  private long have;

  /**
   * Prepares.
   *
   * @param before bytes of the model that are here, this file left out
   * @param total the model's bytes in all
   */
  FileFetcher(
      PullContext context, PullFolder folder, RemoteFile file, URI uri, long before, long total) {
    this.context = context;
    this.file = file;
    this.digest = requireNonNull(file.digest());
    this.uri = uri;
    this.part = folder.part(file);
    this.target = folder.staged(file);
    this.before = before;
    this.total = total;
    this.retries = context.retries(file.path());
    this.sum = digest.start(file.size());
  }

  /** What came is not the file that the hub lists. */
  private static final class WrongContentException extends Exception {
    private static final long serialVersionUID = 1L;

    WrongContentException(String message) {
      super(message);
    }
  }

  /**
   * Fetches the file, going on from what is there of it.
   *
   * @throws ModelException if that fails for good
   * @throws InterruptedException if the thread is interrupted; what has come is kept
   */
  void fetch() throws InterruptedException {
    try {
      Files.createDirectories(part.getParent());
      if (!Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)) {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw PullFolder.cannotWrite(part, e);
    }
    boolean again = false;
    while (true) {
      try {
        attempt();
        return;
      } catch (WrongContentException e) {
        discard();
        String found = String.valueOf(e.getMessage());
        if (again) {
          throw new ModelException(
              "The file "
                  + file.path()
                  + " came twice with content that is not the hub's: "
                  + found
                  + ". Try again later; a proxy or a mirror may send something else.",
              e);
        }
        again = true;
        context.listener().retrying(file.path(), found, Duration.ZERO);
      }
    }
  }

  private void discard() {
    try {
      Files.deleteIfExists(part);
    } catch (IOException e) {
      throw PullFolder.cannotWrite(part, e);
    }
  }

  private void attempt() throws WrongContentException, InterruptedException {
    try (FileChannel out =
        FileChannel.open(
            part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      resume(out);
      while (have < file.size()) {
        long start = have;
        try {
          request(out);
        } catch (IOException e) {
          if (have - start >= context.tuning().progress()) {
            retries.progressed();
          }
          retries.pause(e);
        }
      }
      String found = ContentDigest.end(sum);
      if (!found.equals(digest.hex())) {
        throw new WrongContentException(
            "expected the " + digest.algorithm() + " " + digest.hex() + ", found " + found);
      }
    } catch (IOException e) {
      throw PullFolder.cannotWrite(part, e);
    }
    try {
      AtomicFiles.publish(part, target);
    } catch (IOException e) {
      throw PullFolder.cannotWrite(target, e);
    }
  }

  private void resume(FileChannel out) throws IOException {
    restart(out, out.size() > file.size());
    PullFolder.update(sum, out.position(0));
    have = out.position();
  }

  private void restart(FileChannel out, boolean empty) throws IOException {
    if (empty) {
      out.truncate(0);
    }
    sum = digest.start(file.size());
    have = 0;
  }

  /** Asks for what is missing and takes what comes. */
  private void request(FileChannel out)
      throws IOException, WrongContentException, InterruptedException {
    try (HubReply reply = context.client().get(uri, have)) {
      context.errors().check(reply, file.path());
      if (reply.status() == 416 || (have > 0 && !continues(reply))) {
        boolean whole = reply.status() == 200;
        write(() -> restart(out, true));
        if (!whole) {
          throw new IOException("the server refuses to go on from the middle");
        }
      }
      String encoding = reply.header("Content-Encoding");
      if (!encoding.isEmpty() && !encoding.equalsIgnoreCase("identity")) {
        throw new WrongContentException(
            "expected the file as it is, found it encoded as " + encoding);
      }
      OptionalLong length = reply.number("Content-Length");
      if (length.isPresent() && length.getAsLong() != file.size() - have) {
        throw new WrongContentException(
            "expected "
                + (file.size() - have)
                + " bytes, the server announces "
                + length.getAsLong());
      }
      List<ByteBuffer> buffers = reply.body().next();
      while (buffers != null) {
        for (ByteBuffer buffer : buffers) {
          take(out, buffer);
        }
        context.listener().progress(file.path(), have, file.size(), before + have, total);
        buffers = reply.body().next();
      }
    }
    if (have < file.size()) {
      throw new IOException("the connection ended after " + have + " of " + file.size() + " bytes");
    }
  }

  private void take(FileChannel out, ByteBuffer buffer) throws WrongContentException {
    if (buffer.remaining() > file.size() - have) {
      throw new WrongContentException("expected " + file.size() + " bytes, the server sends more");
    }
    write(() -> {
      long at = have;
      sum.update(buffer.duplicate());
      while (buffer.hasRemaining()) {
        at += out.write(buffer, at);
      }
      have = at;
    });
  }

  /** Whether an answer begins at the byte that was asked for. */
  private boolean continues(HubReply reply) {
    Matcher range = CONTENT_RANGE.matcher(reply.header("Content-Range"));
    return reply.status() == 206
        && range.matches()
        && Long.parseLong(range.group(1)) == have
        && (range.group(3).equals("*") || Long.parseLong(range.group(3)) == file.size());
  }

  private interface Write {
    void run() throws IOException;
  }

  /** Tells failures of the disk from those of the connection. */
  private void write(Write action) {
    try {
      action.run();
    } catch (IOException e) {
      throw PullFolder.cannotWrite(part, e);
    }
  }
}
