package io.luciole.model.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;

/** Writes messages in protobuf's wire format field by field, for ONNX files made by hand. */
public final class ProtoBytes {
  private ProtoBytes() {}

  /** A field that holds a string. */
  public static byte[] text(int field, String text) {
    return field(field, text.getBytes(UTF_8));
  }

  /** A field that holds a message, a string or bytes. */
  public static byte[] field(int field, byte[] bytes) {
    return join(number((field << 3) | 2), number(bytes.length), bytes);
  }

  /** A field that holds a whole number. */
  public static byte[] varint(int field, long value) {
    return join(number(field << 3), number(value));
  }

  private static byte[] number(long value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    long rest = value;
    for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
      out.write((int) ((rest & 0x7f) | 0x80));
    }
    out.write((int) rest);
    return out.toByteArray();
  }

  /** Fields one after another, as in a message. */
  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  /** A TensorProto whose bytes are in another file. */
  public static byte[] external(String location) {
    return join(
        text(8, "w"),
        field(13, join(text(1, "location"), text(2, location))),
        field(13, join(text(1, "offset"), text(2, "0"))),
        varint(14, 1));
  }
}
