package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Locale;

/** How sparse weights are kept as postings, for search. */
public enum SparseForm {
  /**
   * One term a token id, with the weight times a scale, rounded, as its frequency. Smaller and
   * faster than {@link #FEATURES}, and off by at most half of one step of the scale. The default.
   */
  IMPACTS {
    @Override
    SparsePostings postings(int scale) {
      return new ImpactPostings(scale);
    }
  },
  /**
   * The terms and frequencies of {@link #IMPACTS} in a postings format of Luciole's, {@link
   * BlockPostingsFormat}: the same scores, found several times faster. Whatever reads or merges the
   * index needs this module on its class path.
   */
  BLOCKS {
    @Override
    SparsePostings postings(int scale) {
      return new ImpactPostings(scale);
    }
  },
  /**
   * Lucene's {@link org.apache.lucene.document.FeatureField}, a feature named by the token id in
   * decimal, for indexes that other programs search: with {@link
   * org.apache.lucene.document.FeatureField#newLinearQuery}. Keeps 9 significant bits of a weight.
   */
  FEATURES {
    @Override
    SparsePostings postings(int scale) {
      return new FeaturePostings();
    }
  };

  /** The postings of this form; a form that has no scale ignores it. */
  abstract SparsePostings postings(int scale);

  /**
   * Reads a name.
   *
   * @param name a form's {@link #id}, in any case
   * @return the form
   * @throws IllegalArgumentException if there is no such form
   */
  public static SparseForm parse(String name) {
    String id = requireNonNull(name, "name").strip().toLowerCase(Locale.ROOT);
    for (SparseForm form : values()) {
      if (form.id().equals(id)) {
        return form;
      }
    }
    throw new IllegalArgumentException("expected impacts, blocks or features, got \"" + name + '"');
  }

  /**
   * Returns the name used in options and formats.
   *
   * @return {@code impacts}, {@code blocks} or {@code features}
   */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
