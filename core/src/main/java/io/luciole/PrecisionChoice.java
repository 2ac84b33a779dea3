package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;
import io.luciole.model.ModelFiles;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the arithmetic of the linear layers is chosen: by name, or by what speed may cost. Immutable.
 */
public final class PrecisionChoice {
  /** The backend's usual precision for the device and the model. */
  public static final PrecisionChoice AUTO = new PrecisionChoice(Policy.AUTO, null);

  /** {@code fp32}: nothing is lost. */
  public static final PrecisionChoice EXACT = new PrecisionChoice(Policy.EXACT, Precision.FP32);

  /**
   * The fastest precision of the backend whose vectors keep a mean cosine of 0.998 or more to
   * fp32's on trained models: {@link BackendProvider#fastest}.
   */
  public static final PrecisionChoice FAST = new PrecisionChoice(Policy.FAST, null);

  private static final Logger log = LoggerFactory.getLogger(PrecisionChoice.class);

  private enum Policy {
    AUTO,
    EXACT,
    FAST,
    NAMED;

    String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Policy policy;
  private final @Nullable Precision precision;

  private PrecisionChoice(Policy policy, @Nullable Precision precision) {
    this.policy = policy;
    this.precision = precision;
  }

  /**
   * The choice of a precision by name.
   *
   * @param precision the precision
   * @return the choice
   */
  public static PrecisionChoice of(Precision precision) {
    return new PrecisionChoice(Policy.NAMED, requireNonNull(precision, "precision"));
  }

  /**
   * Reads {@code auto}, {@code exact}, {@code fast} or the name of a precision.
   *
   * @param text the name, in upper or lower case; white space around it does not count
   * @return the choice of that name
   * @throws IllegalArgumentException if there is none such; the message lists all
   */
  public static PrecisionChoice parse(String text) {
    for (PrecisionChoice choice : new PrecisionChoice[] {AUTO, EXACT, FAST}) {
      if (choice.id().equalsIgnoreCase(text.strip())) {
        return choice;
      }
    }
    return EnumNames.find(Precision.values(), Precision::id, text)
        .map(PrecisionChoice::of)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "expected auto, exact, fast or a precision of "
                    + Arrays.stream(Precision.values()).map(Precision::id).toList()
                    + ", got \""
                    + text
                    + '"'));
  }

  /**
   * {@return the name used in configuration: {@code auto}, {@code exact}, {@code fast}, or that of
   * the precision}
   */
  public String id() {
    return policy == Policy.NAMED && precision != null ? precision.id() : policy.id();
  }

  /** What a backend is asked for; empty for its usual precision. Logs how a policy has chosen. */
  Optional<Precision> on(BackendProvider backend, ModelFiles model, Device device) {
    Optional<Precision> chosen =
        policy == Policy.FAST ? backend.fastest(model, device) : Optional.ofNullable(precision);
    if (policy == Policy.FAST || policy == Policy.EXACT) {
      log.info(
          "luciole.precision={} on {} with {}: {}",
          id(),
          device,
          backend.name(),
          chosen.map(Precision::id).orElse("the usual one, the backend knows none that is faster"));
    }
    return chosen;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PrecisionChoice choice
        && choice.policy == policy
        && choice.precision == precision;
  }

  @Override
  public int hashCode() {
    return 31 * policy.hashCode() + (precision == null ? 0 : precision.hashCode());
  }

  @Override
  public String toString() {
    return id();
  }
}
