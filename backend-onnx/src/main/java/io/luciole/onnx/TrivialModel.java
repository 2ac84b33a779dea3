package io.luciole.onnx;

import java.util.Base64;

/** Identity over one float, opset 17: opened on a device to see whether the device is there. */
final class TrivialModel {
  private static final String MODEL =
      "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE=";

  private TrivialModel() {}

  static byte[] bytes() {
    return Base64.getDecoder().decode(MODEL);
  }
}
