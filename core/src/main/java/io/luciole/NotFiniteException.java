package io.luciole;

/**
 * The model computed NaN or infinity for a text, because of its weights or its precision. Only the
 * future of that text fails with this.
 */
public class NotFiniteException extends LucioleException {
  private static final long serialVersionUID = 1L;

  NotFiniteException(String what, double value) {
    super(
        "Expected finite values from the model, found a "
            + what
            + " with "
            + value
            + ". Try a higher precision (luciole.precision=fp32), and check the weights.");
  }
}
