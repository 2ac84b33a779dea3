package io.luciole.cli;

import io.luciole.LucioleException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Turns failures into messages of one line for the user. */
final class Failures {
  private Failures() {}

  /** The failure without the wrappers that futures and streams add. */
  static Throwable unwrap(Throwable failure) {
    Throwable at = failure;
    while (at.getCause() != null
        && (at instanceof CompletionException
            || at instanceof ExecutionException
            || at instanceof UncheckedIOException)) {
      at = at.getCause();
    }
    return at;
  }

  /** One line for people, without a stack trace. */
  static String message(Throwable failure) {
    Throwable cause = unwrap(failure);
    String message =
        switch (cause) {
          case LucioleException e -> text(e);
          case IOException e -> ofFile(e);
          case OutOfMemoryError e ->
              "Out of memory ("
                  + text(e)
                  + "); give the JVM more, for instance with LUCIOLE_JAVA_OPTS=-Xmx8g";
          default ->
              "Internal error: " + cause + ". Run again with --verbose to see where it comes from.";
        };
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private static String ofFile(IOException e) {
    return switch (e) {
      case NoSuchFileException f -> "No such file: " + f.getFile();
      case AccessDeniedException f -> "No permission to use " + f.getFile();
      case NotDirectoryException f -> "Not a folder: " + f.getFile();
      case FileAlreadyExistsException f -> "Already exists: " + f.getFile();
      case FileSystemException f when f.getReason() != null -> f.getFile() + ": " + f.getReason();
      default -> text(e);
    };
  }

  /** A failure's own message, or its class's name if it has none. */
  static String text(Throwable e) {
    String message = e.getMessage();
    return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
  }
}
