package io.luciole.hub;

/** What all parts of one pull share. */
record PullContext(
    String model, HubClient client, HubErrors errors, HubTuning tuning, PullListener listener) {

  /** Counts the attempts at one thing. */
  Retries retries(String what) {
    return new Retries(tuning, listener, what);
  }
}
