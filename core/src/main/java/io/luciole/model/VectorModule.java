package io.luciole.model;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.Sha256;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A step from the pooled vector to the dense vector, as sentence-transformers' modules of these
 * names have it. Immutable and safe for use by many threads. Sums are made in double precision.
 */
public sealed interface VectorModule {
  /**
   * Applies the step.
   *
   * @param vector a vector of the components that {@link #outputs} accepts; not changed
   * @return the result
   */
  float[] apply(float[] vector);

  /**
   * The number of components of the result.
   *
   * @param inputs the number of components of what it is applied to
   * @return the number
   * @throws ModelException if it cannot be applied to so many
   */
  int outputs(int inputs);

  /** {@return what it is, in a few characters without blanks: equal for equal steps alone} */
  String id();

  /** An activation behind a {@link Dense} layer. */
  enum Activation {
    /** {@code x}. */
    IDENTITY,
    /** {@code tanh(x)}. */
    TANH,
    /** {@code max(0, x)}. */
    RELU,
    /** {@code 1 / (1 + e^-x)}. */
    SIGMOID,
    /** {@code x / (1 + e^-x)}. */
    SILU;

    private double of(double x) {
      return switch (this) {
        case IDENTITY -> x;
        case TANH -> Math.tanh(x);
        case RELU -> Math.max(0, x);
        case SIGMOID -> 1 / (1 + Math.exp(-x));
        case SILU -> x / (1 + Math.exp(-x));
      };
    }
  }

  /** {@code activation(W·x + b)}, and where there is a residual, {@code x} or {@code R·x} more. */
  final class Dense implements VectorModule {
    private final String place;
    private final int inputs;
    private final int outputs;
    private final float[] weight;
    private final float[] bias;
    private final Activation activation;
    private final boolean addsInput;
    private final float @Nullable [] residual;
    private final String id;

    /**
     * Creates a layer. The arrays are not copied and must not change any more.
     *
     * @param place where its files are, for messages
     * @param weight {@code W}, {@code [outputs, inputs]}, row by row
     * @param bias {@code b}, {@code [outputs]}
     * @param activation what is applied to each component
     * @param addsInput whether the input is added to the result
     * @param residual {@code R}, {@code [outputs, inputs]}, by which it is multiplied before; null
     *     if it is not
     */
    Dense(
        String place,
        float[] weight,
        float[] bias,
        Activation activation,
        boolean addsInput,
        float @Nullable [] residual) {
      this.place = place;
      this.outputs = bias.length;
      this.inputs = weight.length / outputs;
      this.weight = weight;
      this.bias = bias;
      this.activation = activation;
      this.addsInput = addsInput;
      this.residual = residual;
      this.id =
          "dense:"
              + outputs
              + ':'
              + activation
              + (addsInput ? ":residual:" : ":")
              + digest(weight, bias, residual == null ? new float[0] : residual);
    }

    @Override
    public float[] apply(float[] vector) {
      float[] result = new float[outputs];
      for (int row = 0; row < outputs; row++) {
        double value = activation.of(bias[row] + dot(weight, row, vector));
        if (addsInput) {
          value += residual == null ? vector[row] : dot(residual, row, vector);
        }
        result[row] = (float) value;
      }
      return result;
    }

    private static double dot(float[] rows, int row, float[] vector) {
      int at = row * vector.length;
      double even = 0;
      double odd = 0;
      int last = vector.length - 1;
      for (int i = 0; i < last; i += 2) {
        even += (double) rows[at + i] * vector[i];
        odd += (double) rows[at + i + 1] * vector[i + 1];
      }
      return even + odd + (vector.length % 2 == 0 ? 0 : (double) rows[at + last] * vector[last]);
    }

    @Override
    public int outputs(int given) {
      requireInputs("Dense", place, inputs, given);
      return outputs;
    }

    @Override
    public String id() {
      return id;
    }
  }

  /** {@code (x - mean) / sqrt(variance + 1e-5) · scale + shift}. */
  final class LayerNorm implements VectorModule {
    private static final double EPSILON = 1e-5;

    private final String place;
    private final float[] scale;
    private final float[] shift;

    /**
     * Creates a layer over arrays of equal length, which must not change any more.
     *
     * @param place where its files are, for messages
     */
    LayerNorm(String place, float[] scale, float[] shift) {
      this.place = place;
      this.scale = scale;
      this.shift = shift;
    }

    @Override
    public float[] apply(float[] vector) {
      double sum = 0;
      for (float value : vector) {
        sum += value;
      }
      double mean = sum / vector.length;
      double squares = 0;
      for (float value : vector) {
        squares += (value - mean) * (value - mean);
      }
      double factor = 1 / Math.sqrt(squares / vector.length + EPSILON);
      float[] result = new float[vector.length];
      for (int i = 0; i < result.length; i++) {
        result[i] = (float) ((vector[i] - mean) * factor * scale[i] + shift[i]);
      }
      return result;
    }

    @Override
    public int outputs(int given) {
      requireInputs("LayerNorm", place, scale.length, given);
      return given;
    }

    @Override
    public String id() {
      return "layernorm:" + digest(scale, shift);
    }
  }

  /** {@code x / max(‖x‖₂, 1e-12)}. */
  record Normalize() implements VectorModule {
    private static final double MIN_NORM = 1e-12;

    @Override
    public float[] apply(float[] vector) {
      double squares = 0;
      for (float value : vector) {
        squares += (double) value * value;
      }
      double factor = 1 / Math.max(Math.sqrt(squares), MIN_NORM);
      float[] result = new float[vector.length];
      for (int i = 0; i < result.length; i++) {
        result[i] = (float) (vector[i] * factor);
      }
      return result;
    }

    @Override
    public int outputs(int given) {
      return given;
    }

    @Override
    public String id() {
      return "normalize";
    }
  }

  private static void requireInputs(String name, String place, int expected, int given) {
    if (expected != given) {
      throw new ModelException(
          "Expected vectors of "
              + expected
              + " components for the module "
              + name
              + " in "
              + place
              + ", found that what comes before it gives "
              + given
              + '.');
    }
  }

  private static String digest(float[]... arrays) {
    MessageDigest digest = Sha256.start();
    for (float[] array : arrays) {
      ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * array.length);
      bytes.asFloatBuffer().put(array);
      digest.update(requireNonNull(bytes.array()));
    }
    return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
  }
}
