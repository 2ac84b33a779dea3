/**
 * The command {@code luciole}. Only {@link io.luciole.cli.Main} and the command line itself, its
 * flags, formats and exit codes, are an API.
 *
 * <p>The way of a call: {@code Main} parses the arguments with picocli, configures logging, and
 * runs one {@code …Command}. The command reads {@code LucioleConfig}, lets {@code EngineOptions}
 * open the engine, calls the library, and prints to {@code Console}: results to standard output,
 * messages and {@code Progress} to standard error. What it throws comes back to {@code Main}, where
 * {@code Failures} turns it into one line and an exit status.
 *
 * <p>Classes by job:
 *
 * <ul>
 *   <li>commands: {@code DemoCommand} with {@code DemoCorpus}, {@code PullCommand}, {@code
 *       EmbedCommand}, {@code IndexCommand}, {@code SearchCommand}, {@code EvalCommand}, {@code
 *       DeleteCommand}, {@code MergeCommand}, {@code StatsCommand}, {@code ServeCommand} with
 *       {@code Serving}, {@code DoctorCommand}
 *   <li>flags that several commands share, as picocli mixins: {@code EngineOptions}, {@code
 *       IndexOption}, {@code SchemaOptions}, {@code FusionOptions}, {@code FilterOption}, {@code
 *       ArrangeOptions}; {@code Choice} parses values
 *   <li>{@code search}: {@code ResultPrinter} with {@code Explainer}, {@code ResultJson}, {@code
 *       InteractiveSearch}
 *   <li>{@code embed}: {@code TextOptions}, and the package {@link io.luciole.cli.embed}
 *   <li>{@code verify}: {@code Figures} reads {@code PublishedFigures} and {@code PairFigures},
 *       {@code Consistency} and {@code RerankerProof} hold a model against itself, {@code
 *       CheckTable} prints {@code Check}s
 *   <li>files: {@code Inputs}, {@code WholeFile}
 *   <li>output for people: {@code HitPrinter} with {@code Snippets} and {@code Columns}, {@code
 *       ByteSize}, {@code Progress}
 *   <li>the process: {@code Console}, {@code Logging}, {@code Version}, {@code Failures}, {@code
 *       CliException}, {@code ClosedPipeException}
 * </ul>
 *
 * <p>To add a command, write a {@code Callable<Integer>} with {@code @Command} and add it in {@code
 * Main}.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
@NullMarked
package io.luciole.cli;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
