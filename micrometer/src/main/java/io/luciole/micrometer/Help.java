package io.luciole.micrometer;

import static java.util.Objects.requireNonNull;

import java.util.Map;

/** What each meter says, in one sentence: Prometheus' HELP. */
final class Help {
  private static final Map<String, String> BY_NAME =
      Map.ofEntries(
          Map.entry("luciole.embed", "Time of a text from its submission to its result"),
          Map.entry("luciole.tokenize", "Time of tokenising a text"),
          Map.entry(
              "luciole.queue", "Longest wait of a text of a batch, from its submission to the run"),
          Map.entry("luciole.batch", "Time of a run of a batch on a device"),
          Map.entry("luciole.texts.submitted", "Texts that were submitted"),
          Map.entry("luciole.texts.embedded", "Texts that were embedded"),
          Map.entry("luciole.texts.failed", "Texts that have no embedding, by the reason"),
          Map.entry("luciole.texts.truncated", "Texts that were cut to the model's limit"),
          Map.entry("luciole.texts.chunked", "Texts that were embedded in pieces"),
          Map.entry("luciole.waiting.texts", "Texts that wait for a device"),
          Map.entry("luciole.waiting.tokens", "Tokens of the texts that wait for a device"),
          Map.entry("luciole.wait", "Time of texts from their submission to the run"),
          Map.entry(
              "luciole.wait.mean",
              "Mean time of a text from its submission to the run, since the engine was opened"),
          Map.entry("luciole.batches", "Runs of batches"),
          Map.entry("luciole.batches.texts", "Texts that were run in batches"),
          Map.entry("luciole.batches.tokens", "Tokens that were run in batches, without padding"),
          Map.entry("luciole.batches.failed", "Runs of batches that failed"),
          Map.entry(
              "luciole.padding.share",
              "Share of padding among the tokens that devices computed, since the engine was opened"),
          Map.entry(
              "luciole.device.busy.share",
              "Share of time in which devices were busy, since the engine was opened"),
          Map.entry("luciole.cache.hits", "Texts that the cache had"),
          Map.entry("luciole.cache.misses", "Texts that the cache did not have"),
          Map.entry("luciole.devices.usable", "Devices that work"),
          Map.entry("luciole.device.busy", "Time in which a device had a run in progress"),
          Map.entry("luciole.device.available", "Time in which a device was not lost"),
          Map.entry("luciole.device.batches", "Runs of batches on a device"),
          Map.entry("luciole.device.texts", "Texts that were run on a device"),
          Map.entry("luciole.device.tokens", "Tokens that were run on a device, without padding"),
          Map.entry("luciole.device.tokens.padding", "Tokens of padding that were run on a device"),
          Map.entry("luciole.device.failed", "Runs of batches on a device that failed"),
          Map.entry("luciole.search", "Time of a search, the embedding of its query included"),
          Map.entry("luciole.search.embedding", "Time of a search until its query was embedded"),
          Map.entry(
              "luciole.index.document",
              "Time of a document from when it was put until it was written or failed"),
          Map.entry("luciole.index.commit", "Time of a commit"),
          Map.entry(
              "luciole.index.failures",
              "Failures that ended an indexer or kept one from being opened"),
          Map.entry("luciole.index.lost", "Changes that were written and lost before a commit"),
          Map.entry(
              "luciole.index.committed",
              "When the last commit of this process succeeded, in seconds since 1970"));

  private Help() {}

  static String of(String meter) {
    return requireNonNull(BY_NAME.get(meter), meter);
  }
}
