package io.luciole.lucene;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.model.ModelFingerprint;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fingerprint that the next commit of an index tells: that of its vectors' model, with all
 * precisions that they were computed in. Safe for use by many threads.
 */
final class ModelStamp {
  private static final String AND = " and ";

  private final ModelFingerprint writer;

  @GuardedBy("this")
  private @Nullable ModelFingerprint index;

  /**
   * Creates a stamp.
   *
   * @param writer the model whose vectors are written
   * @param index the fingerprint of the vectors that are there, or null if there are none
   */
  ModelStamp(ModelFingerprint writer, @Nullable ModelFingerprint index) {
    this.writer = writer;
    this.index = index;
  }

  /** The model whose vectors the writer adds. */
  ModelFingerprint writer() {
    return writer;
  }

  /** Notes that vectors of the writing model were written. */
  void wrote() {
    add(writer);
  }

  /** Notes that vectors of a fingerprint, which matches the writing model's, were added. */
  synchronized void add(ModelFingerprint vectors) {
    index = index == null ? vectors : joined(index, vectors);
  }

  /** An index from before it was noted how vectors are made is taken to have them as the writer. */
  private static ModelFingerprint joined(ModelFingerprint known, ModelFingerprint added) {
    ModelFingerprint index = known.vectors().isEmpty() ? known.withVectors(added.vectors()) : known;
    if (index.isAsPreciseAs(added)) {
      return index;
    }
    List<String> all = new ArrayList<>(List.of(index.precision().split(AND, -1)));
    for (String precision : added.precision().split(AND, -1)) {
      if (!all.contains(precision)) {
        all.add(precision);
      }
    }
    return index.withPrecision(String.join(AND, all));
  }

  /** The fingerprint. */
  synchronized ModelFingerprint get() {
    return index == null ? writer : index;
  }
}
