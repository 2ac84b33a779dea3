package io.luciole.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.SparseVector;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.SourceDocument;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is to be added to a store.
 *
 * @param document its id, text and metadata
 * @param given the dense vector that the application hands over, or null
 * @param known what is known of its vectors without computing anything
 */
record StoredItem(SourceDocument document, @Nullable Embedding given, io.luciole.Embedding known) {

  /**
   * Makes an item.
   *
   * @param given the dense vector, or null to have it computed
   * @param segment the text, or null for a vector without a text
   */
  static StoredItem of(
      String id,
      @Nullable Embedding given,
      @Nullable TextSegment segment,
      HybridSchema schema,
      KnownEmbeddings computed) {
    if (segment == null) {
      if (given == null) {
        throw new IllegalArgumentException(
            "expected an embedding or a text for the id " + id + ", found neither");
      }
      return new StoredItem(
          SourceDocument.of(id, "", ""), unit(id, given, schema), withoutTokens(schema));
    }
    SourceDocument document =
        new SourceDocument(id, "", segment.text(), Segments.metadata(segment));
    return new StoredItem(
        document,
        given == null ? null : unit(id, given, schema),
        given == null
            ? io.luciole.Embedding.absent()
            : computed.rest(given, segment.text(), Role.PASSAGE));
  }

  /**
   * The vector in length 1 where the index compares by that; otherwise its length would count, and
   * a long one be near to everything.
   */
  private static Embedding unit(String id, Embedding given, HybridSchema schema) {
    // A vector of another dimension is refused by the index.
    boolean scaled =
        schema
            .dense()
            .map(dense -> dense.normalized() && dense.dimension() == given.dimension())
            .orElse(false);
    if (!scaled) {
      return given;
    }
    double squares = 0;
    for (float value : given.vector()) {
      squares += (double) value * value;
    }
    double norm = Math.sqrt(squares);
    if (!(norm > 0 && norm < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "expected a vector with a length above 0 for the id " + id + ", found " + norm);
    }
    if (Math.abs(norm - 1) < 1e-3) {
      return given;
    }
    float[] unit = given.vector().clone();
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (float) (unit[i] / norm);
    }
    return Embedding.from(unit);
  }

  /**
   * The vectors of no text: those that the schema asks for beside the dense one, without tokens.
   */
  private static io.luciole.Embedding withoutTokens(HybridSchema schema) {
    io.luciole.Embedding none = io.luciole.Embedding.ofTokens(1).withSparse(SparseVector.EMPTY);
    return schema
        .multiVectors()
        .map(rows -> none.withColbert(MultiVector.of(rows.dimension(), new float[0])))
        .orElse(none);
  }

  /** The text to compute vectors of. */
  String text() {
    return document.content();
  }

  /** Which vectors have to be computed of those that the schema asks for. */
  Set<Output> missing(Set<Output> wanted) {
    EnumSet<Output> missing = EnumSet.noneOf(Output.class);
    missing.addAll(wanted);
    missing.removeAll(known.outputs());
    if (given != null) {
      missing.remove(Output.DENSE);
    }
    return missing;
  }

  /**
   * All vectors.
   *
   * @param computed those that were missing
   */
  io.luciole.Embedding vectors(io.luciole.Embedding computed) {
    io.luciole.Embedding all = given == null ? computed : computed.withDense(given.vector());
    all = known.has(Output.SPARSE) ? all.withSparse(known.sparse()) : all;
    return known.has(Output.COLBERT) ? all.withColbert(known.colbert()) : all;
  }
}
