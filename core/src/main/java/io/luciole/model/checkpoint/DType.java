package io.luciole.model.checkpoint;

import java.util.Arrays;
import java.util.Optional;

/** The element types that can be read. All are little-endian in the file and in memory. */
public enum DType {
  /** IEEE 754 double precision. */
  F64(8, "DoubleStorage"),
  /** IEEE 754 single precision. */
  F32(4, "FloatStorage"),
  /** IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. */
  F16(2, "HalfStorage"),
  /** The upper half of an {@link #F32}: 1 sign, 8 exponent, 7 fraction bits. */
  BF16(2, "BFloat16Storage"),
  /** Signed, 64 bits. */
  I64(8, "LongStorage"),
  /** Signed, 32 bits. */
  I32(4, "IntStorage"),
  /** Signed, 16 bits. */
  I16(2, "ShortStorage"),
  /** Signed, 8 bits. */
  I8(1, "CharStorage"),
  /** Unsigned, 64 bits; safetensors only. */
  U64(8, ""),
  /** Unsigned, 32 bits; safetensors only. */
  U32(4, ""),
  /** Unsigned, 16 bits; safetensors only. */
  U16(2, ""),
  /** Unsigned, 8 bits. */
  U8(1, "ByteStorage"),
  /** One byte an element, 0 or 1. */
  BOOL(1, "BoolStorage");

  private final int byteSize;
  private final String torchStorage;

  DType(int byteSize, String torchStorage) {
    this.byteSize = byteSize;
    this.torchStorage = torchStorage;
  }

  /**
   * Returns the size of one element.
   *
   * @return bytes an element takes, in the file and in memory
   */
  public int byteSize() {
    return byteSize;
  }

  /** The type of this name in a safetensors header, which is also the constant's own name. */
  static Optional<DType> ofSafetensors(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /** The type that PyTorch stores in {@code torch.<className>}. */
  static Optional<DType> ofTorchStorage(String className) {
    return Arrays.stream(values())
        .filter(type -> !className.isEmpty() && type.torchStorage.equals(className))
        .findFirst();
  }
}
