/** Tests of applications without a model. */
@NullMarked
package io.luciole.spring.boot.test;

import org.jspecify.annotations.NullMarked;
