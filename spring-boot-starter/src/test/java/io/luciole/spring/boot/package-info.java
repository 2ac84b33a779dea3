@NullMarked
package io.luciole.spring.boot;

import org.jspecify.annotations.NullMarked;
