package io.luciole.model;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer of Hugging Face's native library, which neither truncates nor pads. Of DJL's binding
 * it uses the native methods alone: {@code HuggingFaceTokenizer.encode} would also build strings,
 * spans and masks, one object for each token.
 *
 * <p>Safe for use by many threads. Its memory is freed by {@link #close}, or else some time after
 * it is no longer reachable; no method may be called after that or while it is closed.
 */
final class NativeTokenizer implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final long handle;
  private final Cleaner.Cleanable memory;

  private NativeTokenizer(long handle) {
    this.handle = handle;
    this.memory = CLEANER.register(this, () -> TokenizersLibrary.LIB.deleteTokenizer(handle));
  }

  /**
   * Opens a tokenizer.
   *
   * @param file a {@code tokenizer.json}
   * @throws IOException if the file cannot be read
   * @throws RuntimeException if it is no tokenizer that the native library understands
   */
  static NativeTokenizer open(Path file) throws IOException {
    TokenizersNatives.load();
    TokenizersLibrary library = TokenizersLibrary.LIB;
    NativeTokenizer tokenizer =
        new NativeTokenizer(library.createTokenizerFromString(Files.readString(file)));
    try {
      library.disableTruncation(tokenizer.handle);
      library.disablePadding(tokenizer.handle);
      return tokenizer;
    } catch (Throwable t) {
      tokenizer.close();
      throw t;
    }
  }

  /** The token ids of a text, special ones included. */
  long[] ids(String text) {
    return encoded(text, TokenizersLibrary.LIB::getTokenIds);
  }

  /** For each token of a text 1 if it is a special one and 0 if not. */
  long[] specialTokenMask(String text) {
    return encoded(text, TokenizersLibrary.LIB::getSpecialTokenMask);
  }

  /** For each token of a text where it stands, in code points; null for special ones. */
  CharSpan[] spans(String text) {
    return encoded(text, TokenizersLibrary.LIB::getTokenCharSpans);
  }

  /**
   * The tokens of a text, special ones included.
   *
   * @param read what is tokenised, well-formed UTF-16
   * @param text what it was made of, which the tokens' strings and places are in
   * @param places where each code point of {@code read} is in {@code text}, and where that ends
   */
  List<TextToken> tokens(String read, String text, int[] places) {
    return encoded(
        read,
        encoding -> {
          TokenizersLibrary library = TokenizersLibrary.LIB;
          long[] ids = library.getTokenIds(encoding);
          long[] special = library.getSpecialTokenMask(encoding);
          String[] strings = library.getTokens(encoding);
          @Nullable CharSpan[] spans = library.getTokenCharSpans(encoding);
          List<TextToken> tokens = new ArrayList<>(ids.length);
          for (int i = 0; i < ids.length; i++) {
            CharSpan span = spans[i];
            if (special[i] == 1 || span == null) {
              tokens.add(new TextToken((int) ids[i], strings[i], true, 0, 0));
            } else {
              int start = places[span.getStart()];
              int end =
                  span.getEnd() == span.getStart()
                      ? start
                      : text.offsetByCodePoints(places[span.getEnd() - 1], 1);
              tokens.add(
                  new TextToken((int) ids[i], text.substring(start, end), false, start, end));
            }
          }
          return tokens;
        });
  }

  /** The text of token ids, without special tokens if they are skipped. */
  String decode(long[] ids, boolean skipSpecials) {
    try {
      return TokenizersLibrary.LIB.decode(handle, ids, skipSpecials);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Encodes a text and reads a part of its native encoding. */
  private <T> T encoded(String text, LongFunction<T> read) {
    try {
      TokenizersLibrary library = TokenizersLibrary.LIB;
      long encoding = library.encode(handle, text, true);
      try {
        return read.apply(encoding);
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Frees the memory; at the second time does nothing. */
  @Override
  public void close() {
    memory.clean();
  }
}
