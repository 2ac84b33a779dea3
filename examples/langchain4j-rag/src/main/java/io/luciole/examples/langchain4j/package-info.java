/** A service that answers questions from documents, with LangChain4j. */
@NullMarked
package io.luciole.examples.langchain4j;

import org.jspecify.annotations.NullMarked;
