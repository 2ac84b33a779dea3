package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.ProtoBytes.external;
import static io.luciole.model.checkpoint.ProtoBytes.field;
import static io.luciole.model.checkpoint.ProtoBytes.join;
import static io.luciole.model.checkpoint.ProtoBytes.text;
import static io.luciole.model.checkpoint.ProtoBytes.varint;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models put together by hand, by the field numbers of onnx.proto. */
class OnnxExternalDataTest {
  private static final int GRAPH = 7;
  private static final int NODE = 1;
  private static final int ATTRIBUTE = 5;
  private static final int INITIALIZER = 5;

  @TempDir private Path folder;

  private Path file(byte[]... model) {
    return WeightFiles.write(folder.resolve("model.onnx"), join(model));
  }

  private static byte[] attribute(int number, byte[] value) {
    return field(NODE, field(ATTRIBUTE, join(text(1, "value"), field(number, value))));
  }

  @Test
  void initializers_nameTheirFilesOnce_inOrder() {
    Path model =
        file(
            text(2, "pytorch"),
            field(
                GRAPH,
                join(
                    field(INITIALIZER, external("weights.bin")),
                    field(INITIALIZER, external("./a/table")),
                    field(INITIALIZER, external("weights.bin")),
                    field(INITIALIZER, join(text(8, "inside"), field(9, new byte[8]))))));

    assertThat(OnnxExternalData.files(model))
        .containsExactly(folder.resolve("a/table"), folder.resolve("weights.bin"));
  }

  /** Wherever onnx.proto lets a tensor be. */
  @Test
  void tensorsOfNodesSubgraphsAndFunctions_nameTheirFiles() {
    byte[] branch = field(NODE, field(ATTRIBUTE, field(5, external("in a branch"))));
    Path model =
        file(
            field(
                GRAPH,
                join(
                    attribute(5, external("in a node")),
                    attribute(10, external("in a list")),
                    attribute(6, branch),
                    attribute(11, field(INITIALIZER, external("in a loop"))),
                    attribute(22, field(1, external("in sparse values"))),
                    attribute(23, field(2, external("in sparse indices"))),
                    field(15, field(1, external("sparse"))))),
            field(
                25,
                join(
                    field(7, field(ATTRIBUTE, field(5, external("in a function")))),
                    field(11, field(5, external("in a default"))))));

    assertThat(OnnxExternalData.files(model).stream().map(p -> p.getFileName().toString()))
        .containsExactly(
            "in a branch",
            "in a default",
            "in a function",
            "in a list",
            "in a loop",
            "in a node",
            "in sparse indices",
            "in sparse values",
            "sparse");
  }

  /** ONNX Runtime reads a location only where data_location says EXTERNAL. */
  @Test
  void locationOfATensorThatIsInside_isPassedOver() {
    byte[] location = field(13, join(text(1, "location"), text(2, "unread")));
    byte[] inside = join(text(8, "w"), location, varint(14, 0));

    assertThat(OnnxExternalData.files(file(field(GRAPH, field(INITIALIZER, inside))))).isEmpty();
    assertThat(OnnxExternalData.files(file())).isEmpty();
  }

  @Test
  void deepNesting_isRead() {
    byte[] graph = field(INITIALIZER, external("deep"));
    for (int i = 0; i < 2_000; i++) {
      graph = attribute(6, graph);
    }

    assertThat(OnnxExternalData.files(file(field(GRAPH, graph))))
        .containsExactly(folder.resolve("deep"));
  }

  @Test
  void damagedFiles_areRefused() {
    refused(field(GRAPH, field(INITIALIZER, new byte[] {0x6a, 5, 0})), "a field of 5 bytes");
    refused(field(GRAPH, field(INITIALIZER, external("a\0b"))), "'a?b'");
    refused("not a model".getBytes(UTF_8), "wire type 6");
  }

  private void refused(byte[] model, String words) {
    Path file = file(model);
    assertThatThrownBy(() -> OnnxExternalData.files(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("an ONNX model", words, file.toString());
  }
}
