package io.luciole.spring.ai;

import static java.util.Objects.requireNonNull;

import io.luciole.Role;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.embedding.EmbeddingOptions;

/**
 * Says what the texts of an {@link org.springframework.ai.embedding.EmbeddingRequest} are in a
 * search. Some models put another prompt before a query than before a passage; for BGE-M3 both are
 * the same.
 *
 * @param role the role of all texts of the request
 */
public record LucioleEmbeddingOptions(Role role) implements EmbeddingOptions {
  /** Checks the component. */
  public LucioleEmbeddingOptions {
    requireNonNull(role, "role");
  }

  /**
   * Options for queries.
   *
   * @return the options
   */
  public static LucioleEmbeddingOptions query() {
    return new LucioleEmbeddingOptions(Role.QUERY);
  }

  /**
   * Options for passages.
   *
   * @return the options
   */
  public static LucioleEmbeddingOptions passage() {
    return new LucioleEmbeddingOptions(Role.PASSAGE);
  }

  /** {@return null: the model is that of the engine} */
  @Override
  public @Nullable String getModel() {
    return null;
  }

  /** {@return null: the dimension is that of the model} */
  @Override
  public @Nullable Integer getDimensions() {
    return null;
  }
}
