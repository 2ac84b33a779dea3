package io.luciole.model;

import static java.util.Objects.requireNonNull;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import io.luciole.Role;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns texts into token ids with Hugging Face's tokenizers library, which DJL binds to Java.
 *
 * <p>A text that is longer than the model's limit keeps its first tokens and the special tokens at
 * its end, as Hugging Face truncates. Only as much of a very long text is read as decides those
 * tokens, so a text of many megabytes costs no more than one of the limit's length. Characters
 * beyond the first million are never read. If those first ones have fewer tokens than the limit, as
 * a million blanks have, the rest is cut off all the same.
 *
 * <p>Safe for use by many threads.
 */
public final class TextTokenizer implements AutoCloseable {
  /** A first guess at how many characters of a long text decide one token. */
  private static final int CHARS_PER_TOKEN = 16;

  /**
   * The largest number of characters that are read; each takes about 200 bytes of native memory.
   */
  static final int MAX_CHARS = 1 << 20;

  /** How many tokens before a cut are not used, since they can differ from the whole text's. */
  private static final int CUT_MARGIN = 128;

  private final NativeTokenizer tokenizer;

  /**
   * The number of calls in progress, plus one while the tokenizer is open. Whoever brings it to 0
   * frees the native memory.
   */
  private final AtomicInteger users = new AtomicInteger(1);

  private final AtomicBoolean closed = new AtomicBoolean();
  private final String queryPrompt;
  private final String passagePrompt;
  private final boolean lowerCase;
  private final int maxTokens;
  private final int leadingSpecials;
  private final int trailingSpecials;
  private final int[] framed;
  private final int unpooledOfQuery;
  private final int unpooledOfPassage;
  private final Path file;

  /** One more than the largest token id, or 0 until it is first needed. */
  private volatile int vocabulary;

  private TextTokenizer(NativeTokenizer tokenizer, Path file, ModelDescription description) {
    this.tokenizer = tokenizer;
    this.file = file;
    this.queryPrompt = description.prompt(Role.QUERY);
    this.passagePrompt = description.prompt(Role.PASSAGE);
    this.lowerCase = description.lowerCase();
    this.maxTokens = description.maxTokens();
    String sample = "a";
    long[] special = tokenizer.specialTokenMask(sample);
    this.framed = toInts(tokenizer.ids(sample), special.length);
    int leading = 0;
    while (leading < special.length && special[leading] == 1) {
      leading++;
    }
    int trailing = 0;
    while (trailing < special.length - leading && special[special.length - 1 - trailing] == 1) {
      trailing++;
    }
    this.leadingSpecials = leading;
    this.trailingSpecials = trailing;
    TokenPooling pooling = description.pooling();
    boolean leavesOut = pooling != null && !pooling.includePrompt();
    this.unpooledOfQuery = leavesOut ? promptLength(queryPrompt) : 0;
    this.unpooledOfPassage = leavesOut ? promptLength(passagePrompt) : 0;
  }

  /** As sentence-transformers counts: with the special tokens before it, without that behind it. */
  private int promptLength(String prompt) {
    int length = prompt.isEmpty() ? 0 : encode(wellFormed(prompt)).length;
    return Math.max(0, length - Math.min(1, trailingSpecials));
  }

  /**
   * Opens the tokenizer of a model.
   *
   * @param model the model's files
   * @return a tokenizer; close it after use
   * @throws ModelException if {@code tokenizer.json} cannot be read, or the native library cannot
   *     be loaded
   */
  public static TextTokenizer open(ModelFiles model) {
    requireNonNull(model, "model");
    Path file = model.tokenizer();
    NativeTokenizer tokenizer;
    try {
      tokenizer = NativeTokenizer.open(file);
    } catch (ModelException e) {
      throw e;
    } catch (IOException | RuntimeException | LinkageError e) {
      throw new ModelException("Cannot read the tokenizer " + file + ": " + e.getMessage(), e);
    }
    TextTokenizer opened = new TextTokenizer(tokenizer, file, model.description());
    int specials = opened.leadingSpecials + opened.trailingSpecials;
    if (specials >= opened.maxTokens) {
      opened.close();
      throw new ModelException(
          "Expected room for text within "
              + opened.maxTokens
              + " tokens, found that "
              + file
              + " adds "
              + specials
              + " special ones");
    }
    return opened;
  }

  /**
   * Tokenises a text with its role's prompt before it. Lone surrogates become U+FFFD.
   *
   * @param text the text, of any length
   * @param role its role, which decides the prompt
   * @return the token ids, special ones included, cut off at the model's limit
   * @throws IllegalStateException if the tokenizer is closed
   */
  public TokenizedText tokenize(String text, Role role) {
    requireNonNull(text, "text");
    String prompt = prompt(role);
    int unpooled = role == Role.QUERY ? unpooledOfQuery : unpooledOfPassage;
    String whole = wellFormed(prompt.isEmpty() ? text : prompt + text);
    long guess = (long) CHARS_PER_TOKEN * (maxTokens + CUT_MARGIN);
    long largest = Math.max(guess, MAX_CHARS);
    while (guess < whole.length()) {
      int end = behindRun(whole, wholeCharacters(whole, (int) guess), (int) largest);
      if (end == whole.length()) {
        break;
      }
      long[] ids = encode(whole.substring(0, end));
      if (ids.length >= maxTokens + CUT_MARGIN || guess == largest) {
        return new TokenizedText(
            ids.length > maxTokens ? truncate(ids) : toInts(ids, ids.length), true, unpooled);
      }
      guess = Math.min(2 * guess, largest);
    }
    long[] ids = encode(whole);
    return ids.length > maxTokens
        ? new TokenizedText(truncate(ids), true, unpooled)
        : new TokenizedText(toInts(ids, ids.length), false, unpooled);
  }

  /**
   * Adds the special tokens to ids of this tokenizer where they are missing, and cuts off what is
   * longer than the model's limit. The tokens before a text and those behind it are added each by
   * themselves: all of a side, unless all of them are there.
   *
   * @param ids token ids with or without the special tokens before and behind them; copied
   * @return the ids with the special tokens
   * @throws IllegalArgumentException if an id is not one of this tokenizer's
   */
  public TokenizedText frame(int[] ids) {
    requireNonNull(ids, "ids");
    requireKnown(ids);
    int from = has(ids, 0, 0, leadingSpecials) ? leadingSpecials : 0;
    int end = ids.length - trailingSpecials;
    int to =
        end >= from && has(ids, end, framed.length - trailingSpecials, trailingSpecials)
            ? end
            : ids.length;
    int inner = to - from;
    int kept = Math.min(inner, maxTokens - leadingSpecials - trailingSpecials);
    int[] all = new int[leadingSpecials + kept + trailingSpecials];
    System.arraycopy(framed, 0, all, 0, leadingSpecials);
    System.arraycopy(ids, from, all, leadingSpecials, kept);
    System.arraycopy(
        framed, framed.length - trailingSpecials, all, leadingSpecials + kept, trailingSpecials);
    return new TokenizedText(all, kept < inner);
  }

  private void requireKnown(int[] ids) {
    int size = vocabulary();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= size) {
        throw new IllegalArgumentException(
            "expected token ids from 0 to " + (size - 1) + ", got " + ids[i] + " at index " + i);
      }
    }
  }

  /** Whether some of the special tokens stand at a place of ids. */
  private boolean has(int[] ids, int at, int framedAt, int length) {
    return at + length <= ids.length
        && Arrays.equals(ids, at, at + length, framed, framedAt, framedAt + length);
  }

  private int vocabulary() {
    int known = vocabulary;
    if (known == 0) {
      known = VocabularySize.read(file);
      vocabulary = known;
    }
    return known;
  }

  /** The largest number of tokens in a text, special ones and the prompt included. */
  int maxTokens() {
    return maxTokens;
  }

  /**
   * Counts the tokens of a text, even beyond the model's limit. Reads the text to its end: a text
   * of megabytes takes seconds.
   *
   * @param text the text
   * @param role its role, which decides the prompt
   * @return the number of tokens, special ones and the prompt included
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int count(String text, Role role) {
    return encode(wellFormed(prompt(role) + text)).length;
  }

  /**
   * The positions at which the tokens of a text start, in {@code char}s and ascending, without the
   * special tokens. Several tokens start at one position if a character is normalised to several.
   *
   * @param text well-formed UTF-16
   */
  int[] starts(String text) {
    CharSpan[] spans = read(text, tokenizer::spans);
    int[] places = LowerCase.places(text, lowerCase);
    int[] starts = new int[spans.length];
    int count = 0;
    for (@Nullable CharSpan span : spans) {
      // Null for a special token.
      if (span != null) {
        starts[count++] = places[span.getStart()];
      }
    }
    return Arrays.copyOf(starts, count);
  }

  /**
   * All tokens of a text with its role's prompt before it, even beyond the model's limit. Reads the
   * text to its end: a text of megabytes takes seconds, and about 200 bytes of native memory for
   * each character. Lone surrogates become U+FFFD.
   *
   * @param text the text
   * @param role its role, which decides the prompt
   * @return the tokens, special ones included; their places are in the prompt followed by the text
   * @throws IllegalStateException if the tokenizer is closed
   */
  public List<TextToken> tokens(String text, Role role) {
    String whole = wellFormed(prompt(role) + text);
    int[] places = LowerCase.places(whole, lowerCase);
    return read(whole, cased -> tokenizer.tokens(cased, whole, places));
  }

  private String prompt(Role role) {
    return role == Role.QUERY ? queryPrompt : passagePrompt;
  }

  /**
   * The string of a token, for showing it to people. Different ids may have the same string.
   *
   * @param tokenId the token's id
   * @return its string, which may be empty
   * @throws IllegalStateException if the tokenizer is closed
   */
  public String decode(int tokenId) {
    return decodeKnown(new long[] {tokenId}, false);
  }

  /**
   * The text of token ids, as near to the one they were made of as the tokenizer allows.
   *
   * @param ids the token ids
   * @param skipSpecials whether special tokens are left out
   * @return the text
   * @throws IllegalArgumentException if an id is not one of this tokenizer's
   * @throws IllegalStateException if the tokenizer is closed
   */
  public String decode(int[] ids, boolean skipSpecials) {
    requireKnown(ids);
    return decodeKnown(Arrays.stream(ids).asLongStream().toArray(), skipSpecials);
  }

  private String decodeKnown(long[] ids, boolean skipSpecials) {
    enter();
    try {
      return tokenizer.decode(ids, skipSpecials);
    } finally {
      leave();
    }
  }

  /** The text with each lone surrogate replaced, as the native code requires. */
  static String wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        return text.codePoints()
            .map(p -> p >= Character.MIN_SURROGATE && p <= Character.MAX_SURROGATE ? 0xFFFD : p)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
      }
    }
    return text;
  }

  /** The position at or before {@code end} at which a cut splits no surrogate pair. */
  static int wholeCharacters(String text, int end) {
    return Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end;
  }

  /**
   * The position at or behind {@code end} at which a cut leaves the tokens far before it as they
   * are. Within a run of one character all orders of its pieces are equally likely, so that each of
   * its tokens depends on the length of the whole run, and on what follows.
   *
   * @param largest the most characters to read
   */
  static int behindRun(String text, int end, int largest) {
    int most = wholeCharacters(text, Math.min(text.length(), largest));
    int at = Math.min(end, most);
    while (at < most && text.codePointBefore(at) == text.codePointAt(at)) {
      int c = text.codePointAt(at);
      while (at < most && text.codePointAt(at) == c) {
        at += Character.charCount(c);
      }
      at = wholeCharacters(text, Math.min(most, at + CUT_MARGIN));
    }
    return at;
  }

  private int[] truncate(long[] ids) {
    int[] kept = toInts(ids, maxTokens);
    for (int i = 1; i <= trailingSpecials; i++) {
      kept[maxTokens - i] = (int) ids[ids.length - i];
    }
    return kept;
  }

  private static int[] toInts(long[] ids, int length) {
    int[] ints = new int[length];
    for (int i = 0; i < length; i++) {
      ints[i] = (int) ids[i];
    }
    return ints;
  }

  private long[] encode(String text) {
    return read(text, tokenizer::ids);
  }

  /** Reads a text as the model has it, in lower case if it asks for that. */
  private <T> T read(String text, Function<String, T> part) {
    enter();
    try {
      return part.apply(lowerCase ? LowerCase.of(text) : text);
    } finally {
      leave();
    }
  }

  private void enter() {
    users.incrementAndGet();
    if (closed.get()) {
      leave();
      throw new IllegalStateException("this tokenizer is closed, with its engine if it is one's");
    }
  }

  private void leave() {
    if (users.decrementAndGet() == 0) {
      tokenizer.close();
    }
  }

  /**
   * Closes the tokenizer. The native memory is freed when the calls in progress have returned; this
   * method does not wait for them. Later calls throw {@link IllegalStateException}. Closing twice
   * does nothing.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      leave();
    }
  }
}
