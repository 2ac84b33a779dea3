"""Makes a tiny BERT as ONNX exports that ONNX Runtime quantised in three ways, exports that must be refused, and what they stand for:

    python3 make_fixtures.py [FOLDER]

u8.onnx              weights unsigned, one scale and zero point a matrix
s8-channel.onnx      weights signed, a scale an output
s8-reduced.onnx      weights signed and in 7 bits (reduce_range), a scale an output: exact on every processor
NAME.safetensors     NAME's weights, dequantised as ONNX's DequantizeLinear has it, scale * (q - zero), under the checkpoint's names
expected.jsonl       token ids, and for each NAME the normalised vectors (cls, mean) of those weights in double precision
fp32, dense, pooled  not quantised; a Dense behind the states; vectors of texts and not of tokens

Made with torch 2.13.0, transformers 5.18.0, onnx 1.23.1, onnxruntime 1.30.0.
"""
import json
import os
import sys
import tempfile

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import save_file
from transformers import BertConfig, BertModel

CONFIG = dict(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=24,
              type_vocab_size=2, layer_norm_eps=1e-12)
WAYS = {
    "u8": dict(weight_type=QuantType.QUInt8),
    "s8-channel": dict(weight_type=QuantType.QInt8, per_channel=True),
    "s8-reduced": dict(weight_type=QuantType.QInt8, per_channel=True, reduce_range=True),
}


class Export(torch.nn.Module):
    def __init__(self, model, kind):
        super().__init__()
        # The encoder's own names, without a prefix, as sentence-transformers' and Optimum's exports have them.
        self.embeddings, self.encoder, self.kind = model.embeddings, model.encoder, kind
        if kind == "dense":
            self.dense = torch.nn.Linear(16, 16)

    def forward(self, input_ids, attention_mask, token_type_ids):
        mask = (1 - attention_mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        h = self.encoder(self.embeddings(input_ids=input_ids, token_type_ids=token_type_ids), attention_mask=mask).last_hidden_state
        match self.kind:
            case "dense":
                return self.dense(h)
            case "pooled":
                return h[:, 0]
        return h


def export(model, kind, path):
    ids = torch.tensor([[1, 5, 6, 7, 2], [1, 8, 9, 2, 0]])
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {n: {0: "batch", 1: "sequence"} for n in inputs}
    output = "sentence_embedding" if kind == "pooled" else "last_hidden_state"
    axes[output] = {0: "batch"} if kind == "pooled" else {0: "batch", 1: "sequence"}
    torch.onnx.export(Export(model, kind).eval(), (ids, (ids != 0).long(), ids * 0), path, input_names=inputs,
                      output_names=[output], dynamic_axes=axes, opset_version=17, dynamo=False)


def slim(path):
    """Short names for what is computed, which make up most of a tiny model's file; weights keep theirs."""
    m = onnx.load(path)
    kept = {v.name for v in (*m.graph.initializer, *m.graph.input, *m.graph.output)} | {""}
    short = {o: o if o in kept else f"v{i}" for i, o in enumerate(o for n in m.graph.node for o in n.output)}
    for n in m.graph.node:
        n.name = n.doc_string = ""
        del n.metadata_props[:]
        n.input[:] = [short.get(i, i) for i in n.input]
        n.output[:] = [short[o] for o in n.output]
    del m.graph.value_info[:]
    onnx.checker.check_model(m)
    onnx.save(m, path)


def dequantised(path):
    """The weights by their checkpoint's names, found by way of the graph with onnx's own reader."""
    graph = onnx.load(path).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}

    def of(base):
        return (values[base + "_quantized"].astype(np.float64) - values[base + "_zero_point"]) * values[base + "_scale"].astype(np.float64)

    state = {n: v for n, v in values.items() if n.endswith((".weight", ".bias"))}
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            base = node.input[1].removesuffix("_scale")
            state[base] = of(base)
        if node.op_type == "MatMulInteger":
            (cast,) = [n for n in graph.node if node.output[0] in n.input]
            (mul,) = [n for n in graph.node if cast.output[0] in n.input]
            (add,) = [n for n in graph.node if mul.output[0] in n.input]
            (bias,) = [i for i in add.input if i in values]
            state[bias.removesuffix("bias") + "weight"] = of(node.input[1].removesuffix("_quantized")).T
    return state


def main(out):
    torch.manual_seed(14)
    model = BertModel(BertConfig(**CONFIG, attn_implementation="eager"), add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.normal_(1 if "LayerNorm.weight" in name else 0.05, 0.3)
    with tempfile.TemporaryDirectory() as work:
        for kind in ("states", "dense", "pooled"):
            export(model, kind, f"{work}/{kind}.onnx")
        for kind in ("dense", "pooled"):
            quantize_dynamic(f"{work}/{kind}.onnx", f"{out}/{kind}.onnx", **WAYS["u8"])
        for way, options in WAYS.items():
            quantize_dynamic(f"{work}/states.onnx", f"{out}/{way}.onnx", **options)
        os.replace(f"{work}/states.onnx", f"{out}/fp32.onnx")
    for name in (*WAYS, "dense", "pooled", "fp32"):
        slim(f"{out}/{name}.onnx")
    r = np.random.default_rng(3)
    texts = [[1, *r.integers(3, 50, n).tolist(), 2] for n in (3, 1, 22, 9)]
    lines = [{"ids": ids} for ids in texts]
    for way in WAYS:
        state = dequantised(f"{out}/{way}.onnx")
        save_file({n: np.ascontiguousarray(v, dtype=np.float32) for n, v in state.items()}, f"{out}/{way}.safetensors")
        exact = BertModel(BertConfig(**CONFIG, attn_implementation="eager"), add_pooling_layer=False).double().eval()
        exact.load_state_dict({n: torch.from_numpy(np.ascontiguousarray(v, dtype=np.float64)) for n, v in state.items()})
        for line in lines:
            with torch.no_grad():
                h = exact(torch.tensor([line["ids"]])).last_hidden_state[0]
            line[way] = {k: [round(x, 8) for x in (v / v.norm()).tolist()] for k, v in (("cls", h[0]), ("mean", h.mean(0)))}
    with open(f"{out}/expected.jsonl", "w") as f:
        f.writelines(json.dumps(line) + "\n" for line in lines)
    with open(f"{out}/config.json", "w") as f:
        json.dump({"model_type": "bert", "hidden_act": "gelu", **CONFIG}, f, indent=2)
        f.write("\n")
    for name in os.listdir(out):
        os.chmod(f"{out}/{name}", 0o644)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
