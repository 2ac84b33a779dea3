package io.luciole.model.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a state dict's pickle can hold, as {@link StateDictUnpickler} makes it. Containers may
 * contain themselves, since a pickle may say so: they are compared by identity and never printed.
 */
sealed interface Pickled {

  /** What stands for itself. */
  enum Constant implements Pickled {
    NONE
  }

  /** A string. */
  record Text(String value) implements Pickled {}

  /** An integer of at most 64 bits. */
  record Whole(long value) implements Pickled {}

  /** True or False. */
  record Truth(boolean value) implements Pickled {}

  /** A float, which no tensor needs. */
  record Real(double value) implements Pickled {}

  /** A tuple. */
  final class Tuple implements Pickled {
    final List<Pickled> items;

    Tuple(List<Pickled> items) {
      this.items = List.copyOf(items);
    }
  }

  /** A list. */
  final class Sequence implements Pickled {
    final List<Pickled> items = new ArrayList<>();
  }

  /**
   * A dict or an OrderedDict. Keys are kept as text: strings hash and compare without walking
   * anything, and compare in order, so that no choice of keys makes a map slow.
   */
  final class Dict implements Pickled {
    final Map<String, Pickled> items = new LinkedHashMap<>();
    final boolean ordered;

    Dict(boolean ordered) {
      this.ordered = ordered;
    }
  }

  /** The functions that a state dict calls: nothing but these can be called. */
  enum Function implements Pickled {
    ORDERED_DICT,
    REBUILD_TENSOR,
    REBUILD_PARAMETER
  }

  /** A storage class, {@code torch.FloatStorage} and its like. */
  record StorageType(DType dtype) implements Pickled {}

  /** A storage: {@code elements} of one type, in the archive's entry {@code data/KEY}. */
  record Storage(DType dtype, String key, long elements) implements Pickled {}

  /** A tensor: a view of a storage. Offset and strides count elements. */
  final class View implements Pickled {
    final Storage storage;
    final long offset;
    final long[] shape;
    final long[] strides;

    View(Storage storage, long offset, long[] shape, long[] strides) {
      this.storage = storage;
      this.offset = offset;
      this.shape = shape;
      this.strides = strides;
    }
  }
}
