package io.luciole.spark;

import java.io.Serializable;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What executors embed and how. Holds nothing of Luciole's own types: on a Java that is too old it
 * can still be read, and {@link JavaRequirement} speaks.
 *
 * @param settings settings of Luciole by their names, which override those of the executor's
 *     process
 * @param role the name of the texts' role
 * @param text the column of the texts
 * @param title the column of titles, or null
 */
record EmbeddingSpec(Map<String, String> settings, String role, String text, @Nullable String title)
    implements Serializable {
  EmbeddingSpec {
    settings = Map.copyOf(settings);
  }
}
