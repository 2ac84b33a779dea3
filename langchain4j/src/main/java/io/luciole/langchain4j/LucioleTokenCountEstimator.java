package io.luciole.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.TokenCountEstimator;
import io.luciole.EmbeddingEngine;
import io.luciole.model.Chunker;
import java.util.List;

/**
 * Counts tokens as an engine's model does, exactly, even beyond the model's limit. Special tokens
 * and prompts are not counted, so that the counts of parts add up to about that of the whole.
 *
 * <p>Of messages, their texts are counted. What a chat model adds around messages, only that model
 * knows; images, audio and other content are refused.
 *
 * <p>Safe for use by many threads, as long as the engine is open.
 */
public final class LucioleTokenCountEstimator implements TokenCountEstimator {
  private final Chunker counter;
  private final int around;

  private LucioleTokenCountEstimator(Chunker counter) {
    this.counter = counter;
    this.around = counter.count("");
  }

  /**
   * Makes an estimator.
   *
   * @param engine the engine whose tokenizer counts
   * @return the estimator
   */
  public static LucioleTokenCountEstimator of(EmbeddingEngine engine) {
    return new LucioleTokenCountEstimator(engine.chunker(engine.description().maxTokens(), 0));
  }

  @Override
  public int estimateTokenCountInText(String text) {
    return counter.count(text) - around;
  }

  /**
   * Counts the tokens of a message's texts.
   *
   * @param message the message
   * @return their number
   * @throws IllegalArgumentException if the message has content that is no text
   */
  @Override
  public int estimateTokenCountInMessage(ChatMessage message) {
    return switch (message) {
      case SystemMessage system -> estimateTokenCountInText(system.text());
      case UserMessage user -> count(user.contents());
      case AiMessage ai -> count(ai);
      case ToolExecutionResultMessage result -> count(result.contents());
      default -> throw notText(message.type());
    };
  }

  private int count(AiMessage message) {
    int tokens = message.text() == null ? 0 : estimateTokenCountInText(message.text());
    for (var call : message.toolExecutionRequests()) {
      tokens += estimateTokenCountInText(call.name() + ' ' + call.arguments());
    }
    return tokens;
  }

  private int count(List<Content> contents) {
    int tokens = 0;
    for (Content content : contents) {
      if (!(content instanceof TextContent text)) {
        throw notText(content.type());
      }
      tokens += estimateTokenCountInText(text.text());
    }
    return tokens;
  }

  private static IllegalArgumentException notText(Object found) {
    return new IllegalArgumentException(
        "expected text to count the tokens of, found "
            + found
            + "; only the chat model knows what that counts");
  }

  @Override
  public int estimateTokenCountInMessages(Iterable<ChatMessage> messages) {
    int tokens = 0;
    for (ChatMessage message : messages) {
      tokens += estimateTokenCountInMessage(message);
    }
    return tokens;
  }
}
