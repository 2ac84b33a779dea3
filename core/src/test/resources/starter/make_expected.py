"""Makes expected.jsonl: vectors of the starter model's weights in double precision, the same on every machine.

    python3 make_expected.py MODEL.onnx TOKENIZER.json expected.jsonl

MODEL.onnx and TOKENIZER.json are the two resources of the Maven artifact
luciole-starter-model: bge-small-en-v1.5-q.onnx and bge-small-en-v1.5-q-tokenizer.json.

The file's eight-bit weights are dequantised as ONNX's DequantizeLinear has it, scale * (q - zero), and put into Transformers' BertModel;
no activation is quantised. Each text runs alone, is cut to 512 tokens, pooled by its first token and normalised. The export itself is
no reference: it quantises activations with one scale for a whole tensor, which makes its result depend on the processor, the batch and
the version of ONNX Runtime (cosines to these vectors from 0.987 to 0.999).
Made with torch 2.13.0, transformers 5.18.0, onnx 1.23.1, tokenizers 0.23.2.
"""
import json
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

QUERY_PROMPT = "Represent this sentence for searching relevant passages: "
LONG = " ".join(
    f"Paragraph {i}: the river carries sand and gravel down from the hills, and in spring it floods the {w} fields."
    for i, w in enumerate("barley wheat rye oat maize bean pea clover flax hemp hop beet turnip potato cabbage onion".split() * 4)
)
TEXTS = [
    ("query-short", "query", "fireflies"),
    ("query-question", "query", "Why do fireflies glow at night?"),
    ("empty", "passage", ""),
    ("empty-query", "query", ""),
    ("one-letter", "passage", "a"),
    ("english", "passage", "Fireflies are beetles that make light in their abdomens to find a mate."),
    ("german", "passage", "Glühwürmchen sind Käfer, die in warmen Juninächten leuchten, um Partner zu finden."),
    ("french", "passage", "Les lucioles éclairent les nuits d'été ; leur lumière est froide et verdâtre."),
    ("spanish", "passage", "Las luciérnagas brillan en el jardín cuando anochece, ¿verdad?"),
    ("russian", "passage", "Светлячки светятся в темноте благодаря химической реакции."),
    ("greek", "passage", "Οι πυγολαμπίδες λάμπουν τις καλοκαιρινές νύχτες."),
    ("arabic", "passage", "تضيء اليراعات في ليالي الصيف لتجد شريكًا."),
    ("hindi", "passage", "जुगनू गर्मियों की रातों में चमकते हैं।"),
    ("chinese", "passage", "萤火虫在夏夜发光,以寻找配偶。"),
    ("japanese", "passage", "ホタルは夏の夜に光って仲間を探します。"),
    ("korean", "passage", "반딧불이는 여름밤에 빛을 내어 짝을 찾는다."),
    ("emoji-and-symbols", "passage", "Light 🪲✨ ≈ 560 nm — “cold light”, E = h·ν; tab\tand\nnewline, zero\u200bwidth."),
    ("code", "passage", "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; } // dot product"),
    ("middle-length", "passage", LONG[:1200]),
    ("truncated", "passage", LONG),
]


def weights(model):
    """The checkpoint's state dict, dequantised, from the export's graph."""
    graph = onnx.load(model).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)

    def dequantised(base):
        q = values[base + "_quantized"].astype(np.float64) - values[base + "_zero_point"].astype(np.float64)
        return q * values[base + "_scale"].astype(np.float64)

    state = {n: v.astype(np.float64) for n, v in values.items() if n.endswith((".weight", ".bias"))}
    for name in values:
        if name.startswith("embeddings") and name.endswith("_quantized"):
            state[name.removesuffix("_quantized")] = dequantised(name.removesuffix("_quantized"))
    for product in graph.node:
        if product.op_type == "MatMulInteger":
            node = product
            for operator in ("Cast", "Mul", "Add"):
                (node,) = users[node.output[0]]
                assert node.op_type == operator
            (bias,) = [n for n in node.input if n in values]
            state[bias.removesuffix("bias") + "weight"] = dequantised(product.input[1].removesuffix("_quantized")).T
    return {n: torch.from_numpy(np.ascontiguousarray(v)) for n, v in state.items()}


def main(model, tokenizer_file, out):
    tokenizer = Tokenizer.from_file(tokenizer_file)
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    config = BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=12, num_attention_heads=12, intermediate_size=1536, layer_norm_eps=1e-12
    )
    bert = BertModel(config, add_pooling_layer=False).double().eval()
    bert.load_state_dict(weights(model))
    with open(out, "w", encoding="utf-8") as f, torch.no_grad():
        for name, role, text in TEXTS:
            encoding = tokenizer.encode((QUERY_PROMPT if role == "query" else "") + text)
            state = bert(torch.tensor([encoding.ids])).last_hidden_state[0, 0]
            dense = (state / state.norm()).numpy()
            line = {"id": name, "role": role, "text": text, "token_count": len(encoding.ids), "ids": encoding.ids,
                    "dense": [round(float(x), 7) for x in dense]}
            f.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
