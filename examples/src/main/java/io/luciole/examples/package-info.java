/** Small programs that read top to bottom. */
@NullMarked
package io.luciole.examples;

import org.jspecify.annotations.NullMarked;
