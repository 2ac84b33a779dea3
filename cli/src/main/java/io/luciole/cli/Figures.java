package io.luciole.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.luciole.internal.HubCache;
import io.luciole.internal.JsonProblem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads files of figures, whose records check themselves ({@link #require}). */
final class Figures {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** The resources, by their models' names. */
  private static final Map<String, String> KNOWN =
      Map.of(
          "BAAI/bge-m3", "figures/bge-m3.json",
          "BAAI/bge-reranker-v2-m3", "figures/bge-reranker-v2-m3.json");

  private static final Pattern MISSING =
      Pattern.compile("Missing required creator property '([^']*)'.*", Pattern.DOTALL);

  private Figures() {}

  /** The figures that come with Luciole for a model of the hub, if there are some. */
  static <T> Optional<T> of(String model, Class<T> form) {
    String name = HubCache.Reference.parse(model).map(HubCache.Reference::name).orElse(model);
    String resource = KNOWN.get(name);
    if (resource == null) {
      return Optional.empty();
    }
    try (InputStream in = Figures.class.getResourceAsStream(resource)) {
      return Optional.of(JSON.readValue(in, form));
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  /**
   * Reads figures of the user's.
   *
   * @throws CliException if the file cannot be read, or has another form
   */
  static <T> T read(Path file, Class<T> form) {
    try {
      @Nullable T figures = JSON.readValue(Files.readAllBytes(file), form);
      if (figures == null) {
        throw new CliException(wrong(file, "null"));
      }
      return figures;
    } catch (JsonProcessingException e) {
      throw new CliException(wrong(file, found(e)), e);
    } catch (IOException e) {
      throw new CliException("Cannot read " + file + ": " + Failures.message(e), e);
    }
  }

  /** What was found in place of figures. */
  private static String found(JsonProcessingException e) {
    return switch (e) {
      case UnrecognizedPropertyException unknown ->
          "the unknown field \"" + path(unknown) + '"' + JsonProblem.place(e);
      case JsonMappingException mapping
          when mapping.getCause() instanceof IllegalArgumentException ours ->
          Failures.text(ours);
      case MismatchedInputException other -> mismatch(other) + JsonProblem.place(e);
      default -> JsonProblem.of(e) + JsonProblem.place(e);
    };
  }

  private static String mismatch(MismatchedInputException e) {
    Matcher missing = MISSING.matcher(e.getOriginalMessage());
    if (missing.matches()) {
      return "no \"" + (path(e).isEmpty() ? missing.group(1) : path(e)) + '"';
    }
    String kind = kind(e.getTargetType());
    return path(e).isEmpty()
        ? "something else than " + kind
        : "something else than " + kind + " as \"" + path(e) + '"';
  }

  private static String kind(@Nullable Class<?> type) {
    if (type == null) {
      return "what belongs there";
    }
    if (type == String.class) {
      return "a string";
    }
    if (type.isPrimitive() || Number.class.isAssignableFrom(type)) {
      return "a number";
    }
    return List.class.isAssignableFrom(type) ? "a list" : "an object";
  }

  /** Where it stands, as {@code scores/dense/0}. */
  private static String path(JsonMappingException e) {
    return e.getPath().stream()
        .map(at -> at.getFieldName() == null ? String.valueOf(at.getIndex()) : at.getFieldName())
        .collect(Collectors.joining("/"));
  }

  private static String wrong(Path file, String found) {
    return "Expected figures in the form of docs/verify.md in " + file + ", found: " + found;
  }

  /**
   * Refuses figures that do not fit together.
   *
   * @throws IllegalArgumentException if the condition does not hold
   */
  static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalArgumentException(what);
    }
  }

  /** Requires a list with at least one element and none missing. */
  static void requireAll(@Nullable List<? extends @Nullable Object> list, String name) {
    require(
        list != null && !list.isEmpty(), "no " + name + ", of which there must be one at least");
    require(list == null || list.stream().allMatch(each -> each != null), "null among " + name);
  }

  /** Requires how far figures may be off. */
  static void requireTolerance(double tolerance) {
    require(
        tolerance >= 0 && Double.isFinite(tolerance),
        "the tolerance " + tolerance + ", which must be 0 or more");
  }
}
