package io.luciole.model;

import static java.util.Objects.requireNonNull;

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
 */
public record ModelFingerprint(
    String name, int dimension, String tokenizerDigest, String weightsDigest) {
  private static final Pattern FORM =
      Pattern.compile(
          "(?<name>.*) dimension=(?<dimension>\\d{1,9}) tokenizer=(?<tokenizer>[0-9a-f]{64})"
              + " weights=(?<weights>[0-9a-f]{64})",
          Pattern.DOTALL);

  /** Checks the components. */
  public ModelFingerprint {
    requireNonNull(name, "name");
    requireDigest(tokenizerDigest);
    requireDigest(weightsDigest);
    if (dimension < 1) {
      throw new IllegalArgumentException("dimension must be at least 1, got " + dimension);
    }
  }

  private static void requireDigest(String digest) {
    if (!digest.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException("expected 64 hexadecimal digits, got \"" + digest + '"');
    }
  }

  /**
   * Tells whether vectors of two models can be compared: all but the name is equal.
   *
   * @param other the other model's fingerprint
   * @return true if they can
   */
  public boolean matches(ModelFingerprint other) {
    return dimension == other.dimension
        && tokenizerDigest.equals(other.tokenizerDigest)
        && weightsDigest.equals(other.weightsDigest);
  }

  /**
   * {@return a short form for people: the name, the dimension and the first digits of the digests}
   */
  public String brief() {
    return name
        + " ("
        + dimension
        + " dimensions, weights "
        + weightsDigest.substring(0, 12)
        + ", tokenizer "
        + tokenizerDigest.substring(0, 12)
        + ")";
  }

  /** {@return one line that {@link #parse} reads back} */
  public String format() {
    return name
        + " dimension="
        + dimension
        + " tokenizer="
        + tokenizerDigest
        + " weights="
        + weightsDigest;
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
        m.group("weights"));
  }
}
