package io.luciole.model.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.luciole.model.checkpoint.Pickled.Constant;
import io.luciole.model.checkpoint.Pickled.Dict;
import io.luciole.model.checkpoint.Pickled.Function;
import io.luciole.model.checkpoint.Pickled.Real;
import io.luciole.model.checkpoint.Pickled.Sequence;
import io.luciole.model.checkpoint.Pickled.Storage;
import io.luciole.model.checkpoint.Pickled.StorageType;
import io.luciole.model.checkpoint.Pickled.Text;
import io.luciole.model.checkpoint.Pickled.Truth;
import io.luciole.model.checkpoint.Pickled.Tuple;
import io.luciole.model.checkpoint.Pickled.View;
import io.luciole.model.checkpoint.Pickled.Whole;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads the pickle of a state dict, protocol 2, which is what {@code torch.save} writes.
 *
 * <p>A pickle is a program for a stack machine, and its {@code GLOBAL} and {@code REDUCE} can name
 * and call any Python function. This machine knows three functions ({@code
 * collections.OrderedDict}, {@code torch._utils._rebuild_tensor_v2} and {@code _rebuild_parameter})
 * and the storage classes, all as constants of its own; any other global is refused by its name
 * when it is named, whether or not it would be called. There is no instruction that reaches a Java
 * class, method or field by name.
 *
 * <p>Bounded: at most {@value #MOST_OPERATIONS} instructions, each of which makes at most one
 * object and none of which loops over more than it takes off the stack; strings are cut from the
 * pickle, whose length the caller bounds; integers have at most 64 bits. The object graph may be
 * cyclic or share parts, so whoever walks it must bound the walk.
 *
 * @see <a href="https://github.com/python/cpython/blob/main/Lib/pickletools.py">pickletools, the
 *     instructions</a>
 */
final class StateDictUnpickler {
  /** A state dict takes about 30 a tensor. */
  static final int MOST_OPERATIONS = 1_000_000;

  private static final int PROTOCOL = 2;
  private static final int LONGEST_KEY = 1024;
  private static final String CONVERT =
      "a pickle can run code and this reader refuses to; where you trust the file, load it in Python"
          + " and write its state dict alone with torch.save, or as safetensors";

  private final ByteBuffer in;
  private final Path file;
  private final ArrayList<Pickled> stack = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  private final Map<Integer, Pickled> memo = new HashMap<>();

  /** Where the instruction being executed begins. */
  private int at;

  private StateDictUnpickler(ByteBuffer pickle, Path file) {
    this.in = pickle;
    this.file = file;
  }

  /** Runs a pickle, a little-endian buffer, to the object it makes. */
  static Pickled load(ByteBuffer pickle, Path file) {
    StateDictUnpickler unpickler = new StateDictUnpickler(pickle, file);
    try {
      return unpickler.run();
    } catch (BufferUnderflowException e) {
      throw unpickler.wrong("the pickle to go on", "its end", CheckpointException.DAMAGED, e);
    }
  }

  private Pickled run() {
    if (next() != 0x80 || next() != PROTOCOL) {
      throw wrong(
          "a pickle of protocol " + PROTOCOL,
          "something else",
          "write the file with torch.save's default protocol");
    }
    for (int operation = 0; operation < MOST_OPERATIONS; operation++) {
      at = in.position();
      int opcode = next();
      if (opcode == '.') {
        return pop();
      }
      execute(opcode);
    }
    throw wrong(
        "at most " + MOST_OPERATIONS + " pickle instructions",
        "more",
        "store the weights as safetensors");
  }

  private void execute(int opcode) {
    switch (opcode) {
      case '(' -> marks.push(stack.size());
      case '0' -> pop();
      case '1' -> popToMark();
      case '2' -> push(top());
      case 'N' -> push(Constant.NONE);
      case 0x88 -> push(new Truth(true));
      case 0x89 -> push(new Truth(false));
      case 'J' -> push(new Whole(in.getInt()));
      case 'K' -> push(new Whole(next()));
      case 'M' -> push(new Whole(Short.toUnsignedInt(in.getShort())));
      case 0x8a -> push(new Whole(readLong(next())));
      case 0x8b -> push(new Whole(readLong(in.getInt())));
      case 'G' -> push(new Real(Double.longBitsToDouble(Long.reverseBytes(in.getLong()))));
      case 'X' -> push(new Text(readText(in.getInt())));
      case ')' -> push(new Tuple(List.of()));
      case 0x85 -> pushTuple(1);
      case 0x86 -> pushTuple(2);
      case 0x87 -> pushTuple(3);
      case 't' -> push(new Tuple(popToMark()));
      case ']' -> push(new Sequence());
      case 'a' -> append(List.of(pop()));
      case 'e' -> append(popToMark());
      case '}' -> push(new Dict(false));
      case 's' -> setItems(popSome(2));
      case 'u' -> setItems(popToMark());
      case 'q' -> memo.put(next(), top());
      case 'r' -> memo.put(in.getInt(), top());
      case 'h' -> push(remembered(next()));
      case 'j' -> push(remembered(in.getInt()));
      case 'c' -> push(global(readLine(), readLine()));
      case 'i' -> throw refused(readLine(), readLine());
      case 'Q' -> push(storage(pop()));
      case 'R' -> reduce();
      case 'b' -> build();
      default ->
          throw wrong(
              "an instruction that a state dict needs",
              String.format(Locale.ROOT, "pickle instruction 0x%02x", opcode),
              CONVERT);
    }
  }

  private int next() {
    return Byte.toUnsignedInt(in.get());
  }

  private void push(Pickled value) {
    stack.add(value);
  }

  /** Items below the latest mark are out of reach until that mark is taken. */
  private void checkDepth(int count) {
    Integer mark = marks.peek();
    int available = stack.size() - (mark == null ? 0 : mark);
    if (available < count) {
      throw wrong(count + " values on the stack", available + "", CheckpointException.DAMAGED);
    }
  }

  private Pickled top() {
    checkDepth(1);
    return stack.get(stack.size() - 1);
  }

  private Pickled pop() {
    checkDepth(1);
    return stack.remove(stack.size() - 1);
  }

  private List<Pickled> popSome(int count) {
    checkDepth(count);
    return popFrom(stack.size() - count);
  }

  private List<Pickled> popToMark() {
    Integer mark = marks.poll();
    if (mark == null) {
      throw wrong("a mark on the stack", "none", CheckpointException.DAMAGED);
    }
    return popFrom(mark);
  }

  private List<Pickled> popFrom(int start) {
    List<Pickled> tail = stack.subList(start, stack.size());
    List<Pickled> items = new ArrayList<>(tail);
    tail.clear();
    return items;
  }

  private void pushTuple(int count) {
    push(new Tuple(popSome(count)));
  }

  private void append(List<Pickled> items) {
    if (!(top() instanceof Sequence sequence)) {
      throw wrong("a list to append to", kind(top()), CheckpointException.DAMAGED);
    }
    sequence.items.addAll(items);
  }

  private void setItems(List<Pickled> items) {
    if (!(top() instanceof Dict dict) || items.size() % 2 != 0) {
      throw wrong(
          "a dict and its keys and values",
          kind(top()) + " and " + items.size() + " values",
          CheckpointException.DAMAGED);
    }
    for (int i = 0; i < items.size(); i += 2) {
      String key = key(items.get(i));
      if (dict.items.put(key, items.get(i + 1)) != null) {
        throw wrong(
            "each key of a dict once",
            CheckpointException.quote(key) + " twice",
            CheckpointException.DAMAGED);
      }
    }
  }

  private String key(Pickled key) {
    String text =
        switch (key) {
          case Text string -> string.value();
          case Whole whole -> String.valueOf(whole.value());
          case Truth truth -> String.valueOf(truth.value());
          default -> throw wrong("a string or an integer as a dict's key", kind(key), CONVERT);
        };
    if (text.length() > LONGEST_KEY) {
      throw wrong(
          "a dict's key of at most " + LONGEST_KEY + " characters",
          text.length() + " characters",
          CheckpointException.DAMAGED);
    }
    return text;
  }

  private Pickled remembered(int index) {
    Pickled value = memo.get(index);
    if (value == null) {
      throw wrong(
          "a value in memo " + Integer.toUnsignedString(index),
          "none",
          CheckpointException.DAMAGED);
    }
    return value;
  }

  private long readLong(int bytes) {
    if (bytes < 0 || bytes > Long.BYTES) {
      throw wrong(
          "an integer of at most 64 bits",
          Integer.toUnsignedString(bytes) + " bytes",
          CheckpointException.DAMAGED);
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) next() << (8 * i);
    }
    int unused = Long.SIZE - 8 * bytes;
    return bytes == 0 ? 0 : value << unused >> unused;
  }

  private String readText(int length) {
    if (length < 0 || length > in.remaining()) {
      throw wrong(
          "a string within the pickle's last " + in.remaining() + " bytes",
          Integer.toUnsignedString(length) + " bytes",
          CheckpointException.DAMAGED);
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw wrong("a string in UTF-8", "other bytes", CheckpointException.DAMAGED, e);
    }
  }

  private String readLine() {
    int start = in.position();
    int length = 0;
    while (in.get() != '\n') {
      length++;
    }
    byte[] bytes = new byte[length];
    in.get(start, bytes);
    return new String(bytes, ISO_8859_1);
  }

  private Pickled global(String module, String name) {
    switch (module) {
      case "collections" -> {
        if (name.equals("OrderedDict")) {
          return Function.ORDERED_DICT;
        }
      }
      case "torch._utils" -> {
        if (name.equals("_rebuild_tensor_v2")) {
          return Function.REBUILD_TENSOR;
        }
        if (name.equals("_rebuild_parameter")) {
          return Function.REBUILD_PARAMETER;
        }
      }
      case "torch" -> {
        DType dtype = DType.ofTorchStorage(name).orElse(null);
        if (dtype != null) {
          return new StorageType(dtype);
        }
      }
      default -> {}
    }
    throw refused(module, name);
  }

  private CheckpointException refused(String module, String name) {
    return wrong(
        "tensors and ordered dicts only",
        "the global " + CheckpointException.quote(module + "." + name),
        CONVERT);
  }

  /** The persistent id of a storage: ("storage", class, key, device, number of elements). */
  private Pickled storage(Pickled id) {
    if (id instanceof Tuple tuple
        && tuple.items.size() == 5
        && tuple.items.get(0) instanceof Text tag
        && tag.value().equals("storage")
        && tuple.items.get(1) instanceof StorageType type
        && tuple.items.get(2) instanceof Text key
        && tuple.items.get(4) instanceof Whole elements
        && elements.value() >= 0) {
      return new Storage(type.dtype(), key.value(), elements.value());
    }
    throw wrong("the id of a storage", kind(id), CheckpointException.DAMAGED);
  }

  private void reduce() {
    Pickled arguments = pop();
    Pickled callable = pop();
    if (!(callable instanceof Function function) || !(arguments instanceof Tuple tuple)) {
      throw wrong(
          "a call of a known function",
          "a call of " + kind(callable) + " with " + kind(arguments),
          CONVERT);
    }
    push(call(function, tuple.items));
  }

  private Pickled call(Function function, List<Pickled> arguments) {
    int count = arguments.size();
    switch (function) {
      case ORDERED_DICT -> {
        if (count == 0) {
          return new Dict(true);
        }
      }
      case REBUILD_TENSOR -> {
        // storage, offset, size, stride, requires_grad, backward_hooks, and perhaps metadata
        if ((count == 6 || count == 7)
            && arguments.get(0) instanceof Storage storage
            && arguments.get(1) instanceof Whole offset
            && arguments.get(2) instanceof Tuple size
            && arguments.get(3) instanceof Tuple stride
            && size.items.size() == stride.items.size()
            && size.items.size() <= Tensor.MOST_DIMENSIONS
            && offset.value() >= 0) {
          return new View(storage, offset.value(), sizes(size), sizes(stride));
        }
      }
      case REBUILD_PARAMETER -> {
        // data, requires_grad, backward_hooks
        if (count == 3 && arguments.get(0) instanceof View view) {
          return view;
        }
      }
    }
    throw wrong("the arguments of " + function, count + " others", CheckpointException.DAMAGED);
  }

  private long[] sizes(Tuple tuple) {
    long[] sizes = new long[tuple.items.size()];
    for (int i = 0; i < sizes.length; i++) {
      if (!(tuple.items.get(i) instanceof Whole size) || size.value() < 0) {
        throw wrong(
            "sizes and strides of 0 or more",
            tuple.items.get(i) instanceof Whole size
                ? String.valueOf(size.value())
                : kind(tuple.items.get(i)),
            CheckpointException.DAMAGED);
      }
      sizes[i] = size.value();
    }
    return sizes;
  }

  /** A state dict's {@code _metadata} is set as an attribute of its OrderedDict: dropped. */
  private void build() {
    Pickled state = pop();
    if (!(top() instanceof Dict dict && dict.ordered && state instanceof Dict)) {
      throw wrong("attributes of an ordered dict", kind(state) + " for " + kind(top()), CONVERT);
    }
  }

  private static String kind(Pickled value) {
    return "a " + value.getClass().getSimpleName().toLowerCase(Locale.ROOT);
  }

  private CheckpointException wrong(String expected, String found, String advice) {
    return CheckpointException.of(expected, found + where(), file, advice);
  }

  private CheckpointException wrong(String expected, String found, String advice, Exception cause) {
    return CheckpointException.of(expected, found + where(), file, advice, cause);
  }

  private String where() {
    return " at byte " + at + " of data.pkl";
  }
}
