/**
 * Bulk embedding for {@code luciole embed}: texts out of files, vectors into files, and work that
 * outlasts an interruption.
 *
 * <p>Read in this order:
 *
 * <ol>
 *   <li>{@link io.luciole.cli.embed.TextItem}, a text and where it stands; {@link
 *       io.luciole.cli.embed.TextInputs} reads them from files and standard input with one {@link
 *       io.luciole.cli.embed.TextSource} for each format: {@code JsonTexts}, {@code LineTexts},
 *       {@code CsvTexts}. {@code InputBytes} unpacks and knows encodings.
 *   <li>{@link io.luciole.cli.embed.EmbedPipeline} embeds them in order and gives an {@link
 *       io.luciole.cli.embed.Outcome} for each.
 *   <li>{@link io.luciole.cli.embed.EmbedOutput} takes the outcomes: {@code StreamOutput} to a
 *       stream, {@code KeptOutput} to a file by way of a folder that a later run goes on with
 *       ({@code Journal}, {@code Checkpoint}, {@code TextChain}).
 *   <li>{@code VectorWriter} is the format of such a file: {@code JsonVectors}, {@code NpyVectors},
 *       {@code ParquetVectors}.
 * </ol>
 */
@API(status = API.Status.INTERNAL, since = "0.1")
@NullMarked
package io.luciole.cli.embed;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
