package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EmbeddingJsonTest {
  private static final Embedding ALL =
      Embedding.ofTokens(5)
          .withDense(new float[] {1, -0.5f, 1e-9f})
          .withSparse(SparseVector.of(new int[] {7, 250_001}, new float[] {0.1f, 2}))
          .withColbert(MultiVector.of(2, new float[] {0.6f, 0.8f, -1, 0}));

  private static String vectors(Set<Output> outputs, EmbeddingJson.DenseEncoding encoding)
      throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
      out.writeStartObject();
      EmbeddingJson.writeVectors(out, ALL, outputs, encoding);
      out.writeEndObject();
    }
    return text.toString();
  }

  @Test
  void write_allOutputs_isTheWireFormat() {
    assertThat(EmbeddingJson.write(ALL))
        .isEqualTo(
            "{\"tokens\":5,\"dense\":[1.0,-0.5,1.0E-9],\"sparse\":{\"7\":0.1,\"250001\":2.0},"
                + "\"colbert\":[[0.6,0.8],[-1.0,0.0]]}");
  }

  @Test
  void write_denseAlone_leavesTheOthersOut() {
    assertThat(
            EmbeddingJson.write(
                Embedding.ofTokens(3).withDense(new float[] {0.25f}).withTruncated(true)))
        .isEqualTo("{\"tokens\":3,\"dense\":[0.25]}");
  }

  @Test
  void writeVectors_writesTheOutputsAskedFor() throws IOException {
    assertThat(vectors(EnumSet.of(Output.SPARSE), EmbeddingJson.DenseEncoding.FLOAT))
        .isEqualTo("{\"sparse\":{\"7\":0.1,\"250001\":2.0}}");
  }

  @Test
  void writeVectors_base64_isLittleEndianFloats() throws IOException {
    assertThat(vectors(EnumSet.of(Output.DENSE), EmbeddingJson.DenseEncoding.BASE64))
        .isEqualTo("{\"dense\":\"AACAPwAAAL9fcIkw\"}");
  }

  @Test
  void writeVectors_outputThatIsMissing_isRefused() throws IOException {
    try (JsonGenerator out = new JsonFactory().createGenerator(new StringWriter())) {
      out.writeStartObject();
      assertThatThrownBy(() ->
              EmbeddingJson.writeVectors(
                  out,
                  Embedding.ofTokens(3).withDense(new float[] {1}),
                  EnumSet.of(Output.SPARSE),
                  EmbeddingJson.DenseEncoding.FLOAT))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
