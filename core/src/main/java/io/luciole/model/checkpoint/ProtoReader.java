package io.luciole.model.checkpoint;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Walks over the fields of one message in protobuf's wire format (protobuf.dev, "Encoding"). Reads
 * no more than asked for, so that a file of gigabytes whose bulk is weights costs its headers.
 *
 * <pre>
 * while (reader.next()) {
 *   switch (reader.field()) {
 *     case 1 → reader.message() … reader.text() … reader.integer()
 *   }
 * }
 * </pre>
 *
 * A field whose value is not asked for is passed over. A damaged message ends in an {@link
 * IllegalArgumentException}.
 */
final class ProtoReader {
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;

  private final ByteBuffer in;

  /** Where the message begins in its file, so that bytes can be found there again. */
  private final long base;

  private int field;
  private int type;
  private boolean pending;

  ProtoReader(ByteBuffer message, long base) {
    this.in = message.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    this.base = base - message.position();
  }

  /** Moves to the next field; false at the end. */
  boolean next() {
    if (pending) {
      skip();
    }
    if (!in.hasRemaining()) {
      return false;
    }
    long key = varint();
    field = (int) (key >>> 3);
    type = (int) (key & 7);
    if (key >>> 32 != 0 || field == 0) {
      throw damaged("a field's key " + key);
    }
    pending = true;
    return true;
  }

  int field() {
    return field;
  }

  /** A varint field's value. */
  long integer() {
    require(VARINT);
    return varint();
  }

  /** A repeated varint field's value or, where they are packed, values. */
  List<Long> integers() {
    if (type == VARINT) {
      return List.of(integer());
    }
    ProtoReader packed = message();
    List<Long> values = new ArrayList<>();
    while (packed.in.hasRemaining()) {
      values.add(packed.varint());
    }
    return values;
  }

  /** A repeated float field's value or, where they are packed, values. */
  List<Float> floats() {
    ByteBuffer values;
    if (type == FIXED_32) {
      values = slice(4);
      pending = false;
    } else {
      values = bytes();
      if (values.remaining() % 4 != 0) {
        throw damaged("floats of " + values.remaining() + " bytes");
      }
    }
    List<Float> floats = new ArrayList<>();
    while (values.hasRemaining()) {
      floats.add(values.getFloat());
    }
    return floats;
  }

  String text() {
    return StandardCharsets.UTF_8.decode(bytes()).toString();
  }

  ProtoReader message() {
    require(BYTES);
    int length = length();
    long at = base + in.position();
    return new ProtoReader(slice(length), at);
  }

  /** The messages at the end of a path of fields. */
  List<ProtoReader> messages(int... path) {
    List<ProtoReader> level = List.of(this);
    for (int field : path) {
      List<ProtoReader> below = new ArrayList<>();
      for (ProtoReader reader : level) {
        while (reader.next()) {
          if (reader.field() == field) {
            below.add(reader.message());
          }
        }
      }
      level = below;
    }
    return level;
  }

  /** A length-delimited field's bytes, little-endian; a view, not a copy. */
  ByteBuffer bytes() {
    require(BYTES);
    return slice(length());
  }

  /**
   * Where bytes are in the file, and how many.
   *
   * @param offset the first's, counted from the file's start
   */
  record Place(long offset, int length) {}

  /** Passes over a length-delimited field and tells where its bytes are. */
  Place place() {
    require(BYTES);
    int length = length();
    long at = base + in.position();
    slice(length);
    return new Place(at, length);
  }

  private void require(int expected) {
    if (type != expected) {
      throw damaged("wire type " + type + " for field " + field);
    }
    pending = false;
  }

  private void skip() {
    pending = false;
    switch (type) {
      case VARINT -> varint();
      case FIXED_64 -> slice(8);
      case BYTES -> slice(length());
      case FIXED_32 -> slice(4);
      default -> throw damaged("wire type " + type + " for field " + field);
    }
  }

  private int length() {
    long length = varint();
    if (length < 0 || length > in.remaining()) {
      throw damaged("a field of " + length + " bytes where " + in.remaining() + " are left");
    }
    return (int) length;
  }

  private ByteBuffer slice(int length) {
    if (length > in.remaining()) {
      throw damaged("a field of " + length + " bytes where " + in.remaining() + " are left");
    }
    ByteBuffer slice = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + length);
    return slice;
  }

  private long varint() {
    try {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        byte b = in.get();
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("a number that ends behind its message", e);
    }
    throw damaged("a number of more than 64 bits");
  }

  private static IllegalArgumentException damaged(String what) {
    return new IllegalArgumentException(what);
  }
}
