/** Luciole behind the interfaces of LangChain4j. */
@NullMarked
package io.luciole.langchain4j;

import org.jspecify.annotations.NullMarked;
