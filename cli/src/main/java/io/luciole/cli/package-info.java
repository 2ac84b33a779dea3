/**
 * The command {@code luciole}. Nothing here is an API but {@link io.luciole.cli.Main} and the
 * command line itself: its flags, formats and exit codes.
 */
@NullMarked
package io.luciole.cli;

import org.jspecify.annotations.NullMarked;
