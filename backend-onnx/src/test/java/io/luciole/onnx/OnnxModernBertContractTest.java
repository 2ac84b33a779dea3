package io.luciole.onnx;

/**
 * The backend onnx passes the contract with rotary positions, windows, gates and norms that come
 * first.
 */
class OnnxModernBertContractTest extends OnnxTinyContract {
  OnnxModernBertContractTest() {
    super("modernbert");
  }
}
