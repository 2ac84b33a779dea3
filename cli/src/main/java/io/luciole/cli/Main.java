package io.luciole.cli;

import io.luciole.LucioleException;
import io.luciole.ProcessKeys;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.regex.Pattern;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Help;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code luciole}.
 *
 * <p>Results go to standard output, messages and progress to standard error. The exit status is 0
 * when all is done, 1 when something failed, 2 for wrong usage, and 141, as for any command, when
 * the reader of the results closes the pipe.
 */
@Command(
    name = "luciole",
    versionProvider = Version.class,
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    usageHelpWidth = 100,
    synopsisSubcommandLabel = "COMMAND",
    description = "Hybrid dense and sparse search for Lucene, with BGE-M3 embedded in your JVM.",
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "Examples:",
      "  luciole demo                                     see it work, on a corpus that comes"
          + " along",
      "  luciole index --index DIR --input corpus.jsonl   index BEIR JSON lines, or a folder of"
          + " texts",
      "  luciole search --index DIR \"which insects glow\"",
      "  luciole embed --input texts.jsonl --output vectors.jsonl",
      "  luciole serve --index DIR                        the same over HTTP, and a page to search"
          + " with",
      "  luciole pull BAAI/bge-m3                         fetch a model",
      "  luciole doctor                                   what is there, what is missing",
      "",
      "Settings that no flag gives come from luciole.properties, the environment",
      "(LUCIOLE_MODEL, …) and system properties; luciole doctor shows them.",
      "Exit status: 0 done, 1 failed, 2 wrong usage."
    })
public final class Main implements Runnable {
  private static final int FAILED = 1;
  private static final int WRONG_USAGE = 2;
  private static final int CLOSED_PIPE = 128 + 13;

  /** Picocli's message on a value behind a space that is called as an option is. */
  private static final Pattern VALUE_LIKE_OPTION =
      Pattern.compile("^Expected parameter for option '([^']+)' but found '((?!--')-[^']*)'$");

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Log what happens, and show where failures come from. Also: LUCIOLE_DEBUG=1.")
  private boolean verbose;

  private final CommandLine commandLine;
  private boolean failed;

  private Main(Console console, Map<String, String> environment) {
    commandLine = commandLine(console, environment);
  }

  /**
   * Runs a command and ends the process with its exit status.
   *
   * @param args the command line
   */
  public static void main(String[] args) {
    // Before any class of java.util.logging is initialised, and so before Logging is.
    if (System.getProperty("java.util.logging.manager") == null) {
      System.setProperty("java.util.logging.manager", LastingLogManager.class.getName());
    }
    System.exit(run(Console.system(), args));
  }

  /** Runs a command and returns its exit status. */
  static int run(Console console, String... args) {
    return run(console, System.getenv(), args);
  }

  /** As {@link #run(Console, String...)}, with other environment variables for pulls. */
  static int run(Console console, Map<String, String> environment, String... args) {
    return new Main(console, environment).execute(console, args);
  }

  private CommandLine commandLine(Console console, Map<String, String> environment) {
    CommandLine line =
        new CommandLine(this)
            .addSubcommand(new DemoCommand(console))
            .addSubcommand(new PullCommand(console, environment))
            .addSubcommand(new EmbedCommand(console))
            .addSubcommand(new IndexCommand(console))
            .addSubcommand(new SearchCommand(console))
            .addSubcommand(new EvalCommand(console))
            .addSubcommand(new DeleteCommand(console))
            .addSubcommand(new MergeCommand(console))
            .addSubcommand(new StatsCommand(console))
            .addSubcommand(new ServeCommand(console))
            .addSubcommand(new DoctorCommand(console))
            .addSubcommand(new VerifyCommand(console))
            .addSubcommand(new GenerateCompletion());
    // A word such as @alice is that word: a file of that name holds no arguments.
    line.setExpandAtFiles(false);
    line.getSubcommands().values().forEach(Main::takeDashes);
    line.setOut(console.out());
    line.setErr(console.errWriter());
    line.setUsageHelpLongOptionsMaxWidth(24);
    line.setColorScheme(
        Help.defaultColorScheme(console.decoratesResults() ? Help.Ansi.ON : Help.Ansi.OFF));
    line.setParameterExceptionHandler((e, arguments) -> wrongUsage(console, e));
    line.setExecutionExceptionHandler((e, command, result) -> failed(console, e));
    line.setExecutionStrategy(result -> {
      Logging.configure(isVerbose());
      try {
        return new CommandLine.RunLast().execute(result);
      } catch (LucioleException e) {
        // Only help that cannot be written comes here; failures of commands are wrapped already.
        throw new ExecutionException(line, Failures.text(e), e);
      }
    });
    return line;
  }

  /**
   * Lets a value that is attached to its option begin with a dash, as in {@code --id=-y}; picocli
   * takes it for another option. A value behind a space is still refused if it is called as one, so
   * that no option is lost where a value was forgotten.
   */
  private static void takeDashes(CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    for (OptionSpec option : List.copyOf(spec.options())) {
      spec.remove(option);
      spec.addOption(
          OptionSpec.builder(option)
              .preprocessor((words, of, argument, told) -> {
                boolean attached = !" ".equals(told.get("separator"));
                of.parser().allowOptionsAsOptionParameters(attached);
                return false;
              })
              .build());
    }
  }

  private int execute(Console console, String... args) {
    int status;
    try {
      status = commandLine.execute(args);
      if (!failed) {
        console.out().flush();
      }
    } catch (RuntimeException | Error e) {
      status = failed(console, e);
    }
    return status;
  }

  private boolean isVerbose() {
    String debug = System.getenv(ProcessKeys.DEBUG.variable());
    return verbose || (debug != null && !debug.isEmpty() && !debug.equals("0"));
  }

  private int failed(Console console, Throwable failure) {
    failed = true;
    if (failure instanceof ParameterException e) {
      return wrongUsage(console, e);
    }
    if (failure instanceof ClosedPipeException) {
      return CLOSED_PIPE;
    }
    try {
      console.out().flush();
    } catch (LucioleException e) {
      // This was reported before, or matters less than the failure itself.
    }
    Logging.tell(console, Level.SEVERE, Failures.message(failure));
    if (isVerbose()) {
      failure.printStackTrace(console.err());
    }
    return FAILED;
  }

  private static int wrongUsage(Console console, ParameterException e) {
    CommandLine command = e.getCommandLine();
    if (e instanceof MissingParameterException && !command.getUnmatchedArguments().isEmpty()) {
      // Report the misspelt option rather than the one that is missing because of it.
      e = new UnmatchedArgumentException(command, command.getUnmatchedArguments());
    }
    String message =
        command.getParent() == null && !command.getUnmatchedArguments().isEmpty()
            ? "Unknown command or option: " + command.getUnmatchedArguments().get(0)
            : VALUE_LIKE_OPTION
                .matcher(Failures.text(e).strip().replaceAll("\\s*\\R\\s*", " "))
                .replaceFirst("$0; if that is its value, write $1=$2");
    PrintStream err = console.err();
    err.println("luciole: " + message);
    PrintWriter writer = console.errWriter();
    UnmatchedArgumentException.printSuggestions(e, writer);
    writer.flush();
    err.println("Try: " + command.getCommandSpec().qualifiedName() + " --help");
    return WRONG_USAGE;
  }

  @Override
  public void run() {
    throw new ParameterException(commandLine, "Expected a command");
  }
}
