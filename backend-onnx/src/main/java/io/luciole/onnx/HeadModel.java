package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.Output;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.ModelFiles;
import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.onnx.ExportLayout.Found;
import io.luciole.onnx.ExportLayout.Kind;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.Device;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * BGE-M3's heads over an export that gives token states: a small graph for each, on the CPU, where
 * the states are.
 *
 * <pre>
 * in   states  float [B·S, H]      real  int64 [T]
 * out  sparse  float [T, 1]  or    colbert  float [T, D']
 * </pre>
 */
final class HeadModel implements AutoCloseable {
  private final Map<Output, OrtModel> models = new EnumMap<>(Output.class);
  private final int hidden;
  private int colbertDimension;

  private HeadModel(int hidden) {
    this.hidden = hidden;
  }

  /** The heads that the export lacks and that have files, or null if there are none. */
  static @Nullable HeadModel open(
      OrtRuntime runtime,
      ModelFiles files,
      Found states,
      ExportLayout layout,
      BackendConfig config) {
    HeadModel heads = new HeadModel(states.components());
    try {
      if (files.sparseHead() != null && layout.get(Kind.SPARSE) == null) {
        try (Checkpoint file = Checkpoint.open(files.sparseHead())) {
          heads.add(runtime, Output.SPARSE, Linear.sparseHead(file, heads.hidden), config);
        }
      }
      if (files.colbertHead() != null && layout.get(Kind.COLBERT) == null) {
        try (Checkpoint file = Checkpoint.open(files.colbertHead())) {
          Linear head = Linear.colbertHead(file, heads.hidden);
          heads.colbertDimension = head.outputs();
          heads.add(runtime, Output.COLBERT, head, config);
        }
      }
      return heads.models.isEmpty() ? null : heads;
    } catch (Throwable t) {
      heads.close();
      throw t;
    }
  }

  private void add(OrtRuntime runtime, Output output, Linear head, BackendConfig config) {
    GraphBuilder graph = new GraphBuilder();
    Initializers initializers = new Initializers();
    Projection projection = new Projection(graph, initializers, DataType.FLOAT, true);
    String states = graph.input("states", DataType.FLOAT, -1, hidden);
    String nonPadding = graph.input("non_padding", DataType.INT64, -1);
    String rows = projection.head("head", graph.op("Gather").in(states, nonPadding).out(), head);
    String values = output == Output.SPARSE ? graph.op("Relu").in(rows).out() : rows;
    graph.output("out", values, DataType.FLOAT, -1, head.outputs());
    models.put(
        output,
        runtime.compile(
            graph.build(),
            initializers,
            Device.CPU,
            OrtRuntime.threads(config),
            AttentionLayout.LOOP,
            null));
  }

  Set<Output> outputs() {
    return models.isEmpty() ? EnumSet.noneOf(Output.class) : EnumSet.copyOf(models.keySet());
  }

  int colbertDimension() {
    return colbertDimension;
  }

  /**
   * Computes outputs of ours from an export's states, into bindings that are put into {@code out}.
   */
  void run(
      Padded padded,
      TensorBinding states,
      Set<Output> outputs,
      Map<Output, TensorBinding> out,
      BufferPool pool) {
    int texts = padded.batch().size();
    long rows = (long) texts * padded.length();
    List<TensorBinding> in = new ArrayList<>();
    List<TensorBinding> taken = new ArrayList<>();
    try {
      if (states.type() == OnnxJavaType.FLOAT) {
        in.add(new TensorBinding("states", OnnxJavaType.FLOAT, states.buffer(), rows, hidden));
      } else {
        TensorBinding floats = TensorBinding.from(pool, "states", OnnxJavaType.FLOAT, rows, hidden);
        taken.add(floats);
        in.add(floats);
        floats.buffer().asFloatBuffer().put(padded.floats(states));
      }
      TensorBinding nonPadding =
          TensorBinding.from(pool, "non_padding", OnnxJavaType.INT64, padded.batch().tokens());
      taken.add(nonPadding);
      in.add(nonPadding);
      for (int i = 0; i < texts; i++) {
        for (int j = 0; j < padded.batch().length(i); j++) {
          nonPadding.buffer().putLong((long) i * padded.length() + j);
        }
      }
      nonPadding.buffer().rewind();
      for (Output output : outputs) {
        int width = output == Output.SPARSE ? 1 : colbertDimension;
        TensorBinding binding =
            TensorBinding.from(pool, "out", OnnxJavaType.FLOAT, padded.batch().tokens(), width);
        out.put(output, binding);
        OrtModel model = models.get(output);
        if (model == null) {
          throw new IllegalStateException("no head for " + output);
        }
        model.run(in, List.of(binding), padded.batch());
      }
    } finally {
      taken.forEach(binding -> pool.give(binding.buffer()));
    }
  }

  @Override
  public void close() {
    models.values().forEach(OrtModel::close);
  }
}
