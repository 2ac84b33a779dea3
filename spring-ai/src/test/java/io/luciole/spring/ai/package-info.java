@NullMarked
package io.luciole.spring.ai;

import org.jspecify.annotations.NullMarked;
