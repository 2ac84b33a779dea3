package io.luciole.djl;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.ModelException;
import io.luciole.model.checkpoint.DType;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.spi.Precision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Converts a checkpoint's tensors to PyTorch's.
 *
 * <pre>
 * on the CPU, file and run have the same type      no copy: the tensor is the mapped file
 * on the CPU, the types differ, or quantised       one copy in PyTorch's memory
 * on a GPU                                         one copy on the GPU; if the types differ, it is
 *                                                  converted on the CPU first
 * </pre>
 *
 * <p>A tensor over a mapped file keeps the mapping alive and is never written.
 */
final class TorchWeights {
  private final PtNDManager device;

  /** CPU memory for tensors on their way to a GPU; null if the device is the CPU. */
  private final @Nullable PtNDManager staging;

  private final Precision precision;

  /** Its method {@code brain} converts to bf16, which DJL cannot. */
  private final PtSymbolBlock program;

  /** Converts weights to the precision of a session's runs. The session owns them. */
  TorchWeights(TorchSession session, Precision precision) {
    this.device = session.manager;
    this.staging = session.accelerated ? session.host : null;
    this.precision = precision;
    this.program = session.program;
  }

  void add(List<PtNDArray> to, Linear linear) {
    to.add(of(linear.weight()));
    to.add(of(linear.bias()));
  }

  void add(List<PtNDArray> to, Norm norm) {
    to.add(of(norm.scale()));
    to.add(of(norm.shift()));
  }

  /** Converts a tensor to the run's type on the device. */
  PtNDArray of(Tensor tensor) {
    DType own = tensor.dtype();
    boolean floats = own == DType.F32 || own == DType.F16 || own == DType.BF16;
    if (!floats && tensor.quantization().isEmpty()) {
      throw new ModelException(
          "Expected weights of the types F32, F16 or BF16, or quantised ones, found "
              + tensor
              + " in "
              + tensor.file());
    }
    DataType type = precision == Precision.FP16 ? DataType.FLOAT16 : DataType.FLOAT32;
    boolean same = own == (precision == Precision.FP16 ? DType.F16 : DType.F32);
    Shape shape = new Shape(tensor.shape());
    ByteBuffer data = tensor.data();
    PtNDArray array;
    if (same
        && data.alignmentOffset(0, own.byteSize()) == 0
        && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
      array = device.create(data, shape, type);
    } else {
      array = toDevice(converted(tensor, shape, type));
    }
    return precision == Precision.BF16 ? brainFloats(array) : array;
  }

  /** A copy in PyTorch's memory on the CPU. */
  private PtNDArray converted(Tensor tensor, Shape shape, DataType type) {
    PtNDArray array = (staging == null ? device : staging).create(shape, type);
    ByteBuffer memory = array.toByteBuffer(true);
    if (type == DataType.FLOAT16) {
      tensor.readHalves(memory);
    } else {
      tensor.readFloats(memory.asFloatBuffer());
    }
    return array;
  }

  private PtNDArray toDevice(PtNDArray array) {
    if (staging == null) {
      return array;
    }
    try (array) {
      PtNDArray there = array.toDevice(device.getDevice(), true);
      there.attach(device);
      return there;
    }
  }

  private PtNDArray brainFloats(PtNDArray array) {
    try (array;
        IValue from = IValue.from(array);
        IValue cast = IValueUtils.runMethod(program, "brain", from)) {
      return cast.toTensor(device);
    }
  }
}
