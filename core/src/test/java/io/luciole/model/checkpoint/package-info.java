/** Tests of the checkpoint readers, with weight files made by hand where none is wanted on disk. */
@NullMarked
package io.luciole.model.checkpoint;

import org.jspecify.annotations.NullMarked;
