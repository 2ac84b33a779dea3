package io.luciole;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says how a text is embedded. Immutable and safe to share between threads: each method that sets
 * something returns a changed copy.
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

  /**
   * Options for a query: the prompt of {@link Role#QUERY}, the engine's outputs, the interactive
   * lane, no deadline.
   *
   * @return the options
   */
  public static EmbedOptions query() {
    return QUERY;
  }

  /**
   * Options for a passage: the prompt of {@link Role#PASSAGE}, the engine's outputs, the bulk lane,
   * no deadline.
   *
   * @return the options
   */
  public static EmbedOptions passage() {
    return PASSAGE;
  }

  /**
   * A copy that overrides the engine's outputs ({@link EmbeddingEngine#outputs}).
   *
   * @param first an output
   * @param more further outputs
   * @return the changed copy
   */
  public EmbedOptions outputs(Output first, Output... more) {
    return outputs(EnumSet.of(first, more));
  }

  /**
   * A copy that overrides the engine's outputs.
   *
   * @param outputs at least one
   * @return the changed copy
   * @throws IllegalArgumentException if the set is empty
   */
  public EmbedOptions outputs(Set<Output> outputs) {
    requireNonNull(outputs, "outputs");
    if (outputs.isEmpty()) {
      throw new IllegalArgumentException("expected at least one output, got none");
    }
    return new EmbedOptions(role, Set.copyOf(outputs), lane, timeout, job, truncation);
  }

  /**
   * A copy in another lane.
   *
   * @param lane how urgent the text is
   * @return the changed copy
   */
  public EmbedOptions lane(Lane lane) {
    return new EmbedOptions(role, outputs, requireNonNull(lane, "lane"), timeout, job, truncation);
  }

  /**
   * A copy with a deadline. A text that has not reached the device by then is dropped, and its
   * future fails with {@link DeadlineExceededException}.
   *
   * @param timeout the time from submission to the deadline
   * @return the changed copy
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
   * A copy that belongs to a job. The jobs of a lane get equal shares of the device, however many
   * texts each of them submits. All texts without a job form one job; each call of {@code embedAll}
   * without a job is a job of its own.
   *
   * <p>Threads of the engine compare the job with others while its texts wait. So it should be a
   * value that does not change, such as a string, a number or a record of them, whose {@code
   * equals} is fast. Texts that are submitted after their job has changed are another job's. A job
   * whose {@code equals} throws is equal to no other; what its {@code hashCode} throws, the method
   * that submits a text throws, too.
   *
   * @param job identifies the job: equal objects mean the same job
   * @return the changed copy
   */
  public EmbedOptions job(Object job) {
    return new EmbedOptions(role, outputs, lane, timeout, requireNonNull(job, "job"), truncation);
  }

  /**
   * A copy that overrides the engine's truncation rule.
   *
   * @param truncation what happens to a text that is too long
   * @return the changed copy
   */
  public EmbedOptions truncation(Truncation truncation) {
    return new EmbedOptions(
        role, outputs, lane, timeout, job, requireNonNull(truncation, "truncation"));
  }

  /** {@return what the text is in a search} */
  public Role role() {
    return role;
  }

  /** {@return the outputs that are asked for; empty for the engine's own} */
  public Set<Output> outputs() {
    return outputs;
  }

  /** {@return how urgent the text is} */
  public Lane lane() {
    return lane;
  }

  /** {@return the time from submission to the deadline, or empty for none} */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** {@return the job that the text belongs to, or empty for none} */
  public Optional<Object> job() {
    return Optional.ofNullable(job);
  }

  /** {@return what happens to a text that is too long, or empty for the engine's own rule} */
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
