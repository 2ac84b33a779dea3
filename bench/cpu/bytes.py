"""Whether ONNX Runtime adds products of bytes exactly on a processor, with weights in ±64, as Luciole's int8 has them, and in ±127:

    python3 bytes.py
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=VENV/lib/python3.X/site-packages qemu-x86_64 -cpu Haswell /usr/bin/python3.X bytes.py

The second runs the kernels of another processor (Debian's qemu-user 7.2 or later). Compares with sums in 64-bit integers. Exits with 1 if a sum of
weights in ±64 is wrong. In ±127, x86 without VNNI is wrong: two products are added in 16 bits, and saturate.
"""
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

K = N = 384


def model(weights):
    constants = [("w", weights), ("one", np.float32(1)), ("scale", np.ones(N, np.float32)), ("zero", np.uint8(128))]
    graph = helper.make_graph(
        [helper.make_node("MatMulIntegerToFloat", ["x", "w", "one", "scale", "zero"], ["y"], domain="com.microsoft")],
        "bytes",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, ["t", K])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["t", N])],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    made.ir_version = 8
    return made.SerializeToString()


wrong = {}
for most in (64, 127):
    random = np.random.default_rng(most)
    weights = random.choice([-most, most - 1, most], (K, N)).astype(np.int8)
    session = onnxruntime.InferenceSession(model(weights), providers=["CPUExecutionProvider"])
    wrong[most] = 0
    for rows in (1, 3, 17, 64):
        x = random.choice([0, 1, 254, 255], (rows, K)).astype(np.uint8)
        exact = (x.astype(np.int64) - 128) @ weights.astype(np.int64)
        wrong[most] += int((session.run(None, {"x": x})[0] != exact).sum())
    print(f"weights in ±{most}: {wrong[most]} of {85 * N} sums are wrong")
sys.exit(wrong[64] > 0)
