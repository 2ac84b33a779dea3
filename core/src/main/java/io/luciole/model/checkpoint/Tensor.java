package io.luciole.model.checkpoint;

import static java.util.Objects.requireNonNull;

import java.lang.ref.WeakReference;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One named tensor of a {@link Checkpoint}: its type, its shape and, when asked for, its bytes.
 *
 * <p>Elements lie row-major (the last dimension varies fastest), little-endian, without padding:
 * element {@code [i, j]} of shape {@code [rows, columns]} begins at byte {@code (i * columns + j) *
 * dtype().byteSize()} of {@link #data()}.
 *
 * <p>A tensor may be used by many threads at once. It maps lazily, and the mapping lives as long as
 * somebody holds a buffer over it; the garbage collector unmaps it after that. Buffers stay valid
 * after {@link Checkpoint#close()}; asking for the first one after that fails. The file must not be
 * changed meanwhile: if it shrinks, Java code that reads a lost page gets an {@link InternalError},
 * native code a bus error.
 */
public final class Tensor {
  /** PyTorch's own limit on dimensions. */
  static final int MOST_DIMENSIONS = 64;

  /** Non-contiguous tensors are copied up to this size, in bytes, and refused beyond. */
  static final long LARGEST_COPY = 64L << 20;

  private final String name;
  private final DType dtype;
  private final long[] shape;
  private final WeightFile file;
  private final long offset;
  private final long byteSize;

  /** Elements between neighbours of each dimension, or null where the tensor is contiguous. */
  private final long @Nullable [] strides;

  /** What the bytes stand for, or null where they are values themselves. */
  private final @Nullable Quantization quantization;

  /** Elements that are in no file, or null. */
  private final @Nullable ByteBuffer own;

  /** Guarded by this. Weak, so that the mapping ends with the last buffer over it. */
  private WeakReference<@Nullable ByteBuffer> mapped = new WeakReference<>(null);

  private Tensor(
      String name,
      DType dtype,
      long[] shape,
      long @Nullable [] strides,
      WeightFile file,
      long offset,
      @Nullable Quantization quantization,
      @Nullable ByteBuffer own) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape.clone();
    this.strides = strides;
    this.file = file;
    this.offset = offset;
    this.quantization = quantization;
    this.own = own;
    this.byteSize = byteSize(dtype, shape, what(name), file.path());
  }

  static Tensor contiguous(String name, DType dtype, long[] shape, WeightFile file, long offset) {
    return new Tensor(name, dtype, shape, null, file, offset, null, null);
  }

  /** This tensor as bytes that stand for other values. */
  Tensor quantized(Quantization quantization) {
    return new Tensor(name, dtype, shape, strides, file, offset, quantization, own);
  }

  /** A tensor whose strides, in elements, may be any; they must have been checked to stay in it. */
  static Tensor strided(
      String name, DType dtype, long[] shape, long[] strides, WeightFile file, long offset) {
    return new Tensor(
        name,
        dtype,
        shape,
        Strides.isContiguous(shape, strides) ? null : strides.clone(),
        file,
        offset,
        null,
        null);
  }

  /**
   * A part of this tensor along its first dimension, without a copy.
   *
   * @param first index of the part's first row
   * @param count rows of the part
   * @return the part, named as this tensor with its rows behind that: {@code name[first:end]}
   * @throws IndexOutOfBoundsException if the tensor does not have these rows
   */
  public Tensor rows(int first, int count) {
    Objects.checkFromIndexSize(first, count, (int) Math.min(rows(), Integer.MAX_VALUE));
    long rowElements = strides == null ? elementCount() / Math.max(1, rows()) : strides[0];
    long[] part = shape.clone();
    part[0] = count;
    return new Tensor(
        name + "[" + first + ":" + (first + count) + "]",
        dtype,
        part,
        strides,
        file,
        offset + first * rowElements * dtype.byteSize(),
        quantization == null ? null : quantization.rows(first, count),
        own);
  }

  /**
   * A tensor of zeros in place of one that the checkpoint does not have, such as a bias.
   *
   * @param name its name
   * @param shape its shape
   * @return F32 zeros, for messages in the file of this tensor
   */
  public Tensor zerosBeside(String name, long... shape) {
    long bytes = byteSize(DType.F32, shape, what(name), file.path());
    ByteBuffer zeros = ByteBuffer.allocateDirect(Math.toIntExact(bytes));
    return new Tensor(name, DType.F32, shape, null, file, 0, null, zeros);
  }

  /**
   * Returns the tensor's name as the file spells it, prefixes included.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns the element type.
   *
   * @return the type in the file
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * Returns what the bytes of a quantised tensor stand for. Reading such a tensor as floats, as a
   * whole or in parts, gives those values; {@link #data()} gives the bytes.
   *
   * @return scales and zero points; empty where the elements are values themselves
   */
  public Optional<Quantization> quantization() {
    return Optional.ofNullable(quantization);
  }

  /**
   * Returns the shape.
   *
   * @return the dimensions, a copy; empty for a scalar
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * Returns the number of elements.
   *
   * @return the product of the shape; 1 for a scalar
   */
  public long elementCount() {
    return byteSize / dtype.byteSize();
  }

  /**
   * Returns the size of the elements.
   *
   * @return {@link #elementCount()} times {@link DType#byteSize()}, in bytes
   */
  public long byteSize() {
    return byteSize;
  }

  /**
   * Returns the file that holds the tensor, for messages.
   *
   * @return the file, which for a sharded checkpoint is the shard
   */
  public Path file() {
    return file.path();
  }

  /** The first dimension; 1 for a scalar. */
  long rows() {
    return shape.length == 0 ? 1 : shape[0];
  }

  /** Where the first element lies in the file, in bytes. */
  long offset() {
    return offset;
  }

  /**
   * Returns the elements as they lie in the file: a direct, read-only, little-endian buffer with
   * position 0 and a limit of {@link #byteSize()}. It is mapped, not read: pages come from the disk
   * when they are touched. A non-contiguous tensor (PyTorch only) is the exception: it is copied
   * into row-major order, up to 64 MiB.
   *
   * @return a buffer of the caller's own position and limit over memory that all callers share
   * @throws CheckpointException if the tensor has more than 2³¹−1 bytes, is non-contiguous and
   *     larger than 64 MiB, or the file was closed, shortened or cannot be read
   */
  public ByteBuffer data() {
    return memory().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private synchronized ByteBuffer memory() {
    if (own != null) {
      return own.slice((int) offset, (int) byteSize);
    }
    ByteBuffer memory = mapped.get();
    if (memory == null) {
      // What is remembered must be the buffer that owns the memory: those derived from it, and from
      // each other, keep that one alive and no other.
      memory =
          strides == null
              ? file.map(offset, byteSize, what(name))
              : Strides.copy(this, strides, file);
      mapped = new WeakReference<>(memory);
    }
    return memory;
  }

  /**
   * Reads the elements as single-precision floats onto the heap: meant for biases, norms and small
   * heads. F16 and BF16 widen exactly, F64 is rounded, quantised bytes are dequantised.
   *
   * @return all elements, row-major
   * @throws CheckpointException if the type is none of F64, F32, F16, BF16 and quantised bytes, or
   *     as {@link #data()}
   */
  public float[] toFloats() {
    float[] floats = new float[Conversions.floatCount(this)];
    Conversions.toFloats(this, 0, FloatBuffer.wrap(floats));
    return floats;
  }

  /**
   * Reads all elements as single-precision floats into the caller's buffer, from its position on,
   * and moves that position. F16 and BF16 widen exactly, F64 is rounded.
   *
   * @param destination room for at least {@link #elementCount()} floats, heap or direct
   * @throws CheckpointException if the type is none of F64, F32, F16, BF16 and quantised bytes, or
   *     as {@link #data()}
   * @throws BufferOverflowException if the room is too small; nothing is written then
   */
  public void readFloats(FloatBuffer destination) {
    requireNonNull(destination, "destination");
    int count = Conversions.floatCount(this);
    if (destination.remaining() < count) {
      throw new BufferOverflowException();
    }
    FloatBuffer window = destination.slice(destination.position(), count);
    Conversions.toFloats(this, 0, window);
    destination.position(destination.position() + count);
  }

  /**
   * Reads the elements from {@code first} on as single-precision floats, as many as the buffer has
   * room for: a matrix can be read row by row.
   *
   * @param first index of the first element to read
   * @param destination filled from its position to its limit, heap or direct
   * @throws IndexOutOfBoundsException if the tensor ends before the buffer is full
   * @throws CheckpointException if the type is none of F64, F32, F16, BF16 and quantised bytes, or
   *     as {@link #data()}
   */
  public void readFloats(int first, FloatBuffer destination) {
    requireNonNull(destination, "destination");
    Objects.checkFromIndexSize(first, destination.remaining(), Conversions.floatCount(this));
    Conversions.toFloats(this, first, destination);
  }

  /**
   * Reads all elements as half-precision floats into the caller's buffer, little-endian whatever
   * its order, from its position on, and moves that position. Rounds to nearest, ties to even.
   * Infinities and NaN stay what they are; a finite value that would become infinite is refused.
   *
   * @param destination room for at least {@code 2 * elementCount()} bytes, heap or direct
   * @throws CheckpointException if an element's magnitude is 65520 or more, which half precision
   *     cannot hold, if the type is none of F64, F32, F16, BF16 and quantised bytes, or as {@link
   *     #data()}. Bytes before the element may have been written, the position is unchanged
   * @throws BufferOverflowException if the room is too small; nothing is written then
   */
  public void readHalves(ByteBuffer destination) {
    requireNonNull(destination, "destination");
    Conversions.toHalves(this, destination);
  }

  @Override
  public String toString() {
    return name + " " + dtype + text(shape);
  }

  static String what(String name) {
    return "tensor " + CheckpointException.quote(name);
  }

  static String text(long[] shape) {
    return Arrays.toString(shape);
  }

  /** Bytes that a tensor of this type and shape takes; refuses what does not fit 63 bits. */
  static long byteSize(DType dtype, long[] shape, String what, Path file) {
    try {
      long size = dtype.byteSize();
      for (long dimension : shape) {
        size = Math.multiplyExact(size, dimension);
      }
      return size;
    } catch (ArithmeticException e) {
      throw CheckpointException.of(
          "a shape for " + what + " whose size fits 63 bits",
          text(shape),
          file,
          CheckpointException.DAMAGED,
          e);
    }
  }
}
