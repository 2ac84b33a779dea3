package io.luciole.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The streams of a run. Results go to {@link #out}, everything else to {@link #err}, both in UTF-8.
 *
 * <p>A result that cannot be written is never lost silently: {@link #out} throws {@link
 * CliException}, or {@link ClosedPipeException} if the reader has gone.
 */
final class Console {
  private static final int FILE_TYPE = 0170000;
  private static final int CHARACTER_DEVICE = 0020000;
  private static final int PIPE = 0010000;

  private final InputStream in;
  private final BufferedReader lines;
  private final PrintWriter out;
  private final PrintStream err;
  private final boolean inIsTerminal;
  private final boolean outIsTerminal;
  private final boolean errIsTerminal;
  private final @Nullable Path inFile;
  private final @Nullable Path outFile;
  private final @Nullable Path errFile;

  Console(
      InputStream in,
      OutputStream out,
      OutputStream err,
      boolean inIsTerminal,
      boolean outIsTerminal,
      boolean outIsPipe,
      boolean errIsTerminal) {
    this(in, out, err, inIsTerminal, outIsTerminal, outIsPipe, errIsTerminal, null, null, null);
  }

  private Console(
      InputStream in,
      OutputStream out,
      OutputStream err,
      boolean inIsTerminal,
      boolean outIsTerminal,
      boolean outIsPipe,
      boolean errIsTerminal,
      @Nullable Path inFile,
      @Nullable Path outFile,
      @Nullable Path errFile) {
    this.in = in;
    this.lines = new BufferedReader(new InputStreamReader(in, UTF_8));
    this.out = new PrintWriter(new Results(out, outIsPipe), false);
    this.err = new PrintStream(err, true, UTF_8);
    this.inIsTerminal = inIsTerminal;
    this.outIsTerminal = outIsTerminal;
    this.errIsTerminal = errIsTerminal;
    this.inFile = inFile;
    this.outFile = outFile;
    this.errFile = errFile;
  }

  /** The streams of this process. */
  static Console system() {
    return new Console(
        new FileInputStream(FileDescriptor.in),
        new FileOutputStream(FileDescriptor.out),
        new FileOutputStream(FileDescriptor.err),
        isTerminal(0),
        isTerminal(1),
        isPipe(1),
        isTerminal(2),
        file(0),
        file(1),
        file(2));
  }

  /** Standard input, unbuffered; not to be mixed with {@link #ask}, which reads ahead. */
  InputStream in() {
    return in;
  }

  /** The file that {@link #in} was redirected from; null if there is none. */
  @Nullable Path inFile() {
    return inFile;
  }

  /** The file that {@link #out} was redirected to; null if there is none. */
  @Nullable Path outFile() {
    return outFile;
  }

  /** The file that {@link #err} was redirected to; null if there is none. */
  @Nullable Path errFile() {
    return errFile;
  }

  /** Whether there is somebody who can answer a question: standard input is a terminal. */
  boolean asks() {
    return inIsTerminal;
  }

  /**
   * Asks for a line.
   *
   * @param prompt what to write before it, to {@link #err}
   * @return the line, or null if the input has ended
   */
  @Nullable String ask(String prompt) throws IOException {
    out.flush();
    err.print(prompt);
    err.flush();
    return lines.readLine();
  }

  /** Where results go; buffered until it is flushed. */
  PrintWriter out() {
    return out;
  }

  /** Where messages go. */
  PrintStream err() {
    return err;
  }

  /** {@link #err} as a writer. */
  PrintWriter errWriter() {
    return new PrintWriter(new OutputStreamWriter(err, UTF_8), true);
  }

  /** Whether results may be decorated: they go to a terminal, and plain text was not asked for. */
  boolean decoratesResults() {
    return outIsTerminal && !isSet("NO_COLOR") && !"dumb".equals(System.getenv("TERM"));
  }

  /** Whether a progress bar may be drawn and redrawn. */
  boolean drawsProgress() {
    return errIsTerminal && !"dumb".equals(System.getenv("TERM"));
  }

  private static boolean isSet(String variable) {
    String value = System.getenv(variable);
    return value != null && !value.isEmpty();
  }

  /**
   * Whether an open file is a terminal: a character device that is not of the kind of {@code
   * /dev/null}. {@link System#console} does not distinguish input from output.
   */
  private static boolean isTerminal(int descriptor) {
    Path open = Path.of("/dev/fd/" + descriptor);
    try {
      return (mode(open) & FILE_TYPE) == CHARACTER_DEVICE
          && major(open) != major(Path.of("/dev/null"));
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean isPipe(int descriptor) {
    try {
      return (mode(Path.of("/dev/fd/" + descriptor)) & FILE_TYPE) == PIPE;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false;
    }
  }

  /** The file that is open as a descriptor, by its own name if it still has one. */
  private static @Nullable Path file(int descriptor) {
    Path open = Path.of("/dev/fd/" + descriptor);
    try {
      return Files.isRegularFile(open) ? open.toRealPath() : null;
    } catch (IOException e) {
      // It was deleted, so that no name leads to it.
      return null;
    }
  }

  private static int mode(Path path) throws IOException {
    return (Integer) Files.getAttribute(path, "unix:mode");
  }

  /** The device's driver number, which is above the low eight bits on Linux and on macOS. */
  private static long major(Path path) throws IOException {
    return (Long) Files.getAttribute(path, "unix:rdev") >>> 8;
  }

  /**
   * A buffered UTF-8 writer whose failures are unchecked, so that a {@link PrintWriter} around it
   * cannot swallow them.
   */
  private static final class Results extends Writer {
    private final Writer writer;
    private final boolean isPipe;

    Results(OutputStream out, boolean isPipe) {
      this.isPipe = isPipe;
      writer = new OutputStreamWriter(new BufferedOutputStream(out, 1 << 16), UTF_8);
    }

    @Override
    public void write(char[] chars, int offset, int length) {
      try {
        writer.write(chars, offset, length);
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void flush() {
      try {
        writer.flush();
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void close() {
      flush();
    }

    private RuntimeException failed(IOException e) {
      String message = String.valueOf(e.getMessage());
      // The message of EPIPE is translated, so it is not compared: a pipe fails in no other way.
      if (message.toLowerCase(Locale.ROOT).contains("broken pipe") || isPipe) {
        return new ClosedPipeException(e);
      }
      return new CliException("Cannot write to standard output: " + message, e);
    }
  }
}
