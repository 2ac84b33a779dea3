package io.luciole;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a text is to be embedded. Immutable: each method returns a changed copy.
 *
 * <pre>{@code
 * EmbedOptions.query().outputs(Output.DENSE, Output.SPARSE).timeout(Duration.ofSeconds(1))
 * }</pre>
 */
public final class EmbedOptions {
  private static final EmbedOptions QUERY =
      new EmbedOptions(Role.QUERY, Set.of(), Lane.INTERACTIVE, null, null, null);
  private static final EmbedOptions PASSAGE =
      new EmbedOptions(Role.PASSAGE, Set.of(), Lane.BULK, null, null, null);

  private final Role role;
  private final Set<Output> outputs;
  private final Lane lane;
  private final @Nullable Duration timeout;
  private final @Nullable Object job;
  private final @Nullable Truncation truncation;

  private EmbedOptions(
      Role role,
      Set<Output> outputs,
      Lane lane,
      @Nullable Duration timeout,
      @Nullable Object job,
      @Nullable Truncation truncation) {
    this.role = role;
    this.outputs = outputs;
    this.lane = lane;
    this.timeout = timeout;
    this.job = job;
    this.truncation = truncation;
  }

  /** A query: its role's prompt, the engine's outputs, the interactive lane, no deadline. */
  public static EmbedOptions query() {
    return QUERY;
  }

  /** A passage: its role's prompt, the engine's outputs, the bulk lane, no deadline. */
  public static EmbedOptions passage() {
    return PASSAGE;
  }

  /** The same with other outputs than the engine's own ({@link EmbeddingEngine#outputs}). */
  public EmbedOptions outputs(Output first, Output... more) {
    return outputs(EnumSet.of(first, more));
  }

  /**
   * The same with other outputs than the engine's own.
   *
   * @throws IllegalArgumentException if there are none
   */
  public EmbedOptions outputs(Set<Output> outputs) {
    requireNonNull(outputs, "outputs");
    if (outputs.isEmpty()) {
      throw new IllegalArgumentException("expected at least one output, got none");
    }
    return new EmbedOptions(role, Set.copyOf(outputs), lane, timeout, job, truncation);
  }

  /** The same in another lane. */
  public EmbedOptions lane(Lane lane) {
    return new EmbedOptions(role, outputs, requireNonNull(lane, "lane"), timeout, job, truncation);
  }

  /**
   * The same with a deadline, counted from submission: a text that has not reached the device by
   * then is dropped and its future fails with {@link java.util.concurrent.TimeoutException}.
   *
   * @throws IllegalArgumentException if the duration is not positive
   */
  public EmbedOptions timeout(Duration timeout) {
    requireNonNull(timeout, "timeout");
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("timeout must be positive, got " + timeout);
    }
    return new EmbedOptions(role, outputs, lane, timeout, job, truncation);
  }

  /**
   * The same as part of a job. Jobs of a lane get equal shares of the device, however many texts
   * each submits. Texts of no particular job are one together; each {@code embedAll} without a job
   * is one of its own.
   *
   * @param job what stands for the job: equal objects, same job
   */
  public EmbedOptions job(Object job) {
    return new EmbedOptions(role, outputs, lane, timeout, requireNonNull(job, "job"), truncation);
  }

  /** The same with another way with long texts than the engine's own. */
  public EmbedOptions truncation(Truncation truncation) {
    return new EmbedOptions(
        role, outputs, lane, timeout, job, requireNonNull(truncation, "truncation"));
  }

  /** What the text is to a search. */
  public Role role() {
    return role;
  }

  /** The outputs asked for; empty for the engine's own. */
  public Set<Output> outputs() {
    return outputs;
  }

  /** How urgent the text is. */
  public Lane lane() {
    return lane;
  }

  /** How long the text may wait, if that is bounded. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** The job that the text is part of, if one was given. */
  public Optional<Object> job() {
    return Optional.ofNullable(job);
  }

  /** What becomes of a text that is too long; empty for the engine's own rule. */
  public Optional<Truncation> truncation() {
    return Optional.ofNullable(truncation);
  }

  @Override
  public String toString() {
    return "EmbedOptions[role="
        + role
        + ", outputs="
        + outputs
        + ", lane="
        + lane
        + ", timeout="
        + timeout
        + ", job="
        + job
        + ", truncation="
        + truncation
        + "]";
  }
}
