package io.luciole.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import io.luciole.spi.BackendException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An ONNX Runtime session that reads inputs from and writes outputs to buffers of ours. Java's
 * {@code OnnxTensor.getFloatBuffer} and {@code getByteBuffer} return copies; outputs bound to
 * tensors over direct buffers are written once, in place.
 */
final class OrtModel implements AutoCloseable {
  private final OrtEnvironment environment;
  private final OrtSession session;

  /** What the session reads as long as it lives. */
  private final Collection<OnnxTensor> weights;

  private final Set<String> inputNames;
  private final AtomicBoolean closed = new AtomicBoolean();

  OrtModel(OrtEnvironment environment, OrtSession session, Collection<OnnxTensor> weights) {
    this.environment = environment;
    this.session = session;
    this.weights = weights;
    this.inputNames = session.getInputNames();
  }

  /** The names of the graph's inputs. */
  Set<String> inputNames() {
    return inputNames;
  }

  /** The graph's inputs that are tensors, by name, in the graph's order. */
  Map<String, TensorInfo> inputs() {
    try {
      return tensors(session.getInputInfo());
    } catch (OrtException e) {
      throw OrtErrors.of("reading the model's inputs", e);
    }
  }

  private static Map<String, TensorInfo> tensors(Map<String, NodeInfo> nodes) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    nodes.forEach((name, node) -> {
      if (node.getInfo() instanceof TensorInfo tensor) {
        tensors.put(name, tensor);
      }
    });
    return tensors;
  }

  /**
   * Runs the graph; only the outputs named are fetched, each into its binding's buffer.
   *
   * @param what the batch, for the message of a failure
   * @throws BackendException if ONNX Runtime fails, or an output has another shape than its binding
   */
  void run(List<TensorBinding> inputs, List<TensorBinding> outputs, Object what) {
    Map<String, OnnxTensor> in = new LinkedHashMap<>();
    Map<String, OnnxTensor> out = new LinkedHashMap<>();
    try {
      for (TensorBinding binding : inputs) {
        in.put(binding.name(), tensor(binding));
      }
      for (TensorBinding binding : outputs) {
        out.put(binding.name(), tensor(binding));
      }
      session.run(in, Set.of(), out).close();
    } catch (OrtException e) {
      throw OrtErrors.of("on " + what, e);
    } finally {
      in.values().forEach(OnnxTensor::close);
      out.values().forEach(OnnxTensor::close);
    }
  }

  /** Runs the graph and returns the types and shapes that its outputs have, in order. */
  Map<String, TensorInfo> shapes(List<TensorBinding> inputs) {
    Map<String, OnnxTensor> in = new LinkedHashMap<>();
    try {
      for (TensorBinding binding : inputs) {
        in.put(binding.name(), tensor(binding));
      }
      Map<String, TensorInfo> shapes = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(in)) {
        for (Map.Entry<String, OnnxValue> output : result) {
          if (output.getValue() instanceof OnnxTensor tensor) {
            shapes.put(output.getKey(), tensor.getInfo());
          }
        }
      }
      return shapes;
    } catch (OrtException e) {
      throw OrtErrors.of("on a trial of the model", e);
    } finally {
      in.values().forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor tensor(TensorBinding binding) throws OrtException {
    return OnnxTensor.createTensor(environment, binding.buffer(), binding.shape(), binding.type());
  }

  /** Closes the session; {@code OrtSession.close} throws at the second time, this does not. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      try {
        session.close();
        weights.forEach(OnnxTensor::close);
      } catch (OrtException e) {
        throw OrtErrors.of("closing a session", e);
      }
    }
  }
}
