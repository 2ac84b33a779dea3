@NullMarked
package io.luciole.lucene.eval;

import org.jspecify.annotations.NullMarked;
