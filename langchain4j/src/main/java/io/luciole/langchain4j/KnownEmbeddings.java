package io.luciole.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.model.ModelDescription;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a model computed of texts beside the dense vectors that it handed out to LangChain4j, whose
 * {@code Embedding} holds nothing else. It is known by the object that was handed out, as long as
 * somebody holds that. Safe for use by many threads.
 */
final class KnownEmbeddings {
  private final ModelDescription model;
  private final Map<Key, Known> known = new ConcurrentHashMap<>();
  private final ReferenceQueue<Embedding> gone = new ReferenceQueue<>();

  KnownEmbeddings(ModelDescription model) {
    this.model = model;
  }

  /**
   * What is known.
   *
   * @param seen the text as the model saw it, with its prompt
   * @param rest its vectors without the dense one
   */
  private record Known(String seen, io.luciole.Embedding rest) {}

  /** An object that was handed out, compared by identity. */
  private static final class Key extends WeakReference<Embedding> {
    private final int hash;

    Key(Embedding of, @Nullable ReferenceQueue<Embedding> gone) {
      super(of, gone);
      this.hash = System.identityHashCode(of);
    }

    @Override
    public boolean equals(@Nullable Object o) {
      if (this == o) {
        return true;
      }
      Embedding mine = get();
      return mine != null && o instanceof Key that && that.refersTo(mine);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  /** Makes LangChain4j's embedding of what was computed, and remembers the rest. */
  Embedding handOut(io.luciole.Embedding vectors, String text, Role role) {
    Embedding dense = Embedding.from(vectors.dense());
    if (vectors.outputs().size() > 1) {
      forgetGone();
      known.put(new Key(dense, gone), new Known(seen(text, role), withoutDense(vectors)));
    }
    return dense;
  }

  private void forgetGone() {
    for (Reference<?> key = gone.poll(); key != null; key = gone.poll()) {
      known.remove(key);
    }
  }

  private static io.luciole.Embedding withoutDense(io.luciole.Embedding vectors) {
    io.luciole.Embedding rest =
        io.luciole.Embedding.ofTokens(vectors.tokenCount()).withTruncated(vectors.truncated());
    rest = vectors.has(Output.SPARSE) ? rest.withSparse(vectors.sparse()) : rest;
    return vectors.has(Output.COLBERT) ? rest.withColbert(vectors.colbert()) : rest;
  }

  private String seen(String text, Role role) {
    return model.prompt(role) + text;
  }

  /**
   * The vectors of a text beside the dense one, if they were computed when this embedding was;
   * without any if not, or if it was computed of another text.
   */
  io.luciole.Embedding rest(Embedding dense, String text, Role role) {
    Known computed = known.get(new Key(dense, null));
    return computed != null && computed.seen().equals(seen(text, role))
        ? computed.rest()
        : io.luciole.Embedding.absent();
  }

  /** How many embeddings are known, for tests. */
  int size() {
    forgetGone();
    return known.size();
  }
}
