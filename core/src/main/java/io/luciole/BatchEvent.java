package io.luciole;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A run of a batch on its device, for Java Flight Recorder. Costs nothing while none records. */
@Name("io.luciole.Batch")
@Label("Embedding Batch")
@Category("Luciole")
@Description("A batch of texts computed by a device")
@StackTrace(false)
final class BatchEvent extends Event {
  @Label("Device")
  String device = "";

  @Label("Lane")
  String lane = "";

  @Label("Texts")
  int texts;

  @Label("Tokens")
  int tokens;

  @Label("Computed Tokens")
  @Description("Padding included")
  long computedTokens;

  @Label("Outcome")
  String outcome = "";
}
