package io.luciole.langchain4j;

import dev.langchain4j.data.segment.TextSegment;
import io.luciole.lucene.Hit;
import io.luciole.lucene.Metadata;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Translates segments and their metadata. LangChain4j's metadata are strings, UUIDs, 32-bit and
 * 64-bit numbers. Those of an index come back as strings, {@code Long} and {@code Double}, which
 * {@code Metadata.getInteger}, {@code getFloat} and {@code getUUID} read.
 */
final class Segments {
  private static final String TITLE = "title";

  private Segments() {}

  /** A segment's metadata as an index keeps them. */
  static Metadata metadata(TextSegment segment) {
    Map<String, Object> values = new HashMap<>();
    segment
        .metadata()
        .toMap()
        .forEach((key, value) -> values.put(key, value instanceof UUID id ? id.toString() : value));
    return Metadata.of(values);
  }

  /** What was found; null if it has no text. */
  static @Nullable TextSegment whole(Hit hit) {
    return segment(hit.text(), hit);
  }

  /** The passage that was found, or the whole text where texts are not cut. */
  static @Nullable TextSegment passage(Hit hit) {
    return segment(hit.passage().map(passage -> passage.text()).orElse(hit.text()), hit);
  }

  private static @Nullable TextSegment segment(String text, Hit hit) {
    if (text.isBlank()) {
      return null;
    }
    Map<String, Object> values = new HashMap<>();
    if (!hit.title().isEmpty()) {
      values.put(TITLE, hit.title());
    }
    Metadata kept = hit.metadata();
    for (String name : kept.asMap().keySet()) {
      if (!name.isBlank()) {
        kept.get(name).ifPresent(value -> values.put(name, known(kept, name, value)));
      }
    }
    return TextSegment.from(text, new dev.langchain4j.data.document.Metadata(values));
  }

  private static Object known(Metadata metadata, String name, Object value) {
    return switch (value) {
      case Long whole -> whole;
      case Number number -> number.doubleValue();
      default -> metadata.text(name).orElseThrow();
    };
  }
}
