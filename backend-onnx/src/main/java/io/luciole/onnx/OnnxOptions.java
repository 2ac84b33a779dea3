package io.luciole.onnx;

import io.luciole.Key;
import io.luciole.ValueParser;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The settings of this backend. */
final class OnnxOptions {
  private static final int MOST_RUNS = 64;

  /** Batches that run at once on CPUs. */
  static final Key<Optional<Integer>> RUNS =
      Key.optional(
          "luciole.onnx.runs",
          ValueParser.of("a whole number from 1 to " + MOST_RUNS, OnnxOptions::runs),
          "1; for small encoders in int8 one for each thread; with Luciole's kernels and 16 or more"
              + " threads one for every four",
          "Batches that run at once on CPUs and share the threads, at most one for each thread. 2 and"
              + " more are for indexing in bulk; with ONNX Runtime's own operators a lone query then"
              + " takes longer.");

  /** How the graph computes attention, in lower case. */
  static final Key<String> FORM =
      Key.of(
          "luciole.onnx.form",
          ValueParser.oneOf("auto", "loop", "packed", "fused", "padded"),
          "auto",
          "How the graph of a checkpoint computes attention. `auto` takes what is fastest on the"
              + " device; `fused` is Luciole's kernels, `loop` ONNX Runtime's on CPUs; `packed` and"
              + " `padded` are ONNX Runtime's on CUDA devices.");

  /** The library with the CUDA kernels. */
  static final Key<Optional<Path>> CUDA_LIBRARY =
      Key.optional(
          "luciole.cuda.library",
          ValueParser.path(),
          "the library in the jar",
          "The library with Luciole's CUDA kernels, `libluciole_cuda.so`.");

  /** Whether to try cuBLASLt's algorithms. */
  static final Key<Boolean> CUDA_TUNE =
      Key.of(
          "luciole.cuda.tune",
          ValueParser.trueOrFalse(),
          "true",
          "Whether opening a model on a GPU measures the algorithms of cuBLASLt and keeps the"
              + " fastest; otherwise the first is taken.");

  /** Whether small batches run as CUDA graphs. */
  static final Key<Boolean> CUDA_GRAPHS =
      Key.of(
          "luciole.cuda.graphs",
          ValueParser.trueOrFalse(),
          "true",
          "Whether the kernels of small batches start together as a CUDA graph; otherwise they"
              + " start one by one.");

  /** Layers at the end of an encoder in fp8 that keep 16 bits. */
  static final Key<Integer> CUDA_FP16_LAYERS =
      Key.of(
          "luciole.cuda.fp16-layers",
          ValueParser.of("a whole number of at least 0", OnnxOptions::count),
          "2",
          "With `luciole.precision=fp8`, how many of the last layers compute in fp16 all the same:"
              + " those of a trained model lose most by fp8. One layer at least is in fp8.");

  /** All of these. */
  static final List<Key<?>> ALL =
      List.of(RUNS, FORM, CUDA_LIBRARY, CUDA_TUNE, CUDA_GRAPHS, CUDA_FP16_LAYERS);

  private OnnxOptions() {}

  private static int runs(String text) {
    int runs = text.matches("\\d{1,2}") ? Integer.parseInt(text) : 0;
    if (runs < 1 || runs > MOST_RUNS) {
      throw new IllegalArgumentException(
          "expected a whole number from 1 to " + MOST_RUNS + ", got \"" + text + '"');
    }
    return runs;
  }

  private static int count(String text) {
    if (!text.matches("\\d{1,9}")) {
      throw new IllegalArgumentException(
          "expected a whole number of at least 0, got \"" + text + '"');
    }
    return Integer.parseInt(text);
  }
}
