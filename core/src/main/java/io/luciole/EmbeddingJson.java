package io.luciole;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.Set;

/**
 * Writes the vectors of embeddings as JSON. This is the format of the command {@code luciole embed}
 * and of the server's {@code POST /v1/m3/embeddings}, which both write through this class:
 *
 * <pre>
 * "dense":[0.1,…]                  one number a dimension, or a string of base64
 * "sparse":{"TOKEN ID":0.2,…}      the weights of the text's distinct tokens, by token id
 * "colbert":[[0.3,…],…]            one array a token, one number a dimension
 * </pre>
 *
 * <p>Numbers are the shortest decimals that read back as the same float ({@link
 * Float#toString(float)}). Base64 is that of the 32-bit floats, little-endian, as OpenAI's {@code
 * encoding_format} has it.
 */
public final class EmbeddingJson {
  private static final JsonFactory JSON = new JsonFactory();

  /** How a dense vector is written. */
  public enum DenseEncoding {
    /** An array of numbers. */
    FLOAT,
    /** A string: base64 of the 32-bit floats, little-endian. */
    BASE64
  }

  private EmbeddingJson() {}

  /**
   * One embedding as an object of its own, {@code {"tokens":N,"dense":…,"sparse":…,"colbert":…}},
   * with the vectors that it has.
   *
   * @param embedding the embedding
   * @return the object, on one line
   */
  public static String write(Embedding embedding) {
    requireNonNull(embedding, "embedding");
    StringWriter text = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(text)) {
      out.writeStartObject();
      out.writeNumberField("tokens", embedding.tokenCount());
      writeVectors(out, embedding, embedding.outputs(), DenseEncoding.FLOAT);
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // Writing to memory does not fail.
    }
    return text.toString();
  }

  /**
   * Writes the fields {@code dense}, {@code sparse} and {@code colbert}, in this order, into the
   * object that the generator has open.
   *
   * @param out where to write
   * @param embedding the embedding
   * @param outputs the fields to write, which the embedding must have
   * @param encoding how the dense vector is written
   * @throws IOException if the generator fails
   * @throws IllegalStateException if the embedding lacks one of the outputs
   */
  public static void writeVectors(
      JsonGenerator out, Embedding embedding, Set<Output> outputs, DenseEncoding encoding)
      throws IOException {
    if (outputs.contains(Output.DENSE)) {
      out.writeFieldName("dense");
      writeDense(out, embedding.dense(), encoding);
    }
    if (outputs.contains(Output.SPARSE)) {
      out.writeFieldName("sparse");
      writeSparse(out, embedding.sparse());
    }
    if (outputs.contains(Output.COLBERT)) {
      out.writeFieldName("colbert");
      writeTokenVectors(out, embedding.colbert());
    }
  }

  /**
   * Writes a dense vector as a value.
   *
   * @param out where to write
   * @param vector the vector
   * @param encoding how it is written
   * @throws IOException if the generator fails
   */
  public static void writeDense(JsonGenerator out, float[] vector, DenseEncoding encoding)
      throws IOException {
    switch (encoding) {
      case FLOAT -> writeFloats(out, vector);
      case BASE64 -> {
        ByteBuffer bytes =
            ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : vector) {
          bytes.putFloat(value);
        }
        out.writeString(Base64.getEncoder().encodeToString(bytes.array()));
      }
    }
  }

  private static void writeSparse(JsonGenerator out, SparseVector vector) throws IOException {
    out.writeStartObject();
    for (int i = 0; i < vector.size(); i++) {
      out.writeNumberField(Integer.toString(vector.id(i)), vector.weight(i));
    }
    out.writeEndObject();
  }

  /**
   * Writes token vectors as a value, an array for each token.
   *
   * @param out where to write
   * @param rows the vectors
   * @throws IOException if the generator fails
   */
  public static void writeTokenVectors(JsonGenerator out, MultiVector rows) throws IOException {
    out.writeStartArray();
    for (int i = 0; i < rows.rows(); i++) {
      writeFloats(out, rows.row(i));
    }
    out.writeEndArray();
  }

  private static void writeFloats(JsonGenerator out, float[] values) throws IOException {
    out.writeStartArray();
    for (float value : values) {
      out.writeNumber(value);
    }
    out.writeEndArray();
  }
}
