package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.WeightFiles.pickle;
import static io.luciole.model.checkpoint.WeightFiles.storage;
import static io.luciole.model.checkpoint.WeightFiles.tensor;
import static io.luciole.model.checkpoint.WeightFiles.text;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateDictUnpicklerTest {
  private static final Path FILE = Path.of("x.bin");
  private static final String TENSOR =
      tensor(storage("0", 4), "K\0", "K\2K\2\u0086", "K\2K\1\u0086");

  private static Pickled load(byte[] pickle) {
    return StateDictUnpickler.load(ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN), FILE);
  }

  private static void assertRefused(byte[] pickle, String... parts) {
    WeightFiles.assertRefused(() -> load(pickle), "x.bin", parts);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "os\nsystem",
        "posix\nsystem",
        "builtins\neval",
        "builtins\ngetattr",
        "__builtin__\nexec",
        "subprocess\nPopen",
        "torch\nload",
        "torch\nComplexFloatStorage",
        "torch\n",
        "torch\nFloatStorage.x",
        "torch._utils\n_rebuild_sparse_tensor",
        "torch._utils\n_rebuild_device_tensor_from_numpy",
        "torch._utils\n_rebuild_tensor_v2 ",
        "collections\nOrderedDict\0",
        "collections\ndefaultdict",
        "numpy.core.multiarray\nscalar",
        "java.lang\nRuntime",
        "\n",
      })
  void global_thatIsNotAllowedIsRefusedByName(String global) {
    String name = global.replace('\n', '.').replace('\0', '?');
    for (String rest : new String[] {"", text("ls") + "\u0085R", ")\u0081", "0}"}) {
      assertRefused(
          pickle("c" + global + "\n" + rest),
          "the global '" + name + "'",
          "a pickle can run code and this reader refuses");
    }
    assertRefused(pickle("(i" + global + "\n"), "the global '" + name + "'");
  }

  @Test
  void global_ofAnyLengthMakesAShortMessage() {
    assertThatThrownBy(() -> load(pickle("c" + "x".repeat(1 << 20) + "\n\u001b[31m\n")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageMatching("(?s)[^\\x1b]{1,700}");
  }

  @Test
  void calls_reachNothingButKnownFunctions() {
    String eval = "cbuiltins\neval\n";
    String dict = "ccollections\nOrderedDict\n";
    assertRefused(pickle(dict + "(" + eval + text("1") + "\u0085Rt" + "R"), "builtins.eval");
    assertRefused(pickle(dict + ")R" + text("1") + "\u0085R"), "a call of a dict");
    assertRefused(pickle(dict + ")R)R"), "a call of a dict");
    assertRefused(pickle(text("os.system") + ")R"), "a call of a text");
    assertRefused(pickle(dict + "]R"), "with a sequence");
    assertRefused(pickle(dict + "N\u0085R"), "ORDERED_DICT");
    assertRefused(pickle("ctorch\nFloatStorage\n)R"), "a call of a storagetype");
    assertRefused(pickle("ctorch._utils\n_rebuild_parameter\n)R"), "REBUILD_PARAMETER");
    assertRefused(pickle("ctorch._utils\n_rebuild_tensor_v2\n(NK\0))NNtR"), "REBUILD_TENSOR");
    assertRefused(pickle(dict + ")\u0081"), "instruction 0x81");
    assertRefused(pickle("(" + dict + "o"), "instruction 0x6f");
    assertRefused(pickle("\u0082\1"), "instruction 0x82");
    assertRefused(pickle("\u0093"), "instruction 0x93");
    assertRefused(pickle("P0\n"), "instruction 0x50");
    assertRefused(pickle("I1\n"), "instruction 0x49");
  }

  @Test
  void build_setsNoAttributesButAnOrderedDictsOwn() {
    assertThat(load(pickle("ccollections\nOrderedDict\n)R}b"))).isInstanceOf(Pickled.Dict.class);
    assertRefused(pickle("}}b"), "attributes of an ordered dict");
    assertRefused(pickle("ccollections\nOrderedDict\n)RNb"), "attributes of an ordered dict");
    assertRefused(pickle(TENSOR + "}b"), "a dict for a view");
    assertRefused(pickle("ctorch._utils\n_rebuild_tensor_v2\n}b"), "a dict for a function");
  }

  @Test
  void persistentIds_areStoragesOnly() {
    assertThat(load(pickle(TENSOR))).isInstanceOf(Pickled.View.class);
    assertRefused(pickle(text("/etc/passwd") + "Q"), "the id of a storage");
    assertRefused(pickle("(" + text("module") + "NNNNtQ"), "the id of a storage");
    assertRefused(
        pickle(storage("0", 4).replace("K\4", "J\377\377\377\377")), "the id of a storage");
  }

  @Test
  void integers_areLittleEndianAndSignedUpTo64Bits() {
    assertThat(load(pickle("\u008a\0"))).isEqualTo(new Pickled.Whole(0));
    assertThat(load(pickle("\u008a\1\377"))).isEqualTo(new Pickled.Whole(-1));
    assertThat(load(pickle("\u008a\2\377\0"))).isEqualTo(new Pickled.Whole(255));
    assertThat(load(pickle("\u008a\10\0\0\0\0\0\0\0\200")))
        .isEqualTo(new Pickled.Whole(Long.MIN_VALUE));
    assertThat(load(pickle("M\0\200"))).isEqualTo(new Pickled.Whole(32768));
    assertThat(load(pickle("J\376\377\377\377"))).isEqualTo(new Pickled.Whole(-2));
    assertThat(load(pickle("G?\320\0\0\0\0\0\0"))).isEqualTo(new Pickled.Real(0.25));
    assertRefused(pickle("\u008a\11" + "\0".repeat(9)), "at most 64 bits");
    assertRefused(pickle("\u008b\377\377\377\177"), "2147483647 bytes");
    assertRefused(pickle("\u008b\377\377\377\377"), "4294967295 bytes");
  }

  @Test
  void lengths_beyondThePickleAreRefused() {
    assertRefused(pickle("X\377\377\377\177abc"), "a string within");
    assertRefused(pickle("X\377\377\377\377abc"), "4294967295 bytes");
    assertRefused(pickle("X\1\0\0\0\377"), "UTF-8");
    assertRefused(pickle("cos"), "the pickle to go on");
  }

  @Test
  void stack_isNeverReadBelowItsMark() {
    for (String code :
        new String[] {"0", "1", "2", "a", "e", "s", "u", "t", "R", "b", "Q", "q\0", "\u0085"}) {
      assertRefused(pickle(code));
      assertRefused(pickle("N(" + code.replace("1", "11").replace("t", "tRR")));
    }
    assertRefused(pickle("}(Nu"), "1 values");
    assertRefused(pickle("N(Na"), "values on the stack");
    assertRefused(pickle("NNa"), "a list to append to");
    assertRefused(pickle("NNNs"), "a dict and its keys");
    assertRefused(pickle("h\0"), "a value in memo 0");
    assertRefused(pickle("Nr\377\377\377\377j\376\377\377\377"), "a value in memo 4294967294");
    assertRefused(pickle(""), "1 values on the stack");
  }

  @Test
  void keys_areShortDistinctAndScalar() {
    assertRefused(pickle("}" + "]Ns"), "found a sequence");
    assertRefused(pickle("}" + ")Ns"), "found a tuple");
    assertRefused(pickle("}q\0h\0Ns"), "found a dict");
    assertRefused(pickle("}" + text("a") + "Ns" + text("a") + "Ns"), "'a' twice");
    assertRefused(pickle("}X\1\4\0\0" + "k".repeat(1025) + "Ns"), "at most 1024 characters");
  }

  @Test
  void keys_withEqualHashesAreNotSlow() {
    String pickle =
        IntStream.range(0, 1 << 16)
            .mapToObj(i ->
                text(
                    IntStream.range(0, 16)
                        .mapToObj(bit -> (i >> bit & 1) == 0 ? "Aa" : "BB")
                        .collect(Collectors.joining())))
            .collect(Collectors.joining("N", "}(", "Nu"));
    Pickled dict =
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () -> load(pickle(pickle)));
    assertThat(((Pickled.Dict) dict).items).hasSize(1 << 16);
  }

  @ParameterizedTest
  @ValueSource(strings = {"}", "]", "(", "N", "K\1", "N0", "Nq\0", "]2a", "}N\u0085"})
  void bombs_ofManyInstructionsAreRefused(String unit) {
    assertRefused(pickle("]" + unit.repeat(1_000_001)), "at most 1000000 pickle instructions");
  }

  @Test
  void nesting_ofAnyDepthIsNoRecursion() {
    Function<String, String> deep = unit -> unit.repeat(300_000);
    assertThat(load(pickle(")" + deep.apply("\u0085")))).isInstanceOf(Pickled.Tuple.class);
    assertThat(load(pickle(deep.apply("]") + "(" + deep.apply(")") + deep.apply("\u0085") + "e")))
        .isInstanceOf(Pickled.Sequence.class);
  }

  @Test
  void pickles_ofOtherProtocolsAreRefused() {
    for (int protocol : new int[] {0, 1, 3, 4, 5, 255}) {
      byte[] bytes = pickle("}");
      bytes[1] = (byte) protocol;
      assertRefused(bytes, "a pickle of protocol 2");
    }
    assertRefused(new byte[0], "the pickle to go on");
    assertRefused("(dp0\n.".getBytes(US_ASCII), "protocol 2");
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void pickle_truncatedAnywhereIsRefused() {
    byte[] whole = pickle("ccollections\nOrderedDict\n)R(" + text("a") + TENSOR + "uq\0}" + "b");
    assertThat(load(whole)).isInstanceOf(Pickled.Dict.class);
    for (int length = 0; length < whole.length; length++) {
      byte[] start = Arrays.copyOf(whole, length);
      WeightFiles.assertRefusedInTheEnd(() -> load(start), "x.bin");
    }
  }
}
