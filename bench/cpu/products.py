"""Matrix products of BGE-M3's shapes, ONNX Runtime (MLAS) against PyTorch, GFLOP/s, best of 7:  taskset -c 0,1 python3 products.py [THREADS]
Tells whether a difference between the two on whole texts can come from the products."""
import sys, time
import numpy as np, onnxruntime as ort, torch
from onnx import TensorProto, helper, numpy_helper

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
torch.set_num_threads(threads)


def best(run, flops):
    run()
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return flops / min(seconds) / 1e9


def session(weight, bias):
    k, n = weight.shape
    graph = helper.make_graph(
        [helper.make_node('Gemm', ['x', 'w', 'b'], ['y'])], 'product',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, ['m', k])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, ['m', n])],
        [numpy_helper.from_array(weight, 'w'), numpy_helper.from_array(bias, 'b')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)])
    model.ir_version = 8
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])


for tokens in (32, 128, 512, 2048):
    for k, n in ((1024, 1024), (1024, 3072), (1024, 4096), (4096, 1024)):
        x, w, b = (np.random.randn(*s).astype(np.float32) for s in ((tokens, k), (k, n), (n,)))
        flops = 2 * tokens * k * n
        model = session(w, b)
        xt, wt, bt = torch.from_numpy(x), torch.from_numpy(np.ascontiguousarray(w.T)), torch.from_numpy(b)
        with torch.inference_mode():
            peer = best(lambda: torch.nn.functional.linear(xt, wt, bt), flops)
        print(f'{tokens} x {k} x {n}: ONNX Runtime {best(lambda: model.run(None, {"x": x}), flops):.0f}, PyTorch {peer:.0f} GFLOP/s', flush=True)
