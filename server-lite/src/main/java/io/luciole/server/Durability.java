package io.luciole.server;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * What a request that writes asks for beyond being written: {@code ?commit=true} has it committed
 * at its end, {@code ?wait_for=commit} has it answered when a commit has it, whoever starts that.
 *
 * @param commit whether to commit
 * @param await whether to wait for a commit
 */
record Durability(boolean commit, boolean await) {
  /** The names that say it in a query string, and others that an operation has. */
  static BodyFields names(String... more) {
    return BodyFields.strict(
        Stream.concat(Stream.of("commit", "wait_for"), Stream.of(more)).toArray(String[]::new));
  }

  /**
   * Reads what a request asks for; call it before anything is written.
   *
   * @throws Problem if it asks for something else
   */
  static Durability of(Exchange x) {
    String awaited = x.query("wait_for");
    if (awaited != null && !awaited.equals("commit")) {
      throw Problem.invalid("wait_for", "Expected commit as \"wait_for\", found another word.");
    }
    String commit = x.query("commit");
    if (commit != null && !commit.equals("true") && !commit.equals("false")) {
      throw Problem.invalid("commit", "Expected true or false as \"commit\", found another word.");
    }
    return new Durability("true".equals(commit), awaited != null);
  }

  /** Whether the answer tells that what was written is durable. */
  boolean isAsked() {
    return commit || await;
  }

  /**
   * Makes what was written durable, as far as that is asked for.
   *
   * @param millis the longest time to wait
   * @throws Problem if the time was up before a commit
   * @throws ExecutionException if what was written is lost
   */
  void settle(SearchIndex index, long millis) throws InterruptedException, ExecutionException {
    if (commit) {
      index.live().commit();
    } else if (await) {
      try {
        Void unused = index.live().whenCommitted().get(millis, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        throw new Problem(
            504,
            "timeout",
            "Everything is written, but was not committed in the request's time:"
                + " luciole.server.commit-every says when that is done.");
      }
    }
  }
}
