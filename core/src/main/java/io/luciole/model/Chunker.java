package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.Role;
import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Cuts texts into chunks that fit a model: tokenised alone, with its role's prompt and the special
 * tokens, a chunk has at most a given number of tokens.
 *
 * <p>A chunk ends at the end of a sentence or a paragraph, if one ends in the second half of what
 * fits; else after a blank between words; else between two tokens, never inside a surrogate pair.
 * If chunks overlap, each begins with whole sentences of the previous one, or with words if the
 * last sentence is longer than the overlap. Sentences are those of {@link
 * BreakIterator#getSentenceInstance} in the root locale, which knows the full stops of most
 * scripts, and takes "Mr." for the end of a sentence.
 *
 * <p>A text that fits is exactly one chunk. In longer texts the blanks around chunks belong to no
 * chunk, and every other character to at least one. A single character with more tokens than fit is
 * a chunk of its own, which the model truncates. No chunk has more than a million characters.
 *
 * <p>Immutable and safe for use by many threads, as long as the tokenizer is open.
 */
public final class Chunker {
  /**
   * A piece of a text.
   *
   * @param start the position at which it starts in the text, in {@code char}s
   * @param end the position at which it ends, exclusive
   * @param tokens the number of its tokens when it is tokenised alone, special ones and the prompt
   *     included
   */
  public record Chunk(int start, int end, int tokens) {
    /**
     * Cuts this piece out of its text.
     *
     * @param text the text that was chunked
     * @return the piece
     */
    public String of(String text) {
      return text.substring(start, end);
    }
  }

  /** The characters of a token, as a first guess. */
  private static final double USUAL_CHARS_PER_TOKEN = 5;

  /** Tokens near the end of what is read can differ from those of the whole text. */
  private static final int READ_MARGIN = 16;

  private final TextTokenizer tokenizer;
  private final Role role;
  private final int maxTokens;
  private final int overlapTokens;
  private final int room;

  /**
   * Creates a chunker for texts of one role.
   *
   * @param tokenizer the model's tokenizer, which the caller closes
   * @param role the role whose prompt is put before each chunk
   * @param maxTokens the largest number of tokens in a chunk, special ones and the prompt included
   * @param overlapTokens the largest number of tokens that a chunk repeats of the previous one; 0
   *     for no overlap
   * @throws IllegalArgumentException if the limit is above the model's or leaves no room for text,
   *     or the overlap is negative or more than half of that room
   */
  public Chunker(TextTokenizer tokenizer, Role role, int maxTokens, int overlapTokens) {
    this.tokenizer = requireNonNull(tokenizer, "tokenizer");
    this.role = requireNonNull(role, "role");
    this.maxTokens = maxTokens;
    this.overlapTokens = overlapTokens;
    int around = tokenizer.count("", role);
    this.room = maxTokens - around;
    if (room < 1 || maxTokens > tokenizer.maxTokens()) {
      throw new IllegalArgumentException(
          "expected chunks of "
              + (around + 1)
              + " to "
              + tokenizer.maxTokens()
              + " tokens, of which "
              + around
              + " are special ones and the prompt, got "
              + maxTokens);
    }
    if (overlapTokens < 0 || overlapTokens > room / 2) {
      throw new IllegalArgumentException(
          "expected an overlap of 0 to " + room / 2 + " tokens, got " + overlapTokens);
    }
  }

  /**
   * Counts the tokens of a text, even beyond the limit of a chunk, as {@link TextTokenizer#count}
   * does for this chunker's role.
   *
   * @param text the text
   * @return the number of its tokens, special ones and the prompt included
   */
  public int count(String text) {
    return tokenizer.count(text, role);
  }

  /**
   * Cuts a text into chunks.
   *
   * @param text the text
   * @return all chunks in order, at least one
   */
  public List<Chunk> chunks(String text) {
    List<Chunk> all = new ArrayList<>();
    iterator(text).forEachRemaining(all::add);
    return all;
  }

  /**
   * Cuts a text into chunks one by one, each when it is asked for. The memory depends on the
   * largest number of tokens, not on the length of the text.
   *
   * @param text the text
   * @return the chunks in order, at least one; not for use by several threads
   */
  public Iterator<Chunk> iterator(String text) {
    return new Chunks(TextTokenizer.wellFormed(requireNonNull(text, "text")));
  }

  private final class Chunks implements Iterator<Chunk> {
    private final String text;
    private double charsPerToken = USUAL_CHARS_PER_TOKEN;
    private int from;

    /** Where the last chunk ended; the next must end after it. */
    private int covered;

    private boolean started;

    Chunks(String text) {
      this.text = text;
    }

    @Override
    public boolean hasNext() {
      return !started || covered < text.length();
    }

    @Override
    public Chunk next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Chunk found = started ? cut() : whole();
      started = true;
      return found;
    }

    private Chunk whole() {
      Window all = read(0);
      if (all.end == text.length()) {
        int tokens = tokenizer.count(text, role);
        if (tokens <= maxTokens) {
          covered = text.length();
          return new Chunk(0, text.length(), tokens);
        }
      }
      from = skipBlanks(0);
      return cut();
    }

    private Chunk cut() {
      Cut cut = cutFrom(from);
      if (cut.to <= covered) {
        // The overlap leaves no room for anything new.
        cut = cutFrom(skipBlanks(covered));
      }
      covered = Math.max(covered, skipBlanks(cut.to));
      from = covered < text.length() ? skipBlanks(cut.window.overlapStart(cut.to)) : covered;
      return cut.chunk;
    }

    private Cut cutFrom(int start) {
      Window window = read(start);
      int fitting = room;
      int to = window.cut(fitting, covered);
      int end = withoutBlanks(start, to);
      int tokens = tokenizer.count(text.substring(start, end), role);
      while (tokens > maxTokens && to > window.least()) {
        // Alone, a piece may have other tokens than within its text.
        fitting = Math.max(1, Math.min(fitting, window.count(to)) - (tokens - maxTokens));
        to = Math.min(to - 1, window.cut(fitting, start));
        to = Math.max(window.least(), TextTokenizer.wholeCharacters(text, to));
        end = withoutBlanks(start, to);
        tokens = tokenizer.count(text.substring(start, end), role);
      }
      return new Cut(window, to, new Chunk(start, end, tokens));
    }

    /** Reads on from a place, far enough to know how much fits. */
    private Window read(int start) {
      double guess =
          Math.clamp(
              1.25 * charsPerToken * (room + READ_MARGIN), 64, (double) TextTokenizer.MAX_CHARS);
      while (true) {
        int end = (int) Math.min(text.length(), start + guess);
        if (end < text.length()) {
          end = TextTokenizer.wholeCharacters(text, end);
        }
        int[] starts = tokenizer.starts(text.substring(start, end));
        if (end == text.length()
            || starts.length >= room + READ_MARGIN
            || end - start >= TextTokenizer.MAX_CHARS - 1) {
          if (starts.length > 0) {
            charsPerToken = Math.max(0.5, (double) (end - start) / starts.length);
          }
          return new Window(text, start, end, starts);
        }
        guess = Math.min(2 * guess, TextTokenizer.MAX_CHARS);
      }
    }

    private int skipBlanks(int at) {
      int i = at;
      while (i < text.length() && Character.isWhitespace(text.charAt(i))) {
        i++;
      }
      return i;
    }

    private int withoutBlanks(int start, int end) {
      int i = end;
      while (i > start + 1 && Character.isWhitespace(text.charAt(i - 1))) {
        i--;
      }
      return i;
    }
  }

  /** A chunk, what was read for it, and where the text goes on behind it. */
  private record Cut(Window window, int to, Chunk chunk) {}

  /** What was read of a text: {@code text[start, end)}, with where its tokens start in it. */
  private final class Window {
    private final String text;
    private final int start;
    private final int end;
    private final int[] starts;
    private @Nullable BreakIterator sentences;

    Window(String text, int start, int end, int[] starts) {
      this.text = text;
      this.start = start;
      this.end = end;
      this.starts = starts;
    }

    /** Where to cut so that a number of tokens fits; after a place, if that is possible. */
    int cut(int fitting, int after) {
      if (starts.length <= fitting) {
        return end;
      }
      int last = Math.max(least(), start + starts[fitting]);
      int first = Math.max(start + starts[fitting / 2], after);
      int sentence = lastSentence(first, last);
      if (sentence > first) {
        return sentence;
      }
      for (int i = last; i > first; i--) {
        if (Character.isWhitespace(text.charAt(i - 1))) {
          return i;
        }
      }
      return last;
    }

    /** The first place at which this can be cut: after one character. */
    int least() {
      return Math.min(end, start + Character.charCount(text.codePointAt(start)));
    }

    /** The largest start of a sentence or paragraph in {@code (first, last]}, or {@code first}. */
    private int lastSentence(int first, int last) {
      if (last == end) {
        return end;
      }
      for (int i = last; i > first; i--) {
        if (isParagraphStart(i)) {
          return Math.max(i, sentenceBefore(last));
        }
      }
      return Math.max(first, sentenceBefore(last));
    }

    /** The first start of a sentence or paragraph in {@code [first, last)}, or {@code last}. */
    private int firstSentence(int first, int last) {
      int sentence = start + sentences().following(first - 1 - start);
      for (int i = first; i < Math.min(sentence, last); i++) {
        if (isParagraphStart(i)) {
          return i;
        }
      }
      return Math.min(sentence, last);
    }

    /** The last boundary between sentences that is at most a place within what was read. */
    private int sentenceBefore(int last) {
      return start + sentences().preceding(last + 1 - start);
    }

    /** Whether an empty line ends before a place. */
    private boolean isParagraphStart(int at) {
      if (!Character.isWhitespace(text.charAt(at - 1)) || Character.isWhitespace(text.charAt(at))) {
        return false;
      }
      int lines = 0;
      for (int i = at - 1; i > start && Character.isWhitespace(text.charAt(i)); i--) {
        if (text.charAt(i) == '\n' && ++lines == 2) {
          return true;
        }
      }
      return false;
    }

    private BreakIterator sentences() {
      BreakIterator known = sentences;
      if (known == null) {
        known = BreakIterator.getSentenceInstance(Locale.ROOT);
        known.setText(text.substring(start, end));
        sentences = known;
      }
      return known;
    }

    /** Tokens before a place. */
    int count(int at) {
      int n = 0;
      while (n < starts.length && start + starts[n] < at) {
        n++;
      }
      return n;
    }

    /** Where the chunk after one that ends at a place starts. */
    int overlapStart(int to) {
      int first = start + starts[Math.max(0, count(to) - overlapTokens)];
      if (overlapTokens == 0 || first <= start || first >= to) {
        return to;
      }
      int sentence = firstSentence(first, to);
      if (sentence < to) {
        return sentence;
      }
      for (int i = first; i < to; i++) {
        if (Character.isWhitespace(text.charAt(i - 1))) {
          return i;
        }
      }
      return TextTokenizer.wholeCharacters(text, first);
    }
  }
}
