package io.luciole.testkit;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.Role;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model's folder in a layout that people publish, with tiny random weights, and what
 * sentence-transformers 6.0.1 makes of it in fp32; or that it has to be refused. {@code
 * src/main/python/make_layouts.py} writes these fixtures, and documents their form.
 */
public final class ModelLayout {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RESOURCES = "/layouts/";

  private final JsonNode line;
  private final JsonNode texts;

  private ModelLayout(JsonNode line, JsonNode texts) {
    this.line = line;
    this.texts = texts;
  }

  /** {@return all layouts, in the order of the table in docs/models.md} */
  public static List<ModelLayout> all() {
    try {
      JsonNode texts = JSON.readTree(read("texts.json"));
      List<ModelLayout> layouts = new ArrayList<>();
      String lines = new String(read("layouts.jsonl"), StandardCharsets.UTF_8);
      for (String line : lines.lines().toList()) {
        layouts.add(new ModelLayout(JSON.readTree(line), texts));
      }
      return layouts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] read(String name) throws IOException {
    try (InputStream in = ModelLayout.class.getResourceAsStream(RESOURCES + name)) {
      return requireNonNull(in, name).readAllBytes();
    }
  }

  /** {@return what the layout is, in a few words; unique} */
  public String name() {
    return line.path("name").asText();
  }

  /**
   * What refuses to open the layout.
   *
   * @param backend a backend's name
   * @return a part of the message, or empty if it opens
   */
  public Optional<String> refusal(String backend) {
    JsonNode refusals = line.path("refusal");
    String found = refusals.path(backend).asText(refusals.path("all").asText(""));
    return found.isEmpty() ? Optional.empty() : Optional.of(found);
  }

  /**
   * The texts that the reference has embedded.
   *
   * @param role their role
   * @return the texts
   */
  public List<String> texts(Role role) {
    List<String> found = new ArrayList<>();
    texts.path(key(role)).forEach(text -> found.add(text.asText()));
    return found;
  }

  /**
   * The reference's vectors of the texts of a role.
   *
   * @param role the role
   * @return a vector for each text
   * @throws IllegalStateException if every backend refuses the layout
   */
  public List<float[]> vectors(Role role) {
    JsonNode all = line.path("vectors").path(key(role));
    if (all.isMissingNode()) {
      throw new IllegalStateException("the layout is refused: " + name());
    }
    List<float[]> found = new ArrayList<>();
    for (JsonNode vector : all) {
      float[] values = new float[vector.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) vector.path(i).asDouble();
      }
      found.add(values);
    }
    return found;
  }

  private static String key(Role role) {
    return role == Role.QUERY ? "query" : "passage";
  }

  /**
   * Writes the files.
   *
   * @param folder an empty folder
   * @return what to open: the folder, or a folder or a file in it
   * @throws IOException if a file cannot be written
   */
  public Path writeTo(Path folder) throws IOException {
    for (Map.Entry<String, JsonNode> file : line.path("files").properties()) {
      Path path = folder.resolve(file.getKey());
      Files.createDirectories(requireNonNull(path.getParent()));
      JsonNode content = file.getValue();
      if (content.has("base")) {
        Files.write(path, read("bases/" + content.path("base").asText()));
      } else if (content.has("link")) {
        Files.createSymbolicLink(path, Path.of(content.path("link").asText()));
      } else {
        Files.write(path, JSON.writeValueAsBytes(content.path("json")));
      }
    }
    return folder.resolve(line.path("open").asText(""));
  }

  @Override
  public String toString() {
    return name();
  }
}
