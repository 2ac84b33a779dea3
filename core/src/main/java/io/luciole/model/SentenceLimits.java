package io.luciole.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.internal.ModelFileNames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What {@code sentence_bert_config.json}, or the same file by one of its older names, says of the
 * transformer.
 *
 * @param maxTokens the limit on a text's tokens; empty if there is none
 * @param lowerCase whether a text is put into lower case before it is tokenised
 * @param scoresPairs whether the model is a reranker, as {@code CrossEncoder} has saved it since
 *     release 6
 */
record SentenceLimits(OptionalInt maxTokens, boolean lowerCase, boolean scoresPairs) {
  private static final String LIMIT = "max_seq_length";
  private static final String LOWER_CASE = "do_lower_case";

  private static final String TASK = "transformer_task";
  private static final String OUTPUT = "module_output_name";
  private static final String MODALITIES = "modality_config";

  /**
   * What is made of a text, in the one way in which Luciole makes it.
   *
   * @param task the value of {@code transformer_task}
   * @param output that of {@code module_output_name}
   * @param modelOutput what the model itself calls it
   */
  private record Task(String task, String output, String modelOutput) {
    static final Task STATES =
        new Task("feature-extraction", "token_embeddings", "last_hidden_state");
    static final Task SCORES = new Task("sequence-classification", "scores", "logits");

    /** Texts alone: another modality can wrap texts into messages. */
    Map<String, String> ofText() {
      return Map.of("method", "forward", "method_output_name", modelOutput);
    }
  }

  /** Arguments of loading or calling; each can change the vectors. */
  private static final Set<String> ARGUMENTS =
      Set.of(
          "processing_kwargs",
          "model_args",
          "model_kwargs",
          "tokenizer_args",
          "tokenizer_kwargs",
          "processor_kwargs",
          "config_args",
          "config_kwargs");

  /** What decides where and in which precision a model is loaded, and no vector beyond rounding. */
  private static final Set<String> HARMLESS =
      Set.of(
          "add_pooling_layer",
          "attn_implementation",
          "dtype",
          "low_cpu_mem_usage",
          "torch_dtype",
          "trust_remote_code",
          "use_fast",
          "use_safetensors");

  private static final Set<String> KEYS =
      Stream.of(Set.of(LIMIT, LOWER_CASE, MODALITIES, "unpad_inputs", TASK, OUTPUT), ARGUMENTS)
          .flatMap(Set::stream)
          .collect(Collectors.toUnmodifiableSet());

  /**
   * Reads the first of the file's names that is there.
   *
   * @param folder the transformer's folder
   * @throws ModelException if it says what is not done
   */
  static SentenceLimits read(Path folder) {
    List<Path> files =
        ModelFileNames.SENTENCE_CONFIGS.stream()
            .map(folder::resolve)
            .filter(Files::isRegularFile)
            .toList();
    if (files.isEmpty()) {
      return new SentenceLimits(OptionalInt.empty(), false, false);
    }
    SettingsFile file = SettingsFile.read(files.get(0)).requireKeys(KEYS);
    boolean scoresPairs = file.text(TASK).orElse("").equals(Task.SCORES.task());
    requireTask(file, scoresPairs ? Task.SCORES : Task.STATES);
    ARGUMENTS.forEach(key -> requireHarmless(file, key));
    return new SentenceLimits(file.count(LIMIT), file.flag(LOWER_CASE, false), scoresPairs);
  }

  private static void requireTask(SettingsFile file, Task usual) {
    Map.of(TASK, usual.task(), OUTPUT, usual.output())
        .forEach((key, value) -> {
          if (!file.text(key).orElse(value).equals(value)) {
            throw refused(file, key, '"' + value + '"');
          }
        });
    JsonNode written = file.json().path(MODALITIES);
    JsonNode text = written.path("text");
    boolean fits =
        !file.has(MODALITIES)
            || (written.size() == 1
                && text.size() == usual.ofText().size()
                && usual.ofText().entrySet().stream()
                    .allMatch(
                        entry -> text.path(entry.getKey()).asText().equals(entry.getValue())));
    if (!fits) {
      throw refused(
          file,
          MODALITIES,
          "{\"text\": {\"method\": \"forward\", \"method_output_name\": \""
              + usual.modelOutput()
              + "\"}}");
    }
  }

  private static void requireHarmless(SettingsFile file, String key) {
    JsonNode arguments = file.json().path(key);
    boolean fits = !file.has(key) || arguments.isObject();
    for (Map.Entry<String, JsonNode> argument : arguments.properties()) {
      JsonNode value = argument.getValue();
      boolean empty = value.isNull() || (value.isContainerNode() && value.isEmpty());
      fits &= empty || HARMLESS.contains(argument.getKey());
    }
    if (!fits) {
      throw refused(file, key, "no arguments but " + HARMLESS.stream().sorted().toList());
    }
  }

  private static ModelException refused(SettingsFile file, String key, String expected) {
    return new ModelException(
        file.wrong(key, expected).getMessage()
            + " Luciole does not do it, and vectors without it are others than"
            + " sentence-transformers gives.");
  }
}
