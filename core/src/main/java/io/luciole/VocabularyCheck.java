package io.luciole;

import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.TokenizedText;
import java.nio.file.Path;

/**
 * Refuses texts with token ids that a model does not have, before they reach a device.
 *
 * @param tokenizer the file that the ids come from
 * @param vocabulary the number of ids that the model has
 */
record VocabularyCheck(Path tokenizer, int vocabulary) {
  static VocabularyCheck of(ModelFiles files, int vocabulary) {
    return new VocabularyCheck(files.tokenizer(), vocabulary);
  }

  /**
   * Checks a text's ids.
   *
   * @return the text
   * @throws ModelException if the model does not have one of them
   */
  TokenizedText check(TokenizedText text) {
    for (int id : text.ids()) {
      if (id >= vocabulary) {
        throw new ModelException(
            "Expected token ids from 0 to "
                + (vocabulary - 1)
                + ", which the model has, found the id "
                + id
                + " from "
                + tokenizer
                + ". It is another model's tokenizer: copy tokenizer.json from the model's page.");
      }
    }
    return text;
  }
}
