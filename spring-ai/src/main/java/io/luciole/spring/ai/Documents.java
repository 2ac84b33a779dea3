package io.luciole.spring.ai;

import io.luciole.lucene.Hit;
import io.luciole.lucene.Metadata;
import io.luciole.lucene.SourceDocument;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.ai.document.Document;
import org.springframework.ai.document.DocumentMetadata;

/** Turns Spring AI's documents into those of an index, and hits into Spring AI's documents. */
final class Documents {
  private Documents() {}

  /**
   * @throws IllegalArgumentException if the document has no text, or metadata of a type that an
   *     index does not keep; the message names the document
   */
  static SourceDocument source(Document document) {
    String text = LucioleEmbeddingModel.textOf(document);
    try {
      return new SourceDocument(document.getId(), "", text, Metadata.of(document.getMetadata()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "The metadata of the document " + document.getId() + ": " + e.getMessage(), e);
    }
  }

  static Document found(Hit hit, double similarity) {
    Map<String, Object> metadata = new LinkedHashMap<>();
    hit.metadata().asMap().forEach((name, value) -> metadata.put(name, plain(value)));
    metadata.put(DocumentMetadata.DISTANCE.value(), 1 - similarity);
    return Document.builder()
        .id(hit.id())
        .text(hit.text())
        .metadata(metadata)
        .score(similarity)
        .build();
  }

  /** The value as Spring AI's stores give it, which keep metadata as JSON. */
  private static Object plain(Object value) {
    return switch (value) {
      case Long whole when whole.intValue() == whole -> whole.intValue();
      case BigDecimal decimal -> decimal.doubleValue();
      case BigInteger whole -> whole;
      case List<?> list -> list.stream().map(Documents::plain).toList();
      case Map<?, ?> map -> {
        Map<String, Object> plain = new LinkedHashMap<>();
        map.forEach((name, each) -> plain.put(String.valueOf(name), plain(each)));
        yield plain;
      }
      default -> value;
    };
  }
}
