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
import java.nio.ShortBuffer;
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

  /** Adds weight and bias; two tensors without elements if there is no such map. */
  void add(List<PtNDArray> to, @Nullable Linear linear) {
    to.add(linear == null ? none() : of(linear.weight()));
    to.add(linear == null ? none() : of(linear.bias()));
  }

  /** Adds scale and shift; two tensors without elements if there is no such norm. */
  void add(List<PtNDArray> to, @Nullable Norm norm) {
    to.add(norm == null ? none() : of(norm.scale()));
    to.add(norm == null ? none() : of(norm.shift()));
  }

  /** A tensor without elements, for what an architecture does not have. */
  PtNDArray none() {
    return device.create(new Shape(0), DataType.FLOAT32);
  }

  /** Values that are in no checkpoint, in fp32. */
  PtNDArray floats(float[] values, long... shape) {
    PtNDArray array =
        (staging == null ? device : staging).create(new Shape(shape), DataType.FLOAT32);
    array.toByteBuffer(true).asFloatBuffer().put(values);
    return toDevice(array);
  }

  /** Values that are in no checkpoint, in the run's type. */
  PtNDArray of(float[] values, long... shape) {
    if (precision == Precision.FP32) {
      return floats(values, shape);
    }
    if (precision == Precision.BF16) {
      return brainFloats(floats(values, shape));
    }
    PtNDArray array =
        (staging == null ? device : staging).create(new Shape(shape), DataType.FLOAT16);
    ShortBuffer halves = array.toByteBuffer(true).asShortBuffer();
    for (float value : values) {
      halves.put(Float.floatToFloat16(value));
    }
    return toDevice(array);
  }

  /** Converts a tensor to the run's type on the device. */
  PtNDArray of(Tensor tensor) {
    DType own = tensor.dtype();
    boolean floats = own == DType.F64 || own == DType.F32 || own == DType.F16 || own == DType.BF16;
    if (!floats && tensor.quantization().isEmpty()) {
      throw new ModelException(
          "Expected weights of the types F64, F32, F16 or BF16, or quantised ones, found "
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
