package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.Embedding;
import io.luciole.Output;
import java.util.TreeMap;

/** A text of {@link MiniM3} with its reference embedding, rounded to seven digits. Immutable. */
public final class ReferenceText {
  /** The largest difference allowed in a component of a dense vector or ColBERT row, in fp32. */
  public static final float VECTOR_TOLERANCE = 2e-5f;

  /** The largest difference allowed in a sparse weight; a token below it may be missing. */
  public static final float WEIGHT_TOLERANCE = 2e-4f;

  private final String id;
  private final String text;
  private final int maxTokens;
  private final int tokenCount;
  private final float[] dense;
  private final TreeMap<Integer, Float> weights = new TreeMap<>();
  private final int colbertRows;
  private final float[] firstRow;
  private final float[] lastRow;

  ReferenceText(String id, String text, int maxTokens, JsonNode expected) {
    this.id = id;
    this.text = text;
    this.maxTokens = maxTokens;
    this.colbertRows = expected.path("colbert_rows").asInt();
    this.tokenCount = colbertRows + 1;
    this.dense = floats(expected.path("dense"));
    expected
        .path("sparse")
        .properties()
        .forEach(e -> weights.put(Integer.valueOf(e.getKey()), (float) e.getValue().asDouble()));
    this.firstRow = floats(expected.path("colbert_first"));
    this.lastRow = floats(expected.path("colbert_last"));
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) array.get(i).asDouble();
    }
    return values;
  }

  /** {@return the name of the text in the fixture} */
  public String id() {
    return id;
  }

  /** {@return the text} */
  public String text() {
    return text;
  }

  /** {@return the limit in tokens to which the text was truncated} */
  public int maxTokens() {
    return maxTokens;
  }

  /**
   * Compares an embedding with the reference, output by output.
   *
   * @param found an embedding of this text with at least one output
   * @throws AssertionError if an output differs by more than the tolerances; the message names the
   *     text and the output
   */
  public void verify(Embedding found) {
    assertThat(found.tokenCount()).as("tokens of %s", this).isEqualTo(tokenCount);
    for (Output output : found.outputs()) {
      switch (output) {
        case DENSE ->
            assertThat(found.dense())
                .as("dense vector of %s", this)
                .containsExactly(dense, within(VECTOR_TOLERANCE));
        case SPARSE -> verifyWeights(found);
        case COLBERT -> {
          assertThat(found.colbert().rows()).as("ColBERT rows of %s", this).isEqualTo(colbertRows);
          assertThat(found.colbert().row(0))
              .as("first ColBERT row of %s", this)
              .containsExactly(firstRow, within(VECTOR_TOLERANCE));
          assertThat(found.colbert().row(colbertRows - 1))
              .as("last ColBERT row of %s", this)
              .containsExactly(lastRow, within(VECTOR_TOLERANCE));
        }
      }
    }
  }

  private void verifyWeights(Embedding found) {
    TreeMap<Integer, Float> weighty = new TreeMap<>();
    for (int i = 0; i < found.sparse().size(); i++) {
      int token = found.sparse().id(i);
      float weight = found.sparse().weight(i);
      if (weight >= WEIGHT_TOLERANCE || expectedWeight(token) > 0) {
        weighty.put(token, weight);
      }
    }
    TreeMap<Integer, Float> expected = new TreeMap<>(weights);
    expected
        .keySet()
        .removeIf(token -> !weighty.containsKey(token) && expectedWeight(token) < WEIGHT_TOLERANCE);
    assertThat(weighty.keySet())
        .as("token ids with a weight of %s", this)
        .containsExactlyElementsOf(expected.keySet());
    weighty.forEach((token, weight) ->
        assertThat(weight)
            .as("weight of token %s of %s", token, this)
            .isCloseTo(expectedWeight(token), within(WEIGHT_TOLERANCE)));
  }

  private float expectedWeight(int token) {
    return weights.getOrDefault(token, 0f);
  }

  @Override
  public String toString() {
    return id + " at " + maxTokens + " tokens";
  }
}
