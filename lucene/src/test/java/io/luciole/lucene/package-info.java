@NullMarked
package io.luciole.lucene;

import org.jspecify.annotations.NullMarked;
