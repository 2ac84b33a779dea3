package io.luciole;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.model.ModelSource;
import io.luciole.model.TokenPooling;
import io.luciole.spi.Device;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The settings of an engine; {@link EngineBuilder} sets the same in code. CONTRIBUTING.md says what
 * a new one takes.
 */
public final class EngineKeys {
  private static final String PROMPT =
      "a text; in double quotes as a string of JSON, which keeps blanks at its ends";

  /** The model. */
  public static final Key<String> MODEL =
      Key.of(
          "luciole.model",
          ValueParser.of("an alias, a folder or a hub name", text -> text),
          ModelSource.STARTER,
          "The model: `starter`, a folder with its files, or a hub name such as `BAAI/bge-m3`.");

  /** The backend's name. */
  public static final Key<Optional<String>> BACKEND =
      Key.optional(
          "luciole.backend",
          ValueParser.of("a backend's name", text -> text),
          "the first one with a usable device",
          "The backend that runs the model: `onnx` or `djl`.");

  /** The devices, different ones, at least one. */
  public static final Key<Optional<List<Device>>> DEVICE =
      Key.optional(
          "luciole.device",
          ValueParser.of(
              "a device such as cpu or cuda:0, several separated by commas",
              EngineKeys::parseDevices),
          "the backend's best device",
          "The devices that run the model; all take batches from one queue.");

  /** The arithmetic of the linear layers. */
  public static final Key<Optional<PrecisionChoice>> PRECISION =
      Key.optional(
          "luciole.precision",
          ValueParser.of(
              "auto, exact, fast, fp32, fp16, bf16, int8 or fp8", PrecisionChoice::parse),
          "auto: fp16 on CUDA devices; on CPUs int8 for models whose weights come in bytes, such as"
              + " starter, and else fp32",
          "The arithmetic of the linear layers. `exact` is fp32; `fast` is the fastest on the"
              + " device that keeps a mean cosine of 0.998 to fp32.");

  /** Threads of the backend on the CPU, at least 1. */
  public static final Key<Optional<Integer>> THREADS =
      Key.optional(
          "luciole.threads",
          ValueParser.positive(),
          "one per processor",
          "Threads that the backend uses on the CPU.");

  /** Outputs of a text that asks for none. */
  public static final Key<Optional<Set<Output>>> OUTPUTS =
      Key.optional(
          "luciole.outputs",
          ValueParser.of(
              "dense, sparse and colbert, separated by commas", EngineKeys::parseOutputs),
          "dense, and sparse if the model has it",
          "The outputs computed for a text that does not ask for particular ones.");

  /** How token states become a dense vector. */
  public static final Key<Optional<TokenPooling>> POOLING =
      Key.optional(
          "luciole.pooling",
          ValueParser.of(
              "cls, mean, lasttoken, max, weightedmean or mean_sqrt_len_tokens, or several of them"
                  + " with commas between",
              TokenPooling::parse),
          "what the model's files say",
          "How the states of a text's tokens become its dense vector; the results of several are"
              + " put end to end. Replaces what the model's files say.");

  /** Whether dense vectors have length 1. */
  public static final Key<Optional<Boolean>> NORMALIZE =
      Key.optional(
          "luciole.normalize",
          ValueParser.trueOrFalse(),
          "what the model's files say",
          "Whether dense vectors are scaled to length 1. Replaces what the model's files say.");

  /** Components of a dense vector that are kept, at least 1. */
  public static final Key<Optional<Integer>> DIMENSIONS =
      Key.optional(
          "luciole.dimensions",
          ValueParser.positive(),
          "all that the model has",
          "How many components of a dense vector are kept, the first ones, for models that were"
              + " trained for it (Matryoshka). What is kept is scaled to length 1 again. Sparse and"
              + " ColBERT vectors stay as they are.");

  /** What is put before queries. */
  public static final Key<Optional<String>> QUERY_PROMPT =
      Key.optional(
          "luciole.query-prompt",
          ValueParser.of(PROMPT, EngineKeys::parsePrompt),
          "what the model's files say",
          "What is put before a query. Replaces what the model's files say.");

  /** What is put before passages. */
  public static final Key<Optional<String>> PASSAGE_PROMPT =
      Key.optional(
          "luciole.passage-prompt",
          ValueParser.of(PROMPT, EngineKeys::parsePrompt),
          "what the model's files say",
          "What is put before a passage. Replaces what the model's files say; an index is searched"
              + " only with the one that it was made with.");

  /** The name of the prompt that is put before queries. */
  public static final Key<Optional<String>> QUERY_PROMPT_NAME =
      Key.optional(
          "luciole.query-prompt-name",
          ValueParser.of("a name", text -> text),
          "query",
          "The name of the prompt for queries, of those in config_sentence_transformers.json.");

  /** The name of the prompt that is put before passages. */
  public static final Key<Optional<String>> PASSAGE_PROMPT_NAME =
      Key.optional(
          "luciole.passage-prompt-name",
          ValueParser.of("a name", text -> text),
          "document, passage or corpus",
          "The name of the prompt for passages, of those in config_sentence_transformers.json.");

  /** Most tokens of a text, at least 1. */
  public static final Key<Optional<Integer>> MAX_LENGTH =
      Key.optional(
          "luciole.max-length",
          ValueParser.positive(),
          "the model's limit",
          "The largest number of tokens of a text, special tokens included.");

  /** What becomes of longer texts. */
  public static final Key<Truncation> TRUNCATION =
      Key.of(
          "luciole.truncation",
          ValueParser.of("truncate, error or chunk", Truncation::parse),
          "truncate",
          "What happens to longer texts: the end is cut off, the text is refused, or it is"
              + " embedded in chunks whose embeddings are merged.");

  /** Most tokens of a batch, at least 1. */
  public static final Key<Optional<Integer>> TOKEN_BUDGET =
      Key.optional(
          "luciole.token-budget",
          ValueParser.positive(),
          "what was measured before, or else what the device usually takes",
          "The largest number of tokens of a batch, padding included. A longer text forms a batch"
              + " alone.");

  /** Whether to measure the token budget. */
  public static final Key<Boolean> CALIBRATE =
      Key.of(
          "luciole.calibrate",
          ValueParser.trueOrFalse(),
          "false",
          "Whether opening an engine measures the best token budget, which takes seconds, if none"
              + " is set and none was measured before.");

  /** Threads that tokenize, at least 1. */
  public static final Key<Optional<Integer>> TOKENIZER_THREADS =
      Key.optional(
          "luciole.tokenizer-threads",
          ValueParser.positive(),
          "half of the processors",
          "Threads that turn texts into tokens.");

  /** Most tokens that wait in each lane, at least 1. */
  public static final Key<Optional<Integer>> MAX_WAITING_TOKENS =
      Key.optional(
          "luciole.max-waiting-tokens",
          ValueParser.positive(),
          "by the heap, up to 4194304",
          "The largest number of tokens that may wait in each lane (interactive and bulk). A"
              + " waiting text takes about 300 bytes, and 8 more for each token. By default one"
              + " token may wait for every 128 bytes of the largest heap, and one text for every"
              + " 5120; a number that is set counts alone.");

  /** What happens beyond that. */
  public static final Key<Overload> OVERLOAD =
      Key.of(
          "luciole.overload",
          ValueParser.of("block or reject", Overload::parse),
          "block",
          "What a call does when that many tokens wait: it blocks until there is room, or it"
              + " throws.");

  /** How long a free device waits for a full batch, 0 or more. */
  public static final Key<Duration> MAX_WAIT =
      Key.of(
          "luciole.max-wait",
          ValueParser.duration(),
          "0ms",
          "How long a free device waits for a batch to fill up before it runs what there is. It also"
              + " expects callers that it has just answered, if they tend to come back, for up to half a"
              + " millisecond.");

  /** How long a batch may take. */
  public static final Key<Optional<Duration>> BATCH_TIMEOUT =
      Key.optional(
          "luciole.batch-timeout",
          ValueParser.duration(),
          "2m on an accelerator, 15m on the CPU",
          "How long a batch may take before its device counts as lost and its texts fail. Raise it"
              + " for a slow device.");

  /** How long closing an engine waits for submitted texts, 0 or more. */
  public static final Key<Duration> CLOSE_TIMEOUT =
      Key.of(
          "luciole.close-timeout",
          ValueParser.duration(),
          "1m",
          "How long closing an engine waits for texts that were submitted.");

  /** All of these, in the order in which they are shown. */
  static final List<Key<?>> ALL =
      List.of(
          MODEL,
          BACKEND,
          DEVICE,
          PRECISION,
          THREADS,
          OUTPUTS,
          POOLING,
          NORMALIZE,
          DIMENSIONS,
          QUERY_PROMPT,
          PASSAGE_PROMPT,
          QUERY_PROMPT_NAME,
          PASSAGE_PROMPT_NAME,
          MAX_LENGTH,
          TRUNCATION,
          TOKEN_BUDGET,
          CALIBRATE,
          TOKENIZER_THREADS,
          MAX_WAITING_TOKENS,
          OVERLOAD,
          MAX_WAIT,
          BATCH_TIMEOUT,
          CLOSE_TIMEOUT);

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private EngineKeys() {}

  /** Reads {@code dense,sparse}. */
  private static Set<Output> parseOutputs(String text) {
    Set<Output> outputs = EnumSet.noneOf(Output.class);
    for (String name : text.split(",", -1)) {
      outputs.add(
          Arrays.stream(Output.values())
              .filter(o -> o.id().equals(name.strip().toLowerCase(Locale.ROOT)))
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "expected outputs of dense, sparse and colbert, comma-separated, got \""
                          + text
                          + '"')));
    }
    return outputs;
  }

  /** Reads a prompt as it is, or one in quotes, such as {@code "query: "}. */
  private static String parsePrompt(String text) {
    if (!text.startsWith("\"")) {
      return text;
    }
    try {
      return JSON.readValue(text, String.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "expected " + PROMPT + ", got " + text + " (" + e.getOriginalMessage() + ')', e);
    }
  }

  /** Reads {@code cuda:0,cuda:1}. */
  static List<Device> parseDevices(String text) {
    List<Device> devices = Arrays.stream(text.split(",", -1)).map(Device::parse).toList();
    if (devices.stream().distinct().count() < devices.size()) {
      throw new IllegalArgumentException("expected different devices, got \"" + text + '"');
    }
    return devices;
  }
}
