package io.luciole.cli;

import io.luciole.cli.embed.InputFormat;
import io.luciole.cli.embed.TextFields;
import io.luciole.cli.embed.TextInputs;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The flags that say where texts come from. */
final class TextOptions {
  @Option(
      names = "--input",
      paramLabel = "IN",
      required = true,
      description =
          "The texts: files, also those that gzip compressed, patterns such as 'texts/*.jsonl', and"
              + " - for standard input. Several are read one after the other.")
  private List<String> inputs = new ArrayList<>();

  /** What a shell makes of a pattern behind {@code --input}. */
  @Parameters(
      paramLabel = "IN",
      arity = "0..*",
      description = "More inputs, as --input texts/*.jsonl gives them without quotation marks.")
  private List<String> moreInputs = new ArrayList<>();

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      converter = FormatConverter.class,
      description =
          "How the texts stand in IN: jsonl, lines (one text a line), csv or tsv (the first row"
              + " names the columns); by default as the end of IN's name says, or jsonl.")
  private @Nullable InputFormat format;

  @Option(
      names = "--id-field",
      paramLabel = "NAME",
      description =
          "The field or column of the ids; by default _id, or id. Lines, and tables without one,"
              + " have the lines' numbers.")
  private @Nullable String idField;

  @Option(
      names = "--text-field",
      paramLabel = "NAME",
      description = "The field or column of the texts; by default text.")
  private @Nullable String textField;

  @Option(
      names = "--title-field",
      paramLabel = "NAME",
      description =
          "The field or column of titles, which go before the texts; by default title, where there"
              + " is one.")
  private @Nullable String titleField;

  /** Finds the inputs. */
  TextInputs open(InputStream standardInput) throws IOException {
    return TextInputs.open(
        names(), format, new TextFields(idField, textField, titleField), standardInput);
  }

  /** What messages call the inputs. */
  String name() {
    return String.join(" ", names());
  }

  private List<String> names() {
    return Stream.concat(inputs.stream(), moreInputs.stream()).toList();
  }

  /** The number of texts, as far as it can be told by counting lines; -1 where not. */
  long count(TextInputs opened) throws IOException {
    if (opened.readsStandardInput()) {
      return -1;
    }
    long total = 0;
    for (Path file : opened.files()) {
      if (file.toString().endsWith(".gz")) {
        return -1;
      }
      long lines = Inputs.countLines(file);
      if (lines < 0) {
        return -1;
      }
      total += lines;
    }
    return total;
  }

  /** Reads the names of formats of texts. */
  static final class FormatConverter implements ITypeConverter<InputFormat> {
    @Override
    public InputFormat convert(String value) {
      return Choice.of(InputFormat.values(), InputFormat::id, value);
    }
  }
}
