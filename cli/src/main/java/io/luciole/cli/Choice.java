package io.luciole.cli;

import io.luciole.internal.EnumNames;
import java.util.Arrays;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

/** Parses the values of flags; what it throws names the values that are possible. */
final class Choice {
  private Choice() {}

  /** The value with a name, ignoring case. */
  static <T> T of(T[] values, Function<T, String> name, String text) {
    return EnumNames.find(values, name, text)
        .orElseThrow(() ->
            new TypeConversionException(
                "expected one of "
                    + Arrays.stream(values).map(name).collect(Collectors.joining(", "))
                    + ", got \""
                    + text
                    + '"'));
  }

  /** Runs a parser of the library, whose message is meant for the user. */
  static <T> T checked(Supplier<T> parser) {
    try {
      return parser.get();
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(Failures.text(e));
    }
  }

  /**
   * As {@link #checked}, for use after the command line has been parsed, where that alone tells
   * whether it is possible.
   */
  static <T> T usable(CommandSpec command, Supplier<T> maker) {
    try {
      return maker.get();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), Failures.text(e), e);
    }
  }

  /** The same where it depends on more, such as an index. */
  static <T> T possible(Supplier<T> maker) {
    try {
      return maker.get();
    } catch (IllegalArgumentException e) {
      throw new CliException(Failures.text(e), e);
    }
  }

  /** Reads a whole number of at least 1. */
  static final class Positive implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
      try {
        int number = Integer.parseInt(value);
        if (number >= 1) {
          return number;
        }
      } catch (NumberFormatException e) {
        // Refused below, with the text.
      }
      throw new TypeConversionException(
          "expected a whole number of at least 1, got \"" + value + '"');
    }
  }
}
