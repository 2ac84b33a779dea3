package io.luciole.onnx;

/** The backend onnx passes the contract with scores with a bias by distance. */
class OnnxMpNetContractTest extends OnnxTinyContract {
  OnnxMpNetContractTest() {
    super("mpnet");
  }
}
