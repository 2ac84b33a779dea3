/** Luciole behind the interfaces of LangChain4j. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.langchain4j;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
