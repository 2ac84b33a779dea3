package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A compute device, written {@code cpu}, {@code cuda:0}, {@code cuda:1}; {@code cuda} alone is
 * {@code cuda:0}.
 *
 * @param type the kind of device, lower case: {@code cpu}, {@code cuda}
 * @param ordinal which device of its kind, from 0; always 0 for the CPU
 */
public record Device(String type, int ordinal) {
  private static final Pattern FORM = Pattern.compile("([a-z]+)(?::(\\d{1,4}))?");

  /** The CPU. */
  public static final Device CPU = new Device("cpu", 0);

  /**
   * Checks the components.
   *
   * @throws IllegalArgumentException if the type has other characters than lower-case letters, the
   *     ordinal is negative, or the CPU's is not 0
   */
  public Device {
    requireNonNull(type, "type");
    if (!type.matches("[a-z]+")) {
      throw new IllegalArgumentException(
          "expected a device type of lower-case letters, got \"" + type + '"');
    }
    if (ordinal < 0 || (type.equals("cpu") && ordinal != 0)) {
      throw new IllegalArgumentException("no such device: " + type + ":" + ordinal);
    }
  }

  /**
   * Reads a device's name.
   *
   * @param text a device as {@link #toString} writes it; white space around it does not count
   * @return the device
   * @throws IllegalArgumentException if the text has another form
   */
  public static Device parse(String text) {
    Matcher m = FORM.matcher(requireNonNull(text, "text").strip());
    if (!m.matches()) {
      throw new IllegalArgumentException(
          "expected a device such as cpu, cuda or cuda:1, got \"" + text + '"');
    }
    return new Device(m.group(1), m.group(2) == null ? 0 : Integer.parseInt(m.group(2)));
  }

  /** {@return whether this is an accelerator rather than the CPU} */
  public boolean isAccelerator() {
    return !type.equals("cpu");
  }

  /** The device as configuration names it: {@code cpu}, {@code cuda:0}. */
  @Override
  public String toString() {
    return isAccelerator() ? type + ":" + ordinal : type;
  }
}
