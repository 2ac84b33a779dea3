package io.luciole.model;

import io.luciole.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a model without weights whose tokenizer makes a token of each character, for tests of what
 * lies around the native tokenizer. Three a's before a b are one token, so that a piece of a text
 * can have other tokens than within it. The special tokens {@code <0>} to {@code <3>} have the ids
 * 0 to 3; whatever is none of {@link #LETTERS} has the id 4.
 */
final class LettersModel {
  static final List<String> LETTERS =
      List.of("a", "b", "i", "s", "\u0307", "\uD801\uDC28", "A", "I", "\u0130");

  private LettersModel() {}

  /** The id of one of {@link #LETTERS}. */
  static int id(String letter) {
    return 5 + LETTERS.indexOf(letter);
  }

  /**
   * Writes the files.
   *
   * @param before the ids of the special tokens before each text
   * @param behind the ids of those behind it
   */
  static ModelFiles write(Path folder, List<Integer> before, List<Integer> behind, int maxTokens)
      throws IOException {
    List<String> added = new ArrayList<>();
    List<String> specials = new ArrayList<>();
    for (int id = 0; id < 4; id++) {
      added.add(
          """
          {"id":%d,"content":"<%d>","single_word":false,"lstrip":false,"rstrip":false,
           "normalized":false,"special":true}\
          """
              .formatted(id, id));
      specials.add(
          "\"<%d>\":{\"id\":\"<%d>\",\"ids\":[%d],\"tokens\":[\"<%d>\"]}".replace("%d", "" + id));
    }
    List<String> vocabulary = new ArrayList<>(List.of("\"<unk>\":4"));
    for (String letter : LETTERS) {
      vocabulary.add("\"%s\":%d".formatted(letter, id(letter)));
    }
    List<String> template = new ArrayList<>();
    before.forEach(
        id -> template.add("{\"SpecialToken\":{\"id\":\"<%d>\",\"type_id\":0}}".formatted(id)));
    template.add("{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}");
    behind.forEach(
        id -> template.add("{\"SpecialToken\":{\"id\":\"<%d>\",\"type_id\":0}}".formatted(id)));
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version":"1.0","truncation":null,"padding":null,"normalizer":null,
         "added_tokens":[%s],
         "pre_tokenizer":{"type":"Split","pattern":{"Regex":"aaa(?=b)|."},
          "behavior":"Isolated","invert":false},
         "post_processor":{"type":"TemplateProcessing","single":[%s],
          "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
          "special_tokens":{%s}},
         "decoder":null,
         "model":{"type":"WordLevel","unk_token":"<unk>","vocab":{%s}}}
        """
            .formatted(
                String.join(",", added),
                String.join(",", template),
                String.join(",", specials),
                String.join(",", vocabulary)));
    Files.writeString(
        folder.resolve("luciole.json"),
        "{\"pooling\": \"cls\", \"maxTokens\": %d}".formatted(maxTokens));
    Files.writeString(folder.resolve("model.onnx"), "");
    return ModelSource.path(folder).resolve();
  }

  /** Writes the files of a model that reads texts in lower case, with a prompt for queries. */
  static ModelFiles writeLowerCase(Path folder, String queryPrompt) throws IOException {
    Files.writeString(
        folder.resolve("sentence_bert_config.json"),
        "{\"max_seq_length\": 64, \"do_lower_case\": true}");
    return write(folder, List.of(0), List.of(1), 64).withPrompt(Role.QUERY, queryPrompt);
  }
}
