"""Python's onnxruntime on the starter model's export as it is: the peer of bench/cpu/starter.sh.

    python3 starter.py MODEL.onnx TOKENIZER.json TEXTS.jsonl PASSES QUERIES

Texts in batches of 32, longest first, padded to the longest, as sentence-transformers runs them; then queries of three lengths, one at a time,
the same as EncodeBenchmark's. Its vectors are not those of the weights: see docs/quality.md, "What vectors depend on".
"""
import json
import sys
import time

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

PROMPT = "Represent this sentence for searching relevant passages: "
model, tokenizer_file, file, passes, queries = sys.argv[1:]
tokenizer = Tokenizer.from_file(tokenizer_file)
tokenizer.no_padding()
tokenizer.enable_truncation(512)
session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
names = {i.name for i in session.get_inputs()}


def run(batch):
    ids = np.zeros((len(batch), max(map(len, batch))), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    states = session.run(None, {k: v for k, v in feed.items() if k in names})[0][:, 0]
    return states / np.linalg.norm(states, axis=1, keepdims=True)


with open(file, encoding="utf-8") as lines:
    texts = [json.loads(line)["text"] for line in lines]
seconds = []
for _ in range(int(passes)):
    start = time.perf_counter()
    encoded = [e.ids for e in tokenizer.encode_batch(texts)]
    order = sorted(encoded, key=len, reverse=True)
    for at in range(0, len(order), 32):
        run(order[at:at + 32])
    seconds.append(time.perf_counter() - start)
tokens = sum(map(len, encoded))
print(f"onnxruntime {ort.__version__}: {len(texts)} texts, {tokens} tokens: {tokens / min(seconds):.0f} tokens/s")
queries = int(queries)
for repeat in (1, 2, 4):
    millis = []
    for i in range(-queries, queries):
        text = " ".join([f"which insects glow in the dark, and why {i & 7}"] * repeat)
        start = time.perf_counter()
        ids = tokenizer.encode(PROMPT + text).ids
        run([ids])
        if i >= 0:
            millis.append(1e3 * (time.perf_counter() - start))
    print(f"onnxruntime one query of up to {len(ids)} tokens at a time: p50 {sorted(millis)[queries // 2]:.3f} ms")
