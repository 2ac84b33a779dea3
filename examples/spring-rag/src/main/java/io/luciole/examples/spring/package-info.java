/** A service with Spring Boot and Spring AI. */
@NullMarked
package io.luciole.examples.spring;

import org.jspecify.annotations.NullMarked;
