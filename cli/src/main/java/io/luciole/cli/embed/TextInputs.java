package io.luciole.cli.embed;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The texts of several inputs, one input after the other. Files that gzip has compressed are
 * unpacked, whatever they are called.
 */
public final class TextInputs implements TextSource {
  /** The name of standard input in flags. */
  public static final String STANDARD_INPUT = "-";

  private final List<Input> inputs;
  private final Iterator<Input> unread;
  private final @Nullable InputFormat format;
  private final TextFields fields;
  private final InputStream standardInput;
  private @Nullable TextSource current;

  /** A file, or standard input where that is null. */
  private record Input(@Nullable Path file) {
    String name() {
      return file == null ? "standard input" : file.toString();
    }
  }

  private TextInputs(
      List<Input> inputs,
      @Nullable InputFormat format,
      TextFields fields,
      InputStream standardInput) {
    this.inputs = inputs;
    this.unread = inputs.iterator();
    this.format = format;
    this.fields = fields;
    this.standardInput = standardInput;
  }

  /**
   * Finds the inputs; none is read yet.
   *
   * @param names files, patterns such as {@code texts/*.jsonl} whose files come in the order of
   *     their names, and {@code -} for standard input
   * @param format how the texts stand in them; null to go by the files' names
   * @param fields the names of the fields or columns
   * @param standardInput standard input
   * @return the texts; close them after use
   * @throws IOException if a name is of no file, or a pattern fits none
   */
  public static TextInputs open(
      List<String> names,
      @Nullable InputFormat format,
      TextFields fields,
      InputStream standardInput)
      throws IOException {
    List<Input> inputs = new ArrayList<>();
    for (String name : names) {
      if (name.equals(STANDARD_INPUT) || name.equals("/dev/stdin")) {
        inputs.add(new Input(null));
      } else {
        files(name).forEach(file -> inputs.add(new Input(file)));
      }
    }
    return new TextInputs(List.copyOf(inputs), format, fields, standardInput);
  }

  private static List<Path> files(String name) throws IOException {
    if (!isPattern(name)) {
      Path file = Path.of(name);
      requireFile(file);
      return List.of(file);
    }
    int slash = Math.max(name.lastIndexOf('/'), name.lastIndexOf(java.io.File.separatorChar));
    String folderName = slash < 0 ? "" : name.substring(0, slash + 1);
    if (isPattern(folderName)) {
      throw new IOException(
          "Expected * ? [ ] { } in a file's own name only, found them in the folder " + folderName);
    }
    Path folder = Path.of(folderName);
    if (!Files.isDirectory(folder.toAbsolutePath())) {
      throw new NoSuchFileException(folder.toString());
    }
    PathMatcher matcher =
        FileSystems.getDefault().getPathMatcher("glob:" + name.substring(slash + 1));
    try (Stream<Path> all = Files.list(folder)) {
      List<Path> fitting =
          all.filter(file -> matcher.matches(file.getFileName()))
              .filter(file -> !Files.isDirectory(file))
              .sorted()
              .toList();
      if (fitting.isEmpty()) {
        throw new IOException("No file fits " + name);
      }
      return fitting;
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Whether a name is a pattern: it has its signs, and no file is called so. */
  private static boolean isPattern(String name) {
    if (name.chars().noneMatch(c -> "*?[{".indexOf(c) >= 0)) {
      return false;
    }
    try {
      return !Files.exists(Path.of(name));
    } catch (InvalidPathException e) {
      // Where * and ? cannot be in names.
      return true;
    }
  }

  private static void requireFile(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (Files.isDirectory(file)) {
      throw new IOException(
          "Expected a file, found the folder " + file + "; for its files write " + file + "/*");
    }
  }

  /** {@return what messages call the inputs} */
  public String name() {
    return inputs.size() == 1 ? inputs.get(0).name() : inputs.size() + " inputs";
  }

  /** {@return the files among the inputs} */
  public List<Path> files() {
    return inputs.stream().map(Input::file).flatMap(Stream::ofNullable).toList();
  }

  /** {@return whether texts come from standard input} */
  public boolean readsStandardInput() {
    return inputs.stream().anyMatch(input -> input.file == null);
  }

  @Override
  public @Nullable TextItem next() throws IOException {
    while (true) {
      if (current == null) {
        if (!unread.hasNext()) {
          return null;
        }
        current = source(unread.next());
      }
      TextItem item = current.next();
      if (item != null) {
        return item;
      }
      current.close();
      current = null;
    }
  }

  private TextSource source(Input input) throws IOException {
    String name = input.name();
    InputStream raw = input.file == null ? standardInput : Files.newInputStream(input.file);
    InputStream in;
    try {
      in = InputBytes.open(raw, name);
    } catch (IOException e) {
      raw.close();
      throw e.getMessage() != null && e.getMessage().startsWith(name)
          ? e
          : LineTexts.unreadable(name, e);
    }
    InputFormat as = format != null ? format : InputFormat.ofName(name);
    return switch (as) {
      case JSONL -> new JsonTexts(in, name, fields);
      case LINES -> new LineTexts(in, name, lineIds(name));
      case CSV, TSV -> new CsvTexts(in, name, as, fields, lineIds(name));
    };
  }

  /** With several inputs the number of a line is no id, so the input's name goes before it. */
  private LongFunction<TextId> lineIds(String name) {
    return inputs.size() == 1 ? TextId::of : line -> TextId.of(name + ":" + line);
  }

  @Override
  public void close() throws IOException {
    if (current != null) {
      current.close();
      current = null;
    }
  }
}
