package io.luciole.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SparseWeights;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code luciole stats}. */
@Command(
    name = "stats",
    description = "Show what an index holds: documents, segments, sizes on disk, model, fields.",
    footer = {
      "",
      "Needs no model. Shows the index as of its last commit.",
      "",
      "Examples:",
      "  luciole stats --index my-index",
      "  luciole stats --index my-index --json"
    })
final class StatsCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private IndexOption index = new IndexOption();

  @Option(names = "--json", description = "Print one JSON object; sizes in bytes.")
  private boolean json;

  StatsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    IndexDescription description = IndexDescription.read(index.folder());
    if (json) {
      printJson(description);
    } else {
      print(description);
    }
    return 0;
  }

  private void print(IndexDescription of) {
    PrintWriter out = console.out();
    HybridSchema schema = of.schema();
    ModelFingerprint model = of.fingerprint();
    line("documents", count(of.documents()) + (of.complete() ? "" : ", its run not ended"));
    if (of.passages() > 0) {
      line("passages", count(of.passages()));
    }
    line("deleted", count(of.deleted()) + " Lucene documents that still take room");
    line("segments", count(of.segments()));
    line("model", model.brief());
    line("legs", schema.legs().stream().map(Leg::id).collect(Collectors.joining(", ")));
    schema
        .dense()
        .ifPresent(d ->
            line(
                "dense",
                d.dimension()
                    + " dimensions, quantization "
                    + d.quantization().id()
                    + ", graph "
                    + d.maxConnections()
                    + "/"
                    + d.beamWidth()));
    schema
        .sparse()
        .ifPresent(s ->
            line(
                "sparse",
                s.form().id()
                    + ", weights "
                    + s.weights().map(SparseWeights::id).orElse("of the postings")
                    + ", scale "
                    + s.scale()));
    schema
        .multiVectors()
        .ifPresent(m -> line("colbert", m.dimension() + " dimensions, " + m.form().id()));
    line(
        "words",
        "analyzer "
            + schema.words().analyzer()
            + ", BM25 k1 "
            + schema.words().k1()
            + " b "
            + schema.words().b());
    if (!schema.metadata().isEmpty()) {
      line(
          "metadata",
          schema.metadata().entrySet().stream()
              .map(e -> e.getKey() + " " + e.getValue().id())
              .collect(Collectors.joining(", ")));
    }
    line(
        "size",
        ByteSize.format(of.bytes()) + ", " + each(of, of.bytes()) + " B a document, of these:");
    of.parts()
        .forEach((part, bytes) ->
            out.println(
                String.format(
                    Locale.ROOT,
                    "  %10s  %4.1f %%  %9s B  %s",
                    ByteSize.format(bytes),
                    100.0 * bytes / Math.max(1, of.bytes()),
                    each(of, bytes),
                    part)));
  }

  /** Bytes a document. */
  private static String each(IndexDescription of, long bytes) {
    return String.format(Locale.ROOT, "%,.1f", (double) bytes / Math.max(1, of.documents()));
  }

  private void line(String what, String value) {
    console.out().println(String.format(Locale.ROOT, "%-10s %s", what, value));
  }

  private static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private void printJson(IndexDescription of) throws IOException {
    try (JsonGenerator out = new JsonFactory().createGenerator(console.out())) {
      out.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      out.writeStartObject();
      out.writeNumberField("documents", of.documents());
      out.writeNumberField("passages", of.passages());
      out.writeNumberField("deleted", of.deleted());
      out.writeNumberField("segments", of.segments());
      out.writeBooleanField("complete", of.complete());
      out.writeObjectFieldStart("model");
      out.writeStringField("name", of.fingerprint().name());
      out.writeNumberField("dimension", of.fingerprint().dimension());
      out.writeStringField("weights", of.fingerprint().weightsDigest());
      out.writeStringField("tokenizer", of.fingerprint().tokenizerDigest());
      out.writeEndObject();
      out.writeFieldName("schema");
      out.writeRawValue(of.schema().toString());
      out.writeNumberField("bytes", of.bytes());
      out.writeObjectFieldStart("parts");
      for (Map.Entry<String, Long> part : of.parts().entrySet()) {
        out.writeNumberField(part.getKey(), part.getValue());
      }
      out.writeEndObject();
      out.writeEndObject();
      out.writeRaw('\n');
    }
  }
}
