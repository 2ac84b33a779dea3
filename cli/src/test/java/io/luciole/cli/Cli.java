package io.luciole.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs commands in this process, with streams of its own. */
final class Cli {
  /** What a run said and how it ended. */
  record Run(int status, String out, String err) {
    List<String> outLines() {
      return out.lines().toList();
    }

    /** Messages, without summaries of what went well. */
    List<String> errLines() {
      return err.lines().toList();
    }
  }

  private Cli() {}

  /** The command in a process of its own, for what only a shell can do. */
  static ProcessBuilder process(Object... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    for (Object arg : args) {
      command.add(arg.toString());
    }
    return new ProcessBuilder(command);
  }

  static Run run(Object... args) {
    return run(InputStream.nullInputStream(), args);
  }

  static Run feed(String input, Object... args) {
    return run(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), args);
  }

  static Run run(InputStream in, Object... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Run run = run(in, out, args);
    return new Run(run.status, out.toString(StandardCharsets.UTF_8), run.err);
  }

  /** As {@link #feed}, with the input typed at a terminal. */
  static Run type(String input, Object... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    InputStream in = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
    Run run = run(in, out, true, args);
    return new Run(run.status, out.toString(StandardCharsets.UTF_8), run.err);
  }

  /** As the others, with results going to a stream of the caller's. */
  static Run run(InputStream in, OutputStream out, Object... args) {
    return run(in, out, false, args);
  }

  private static Run run(InputStream in, OutputStream out, boolean typed, Object... args) {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console = new Console(in, out, err, typed, false, false, false);
    String[] strings = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      strings[i] = args[i].toString();
    }
    int status = Main.run(console, strings);
    return new Run(status, "", err.toString(StandardCharsets.UTF_8));
  }
}
