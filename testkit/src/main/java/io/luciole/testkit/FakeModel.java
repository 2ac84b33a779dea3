package io.luciole.testkit;

import io.luciole.model.ModelSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes the folder of a model without weights, for {@link FakeBackend}. Its tokenizer makes one
 * token of each word: {@code w7} has the id {@code 7 + FIRST_WORD}, and other words have the id
 * {@link #UNKNOWN}. {@link #START} precedes a text and {@link #END} follows it. Dense vectors are
 * not normalised, so that they can be compared exactly.
 */
public final class FakeModel {
  /** The id before each text. */
  public static final int START = 0;

  /** The id after each text. */
  public static final int END = 1;

  /** The id of every word other than {@code w0} to {@code w999}. */
  public static final int UNKNOWN = 2;

  /** The id of the word {@code w0}. */
  public static final int FIRST_WORD = 3;

  /** The number of words that have ids of their own, {@code w0} to {@code w999}. */
  public static final int WORDS = 1000;

  private FakeModel() {}

  /**
   * Writes the folder.
   *
   * @param folder an existing folder
   * @param maxTokens the model's limit in tokens, special tokens included
   * @return the folder as a model source
   */
  public static ModelSource write(Path folder, int maxTokens) {
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < WORDS; i++) {
      words.append(",\"w").append(i).append("\":").append(FIRST_WORD + i);
    }
    String tokenizer =
        """
        {"version":"1.0","truncation":null,"padding":null,"normalizer":null,
         "added_tokens":[
          {"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,
           "normalized":false,"special":true},
          {"id":1,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,
           "normalized":false,"special":true}],
         "pre_tokenizer":{"type":"WhitespaceSplit"},
         "post_processor":{"type":"TemplateProcessing",
          "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
           {"SpecialToken":{"id":"</s>","type_id":0}}],
          "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
          "special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]},
           "</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}},
         "decoder":null,
         "model":{"type":"WordLevel","unk_token":"<unk>",
          "vocab":{"<s>":0,"</s>":1,"<unk>":2%s}}}
        """
            .formatted(words);
    try {
      Files.writeString(folder.resolve("tokenizer.json"), tokenizer);
      Files.writeString(
          folder.resolve("luciole.json"),
          "{\"pooling\": \"cls\", \"normalize\": false, \"maxTokens\": " + maxTokens + "}");
      Files.writeString(folder.resolve("model.onnx"), "not a model: see FakeModel");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ModelSource.path(folder);
  }
}
