package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.SparseVector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** FlagEmbedding's outputs for mini-m3, and how near ours must come to them. */
final class MiniM3Reference {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Tolerances, absolute: a dense or ColBERT component, a sparse weight. */
  record Tolerance(float component, float weight) {
    static final Tolerance FP32 = new Tolerance(2e-5f, 2e-4f);
  }

  /** One text of the reference. */
  record Line(String id, String text, JsonNode json) {
    int tokens() {
      return json.path("token_count").asInt();
    }

    JsonNode expected(boolean truncatedTo16) {
      return truncatedTo16 ? json.path("truncated_to_16") : json;
    }
  }

  private MiniM3Reference() {}

  static List<Line> lines() {
    try {
      List<Line> lines = new ArrayList<>();
      for (String line : Files.readAllLines(TestModels.MINI_M3.resolve("expected.jsonl"))) {
        JsonNode json = JSON.readTree(line);
        lines.add(new Line(json.path("id").asText(), json.path("text").asText(), json));
      }
      assertThat(lines).hasSizeGreaterThan(10);
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode scores() {
    try {
      return JSON.readTree(TestModels.MINI_M3.resolve("expected_scores.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Compares what an embedding holds, and that it holds these outputs. */
  static void check(Line line, JsonNode expected, Embedding found, Set<Output> outputs) {
    check(line, expected, found, outputs, Tolerance.FP32);
  }

  static void check(
      Line line, JsonNode expected, Embedding found, Set<Output> outputs, Tolerance tolerance) {
    assertThat(found.outputs()).as(line.id()).isEqualTo(outputs);
    if (outputs.contains(Output.DENSE)) {
      checkRow(line.id() + " dense", expected.path("dense"), found.dense(), tolerance);
    }
    if (outputs.contains(Output.SPARSE)) {
      checkSparse(line.id() + " sparse", expected.path("sparse"), found.sparse(), tolerance);
    }
    if (outputs.contains(Output.COLBERT)) {
      int rows = expected.path("colbert_rows").asInt();
      assertThat(found.colbert().rows()).as(line.id()).isEqualTo(rows);
      checkRow(
          line.id() + " first row",
          expected.path("colbert_first"),
          found.colbert().row(0),
          tolerance);
      checkRow(
          line.id() + " last row",
          expected.path("colbert_last"),
          found.colbert().row(rows - 1),
          tolerance);
    }
  }

  private static void checkRow(String what, JsonNode expected, float[] found, Tolerance tolerance) {
    assertThat(found).as(what).hasSize(expected.size());
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i])
          .as(what + " component " + i)
          .isCloseTo((float) expected.path(i).asDouble(), within(tolerance.component()));
    }
  }

  /** A weight below the tolerance may come or go. */
  private static void checkSparse(
      String what, JsonNode expected, SparseVector found, Tolerance tolerance) {
    Set<Integer> ids = new TreeSet<>();
    expected.fieldNames().forEachRemaining(name -> ids.add(Integer.valueOf(name)));
    for (int i = 0; i < found.size(); i++) {
      ids.add(found.id(i));
    }
    for (int id : ids) {
      assertThat(found.weightOf(id))
          .as(what + " weight of " + id)
          .isCloseTo(
              (float) expected.path(Integer.toString(id)).asDouble(0), within(tolerance.weight()));
    }
  }
}
