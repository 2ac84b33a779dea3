package io.luciole.model;

import static java.util.Objects.requireNonNull;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.luciole.Role;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Turns texts into token ids with Hugging Face's own tokenizers library, by way of DJL.
 *
 * <p>A text longer than the model's limit keeps its first tokens and the special tokens at its end,
 * as Hugging Face truncates. Of a very long text only as much is read as decides those tokens, so a
 * text of many megabytes costs no more than one of the limit's length. What is beyond a million
 * characters is never read: where they have fewer tokens than the limit, as a million blanks or
 * unknown characters in a row have, the rest is cut off.
 *
 * <p>Safe for use by many threads. Contacts nothing: DJL's report home is switched off here.
 */
public final class TextTokenizer implements AutoCloseable {
  static {
    // DJL asks a cloud metadata service where it runs and reports home, unless told otherwise; and
    // on CUDA machines its tokenizers would download a GPU build of themselves.
    setUnlessSet("OPT_OUT_TRACKING", "true");
    setUnlessSet("RUST_FLAVOR", "cpu");
  }

  /** First guess at how much of a long text decides its first tokens, in characters a token. */
  private static final int CHARS_PER_TOKEN = 16;

  /** Characters that are read at most; native memory is some 200 bytes for each. */
  static final int MOST_CHARS = 1 << 20;

  /** Tokens near a cut can differ from those of the whole text; these many are not trusted. */
  private static final int CUT_MARGIN = 128;

  private final HuggingFaceTokenizer tokenizer;

  /**
   * Calls under way, and one for being open: native memory is given back by whoever brings it to 0.
   */
  private final AtomicInteger users = new AtomicInteger(1);

  private final AtomicBoolean closed = new AtomicBoolean();
  private final String queryPrompt;
  private final String passagePrompt;
  private final int maxTokens;
  private final int leadingSpecials;
  private final int trailingSpecials;
  private final int[] framed;
  private final Path file;

  /** One more than the greatest token id, or 0 until somebody asks. */
  private volatile int vocabulary;

  private TextTokenizer(HuggingFaceTokenizer tokenizer, Path file, ModelDescription description) {
    this.tokenizer = tokenizer;
    this.file = file;
    this.queryPrompt = description.prompt(Role.QUERY);
    this.passagePrompt = description.prompt(Role.PASSAGE);
    this.maxTokens = description.maxTokens();
    Encoding sample = tokenizer.encode("a");
    long[] special = sample.getSpecialTokenMask();
    this.framed = toInts(sample.getIds(), special.length);
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
  }

  /**
   * Opens the tokenizer of a model.
   *
   * @throws ModelException if {@code tokenizer.json} cannot be read
   */
  public static TextTokenizer open(ModelFiles model) {
    requireNonNull(model, "model");
    Path file = model.tokenizer();
    HuggingFaceTokenizer tokenizer;
    try {
      tokenizer =
          HuggingFaceTokenizer.builder()
              .optTokenizerPath(file)
              .optAddSpecialTokens(true)
              .optTruncation(false)
              .optPadding(false)
              .build();
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

  /** The token ids of a text with its role's prompt before it. Lone surrogates become U+FFFD. */
  public TokenizedText tokenize(String text, Role role) {
    requireNonNull(text, "text");
    String prompt = prompt(role);
    String whole = wellFormed(prompt.isEmpty() ? text : prompt + text);
    long guess = (long) CHARS_PER_TOKEN * (maxTokens + CUT_MARGIN);
    long most = Math.max(guess, MOST_CHARS);
    while (guess < whole.length()) {
      long[] ids = encode(whole.substring(0, wholeCharacters(whole, (int) guess)));
      if (ids.length >= maxTokens + CUT_MARGIN || guess == most) {
        return new TokenizedText(
            ids.length > maxTokens ? truncate(ids) : toInts(ids, ids.length), true);
      }
      guess = Math.min(2 * guess, most);
    }
    long[] ids = encode(whole);
    return ids.length > maxTokens
        ? new TokenizedText(truncate(ids), true)
        : new TokenizedText(toInts(ids, ids.length), false);
  }

  /**
   * Puts the special tokens around ids that this tokenizer gave, where they are missing, and cuts
   * what is longer than the model's limit.
   *
   * @throws IllegalArgumentException if an id is none of this tokenizer's
   */
  public TokenizedText frame(int[] ids) {
    requireNonNull(ids, "ids");
    int size = vocabulary();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= size) {
        throw new IllegalArgumentException(
            "expected token ids from 0 to " + (size - 1) + ", got " + ids[i] + " at index " + i);
      }
    }
    boolean whole =
        ids.length >= leadingSpecials + trailingSpecials
            && equal(ids, 0, 0, leadingSpecials)
            && equal(
                ids,
                ids.length - trailingSpecials,
                framed.length - trailingSpecials,
                trailingSpecials);
    int from = whole ? leadingSpecials : 0;
    int inner = whole ? ids.length - leadingSpecials - trailingSpecials : ids.length;
    int kept = Math.min(inner, maxTokens - leadingSpecials - trailingSpecials);
    int[] all = new int[leadingSpecials + kept + trailingSpecials];
    System.arraycopy(framed, 0, all, 0, leadingSpecials);
    System.arraycopy(ids, from, all, leadingSpecials, kept);
    System.arraycopy(
        framed, framed.length - trailingSpecials, all, leadingSpecials + kept, trailingSpecials);
    return new TokenizedText(all, kept < inner);
  }

  private boolean equal(int[] ids, int at, int framedAt, int length) {
    return Arrays.equals(ids, at, at + length, framed, framedAt, framedAt + length);
  }

  private int vocabulary() {
    int known = vocabulary;
    if (known == 0) {
      known = VocabularySize.read(file);
      vocabulary = known;
    }
    return known;
  }

  /** Most tokens of a text, special ones and the prompt included. */
  int maxTokens() {
    return maxTokens;
  }

  /**
   * How many tokens a text has, its role's prompt and the special ones included, however many the
   * model takes. Reads the text to its end: a text of megabytes takes seconds.
   */
  public int count(String text, Role role) {
    return encode(wellFormed(prompt(role) + text)).length;
  }

  /**
   * Where the tokens of a text start, in {@code char}s and ascending; special tokens around it are
   * left out. Several tokens can start at one place, where a character is normalised to many.
   *
   * @param text well-formed UTF-16
   */
  int[] starts(String text) {
    CharSpan[] spans = encoded(text, TokenizersLibrary.LIB::getTokenCharSpans);
    int[] starts = new int[spans.length];
    int count = 0;
    int chars = 0;
    int codePoints = 0;
    for (@Nullable CharSpan span : spans) {
      // Null for a special token. Spans count code points.
      if (span != null) {
        if (span.getStart() > codePoints) {
          chars = text.offsetByCodePoints(chars, span.getStart() - codePoints);
          codePoints = span.getStart();
        }
        starts[count++] = chars;
      }
    }
    return Arrays.copyOf(starts, count);
  }

  private String prompt(Role role) {
    return role == Role.QUERY ? queryPrompt : passagePrompt;
  }

  /** The string of one token id, as far as a single token has one; for showing, not for keys. */
  public String decode(int tokenId) {
    enter();
    try {
      return tokenizer.decode(new long[] {tokenId});
    } finally {
      leave();
    }
  }

  /** The text with each lone surrogate replaced, since native code takes no other strings. */
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

  /** Where to cut so that no surrogate pair is split. */
  static int wholeCharacters(String text, int end) {
    return Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end;
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

  /**
   * The ids alone. {@link HuggingFaceTokenizer#encode} would also build token strings, spans and
   * masks, one object a token.
   */
  private long[] encode(String text) {
    return encoded(text, TokenizersLibrary.LIB::getTokenIds);
  }

  /** Reads something of a text's native encoding. */
  private <T> T encoded(String text, LongFunction<T> read) {
    enter();
    try {
      TokenizersLibrary library = TokenizersLibrary.LIB;
      long encoding = library.encode(tokenizer.getHandle(), text, true);
      try {
        return read.apply(encoding);
      } finally {
        library.deleteEncoding(encoding);
      }
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

  private static void setUnlessSet(String key, String value) {
    if (System.getenv(key) == null && System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  private void leave() {
    if (users.decrementAndGet() == 0) {
      tokenizer.close();
    }
  }

  /**
   * Gives the native memory back, once calls that are under way have returned; does not wait for
   * them. Later calls throw {@link IllegalStateException}. Closing twice does nothing.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      leave();
    }
  }
}
