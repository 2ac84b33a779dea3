/** Models: where their files are, what the files mean, and how their texts become token ids. */
@NullMarked
package io.luciole.model;

import org.jspecify.annotations.NullMarked;
