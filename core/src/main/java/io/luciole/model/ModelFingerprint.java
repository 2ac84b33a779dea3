package io.luciole.model;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Identifies the model that a vector comes from. Vectors of two models can be compared only if
 * their fingerprints {@linkplain #matches match}. An index keeps the fingerprint beside its
 * vectors.
 *
 * @param name the model's name, for people
 * @param dimension the number of components of a dense vector
 * @param tokenizerDigest SHA-256 of {@code tokenizer.json}, lower-case hex
 * @param weightsDigest SHA-256 over the weights and heads, lower-case hex
 * @param vectors what else distinguishes vectors of passages, as {@link ModelDescription#vectors}
 *     has it; empty in the marks of indexes from before it was noted, which are taken to be as the
 *     model's files said
 * @param precision the arithmetic that the vectors were computed in, as {@link
 *     io.luciole.spi.BackendInfo#precision()} has it, such as {@code fp32} or {@code int8}; empty
 *     where it is not known
 */
public record ModelFingerprint(
    String name,
    int dimension,
    String tokenizerDigest,
    String weightsDigest,
    String vectors,
    String precision) {
  /** Precisions whose vectors of one model differ by no more than rounding (cosine 0.9999). */
  private static final Set<String> EXACT = Set.of("fp32", "fp16");

  private static final Pattern FORM =
      Pattern.compile(
          "(?<name>.*) dimension=(?<dimension>\\d{1,9}) tokenizer=(?<tokenizer>[0-9a-f]{64})"
              + " weights=(?<weights>[0-9a-f]{64})( vectors=(?<vectors>\\S+))?"
              + "( precision=(?<precision>\\P{Cntrl}+))?",
          Pattern.DOTALL);

  /** Checks the components. */
  public ModelFingerprint {
    requireNonNull(name, "name");
    requireDigest(tokenizerDigest);
    requireDigest(weightsDigest);
    if (!requireNonNull(vectors, "vectors").matches("\\S*")) {
      throw new IllegalArgumentException("expected no blanks in vectors, got \"" + vectors + '"');
    }
    if (!requireNonNull(precision, "precision").matches("\\P{Cntrl}*")) {
      throw new IllegalArgumentException(
          "expected no control characters in the precision, got \"" + precision + '"');
    }
    if (dimension < 1) {
      throw new IllegalArgumentException("dimension must be at least 1, got " + dimension);
    }
  }

  /**
   * A fingerprint that does not know how vectors were made.
   *
   * @param name as above
   * @param dimension as above
   * @param tokenizerDigest as above
   * @param weightsDigest as above
   * @param precision as above
   */
  public ModelFingerprint(
      String name, int dimension, String tokenizerDigest, String weightsDigest, String precision) {
    this(name, dimension, tokenizerDigest, weightsDigest, "", precision);
  }

  private static void requireDigest(String digest) {
    if (!digest.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException("expected 64 hexadecimal digits, got \"" + digest + '"');
    }
  }

  /**
   * Tells whether vectors of two models can be compared: all is equal but the name and the
   * precision, or one does not know how its vectors were made. For the precision ask {@link
   * #isAsPreciseAs}, for the vectors {@link #isSureOf}.
   *
   * @param other the other model's fingerprint
   * @return true if they can
   */
  public boolean matches(ModelFingerprint other) {
    return dimension == other.dimension
        && tokenizerDigest.equals(other.tokenizerDigest)
        && weightsDigest.equals(other.weightsDigest)
        && (vectors.equals(other.vectors) || !isSureOf(other));
  }

  /**
   * Tells whether vectors of queries from one model can be compared with another's vectors of
   * passages: as {@link #matches}, but for the passages' prompt, which no vector of a query has.
   *
   * @param passages the fingerprint of the model that the passages' vectors come from
   * @return true if they can
   */
  public boolean canSearch(ModelFingerprint passages) {
    return withVectors(withoutPrompt(vectors))
        .matches(passages.withVectors(withoutPrompt(passages.vectors)));
  }

  private static String withoutPrompt(String vectors) {
    int prompt = vectors.indexOf(ModelDescription.PASSAGE_PROMPT);
    return prompt < 0 ? vectors : vectors.substring(0, prompt);
  }

  /**
   * Tells whether both fingerprints know how their vectors were made.
   *
   * @param other the other fingerprint
   * @return false if one is from before that was noted
   */
  public boolean isSureOf(ModelFingerprint other) {
    return !vectors.isEmpty() && !other.vectors.isEmpty();
  }

  /**
   * A copy that knows how its vectors were made.
   *
   * @param other as {@link #vectors}
   * @return the copy
   */
  public ModelFingerprint withVectors(String other) {
    return new ModelFingerprint(name, dimension, tokenizerDigest, weightsDigest, other, precision);
  }

  /**
   * A copy with another precision.
   *
   * @param other the precision; empty if it is not known
   * @return the copy
   */
  public ModelFingerprint withPrecision(String other) {
    return new ModelFingerprint(name, dimension, tokenizerDigest, weightsDigest, vectors, other);
  }

  /**
   * Tells whether the precisions of two fingerprints make no difference beyond rounding: they are
   * equal, or fp32 and fp16, or one is not known. Between int8 and fp32 of one model, the ten
   * nearest passages of a query overlap by about 0.94.
   *
   * @param other the other fingerprint
   * @return true if nothing but rounding lies between them
   */
  public boolean isAsPreciseAs(ModelFingerprint other) {
    return precision.equals(other.precision)
        || precision.isEmpty()
        || other.precision.isEmpty()
        || (EXACT.contains(precision) && EXACT.contains(other.precision));
  }

  /**
   * {@return a short form for people: the name, the dimension, the first digits of the digests,
   * what else distinguishes its vectors, and the precision}
   */
  public String brief() {
    return name
        + " ("
        + dimension
        + " dimensions, weights "
        + weightsDigest.substring(0, 12)
        + ", tokenizer "
        + tokenizerDigest.substring(0, 12)
        + (vectors.isEmpty() ? "" : ", " + vectors)
        + (precision.isEmpty() ? ")" : ", " + precision + ")");
  }

  /** {@return one line that {@link #parse} reads back} */
  public String format() {
    return name
        + " dimension="
        + dimension
        + " tokenizer="
        + tokenizerDigest
        + " weights="
        + weightsDigest
        + (vectors.isEmpty() ? "" : " vectors=" + vectors)
        + (precision.isEmpty() ? "" : " precision=" + precision);
  }

  /**
   * Reads what {@link #format} returned.
   *
   * @param line the line
   * @return the fingerprint
   * @throws IllegalArgumentException if the line has another form
   */
  public static ModelFingerprint parse(String line) {
    Matcher m = FORM.matcher(line);
    if (!m.matches()) {
      throw new IllegalArgumentException("not a model fingerprint: \"" + line + '"');
    }
    return new ModelFingerprint(
        m.group("name"),
        Integer.parseInt(m.group("dimension")),
        m.group("tokenizer"),
        m.group("weights"),
        requireNonNullElse(m.group("vectors"), ""),
        requireNonNullElse(m.group("precision"), ""));
  }
}
