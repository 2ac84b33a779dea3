package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FusedTuningTest {
  @Test
  void sizes_areThoseOfAllGraphs() throws IOException {
    String source = Files.readString(Path.of("src/main/cuda/encoder.inc.c"));
    Matcher graphs = Pattern.compile("GRAPH_TOKENS\\[GRAPHS\\] = \\{([0-9, ]+)}").matcher(source);
    assertThat(graphs.find()).as("encoder.inc.c has the sizes of its graphs").isTrue();

    assertThat(FusedTuning.sizes())
        .containsAll(Stream.of(graphs.group(1).split(", ", -1)).map(Integer::valueOf).toList());
  }

  @Test
  void run_hasABatchOfEachSizeThatIsTunedByItselfLargestFirst() {
    List<Integer> tokens = new ArrayList<>();

    FusedTuning.run(batch -> tokens.add(batch.tokens()));

    assertThat(tokens)
        .containsExactly(
            4096, 3584, 3072, 2560, 2048, 1792, 1536, 1280, 1024, 896, 768, 640, 512, 448, 384, 320,
            256, 192, 128, 64, 32, 24, 16, 8);
  }
}
