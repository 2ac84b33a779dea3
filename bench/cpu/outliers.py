"""Finds the outlier channels of a BERT: components of the token states that are many times as large as the others, which take the range
that 8-bit activations with one scale a token have (Dettmers et al. 2022, LLM.int8()).

    python3 outliers.py MODEL.onnx TOKENIZER.json NPL/corpus.jsonl expected.jsonl [LEAST [HEADS]]

MODEL.onnx           an export that quantize_dynamic quantised, such as the starter model's (core/src/test/resources/starter/make_expected.py
                     says where it is, and expected.jsonl, the texts of the fixture, lies beside that script)
LEAST                the ratio from which a channel is told (default 4)
HEADS                attention heads (default 12)

For each channel: its largest magnitude over all tokens at the input of a linear layer, divided by the median channel's; of that the maximum
over the inputs of all attention and intermediate layers, which are the layers that read token states. In double precision, over the fixture's
texts and the first 300 documents of NPL. The list is StarterModel's OUTLIERS, and what "outlierChannels" of a folder's luciole.json takes.
"""
import importlib.util
import json
import os
import sys

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

HERE = os.path.dirname(os.path.abspath(__file__))


def fixture():
    """The fixture's script, which reads a quantised export."""
    path = os.path.join(HERE, "../../core/src/test/resources/starter/make_expected.py")
    spec = importlib.util.spec_from_file_location("make_expected", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(model, tokenizer_file, corpus, texts, least=4.0, heads=12):
    script = fixture()
    state = script.weights(model)
    words, hidden = state["embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(n.split(".")[2]) for n in state if n.startswith("encoder.layer."))
    bert = BertModel(
        BertConfig(vocab_size=words, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, layer_norm_eps=1e-12,
                   intermediate_size=state["encoder.layer.0.intermediate.dense.weight"].shape[0]),
        add_pooling_layer=False,
    ).double().eval()
    bert.load_state_dict(state)
    largest = {}

    def watch(name):
        def hook(_, inputs):
            magnitude = inputs[0].abs().amax(dim=(0, 1))
            largest[name] = torch.maximum(largest.get(name, torch.zeros_like(magnitude)), magnitude)
        return hook

    for name, module in bert.named_modules():
        if name.endswith(("attention.self.query", "intermediate.dense")):
            module.register_forward_pre_hook(watch(name))
    tokenizer = Tokenizer.from_file(tokenizer_file)
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    inputs = []
    for line in open(texts, encoding="utf-8"):
        text = json.loads(line)
        inputs.append((script.QUERY_PROMPT if text["role"] == "query" else "") + text["text"])
    with open(corpus, encoding="utf-8") as lines:
        for _, line in zip(range(300), lines):
            document = json.loads(line)
            inputs.append(f"{document.get('title') or ''} {document['text']}".strip())
    with torch.no_grad():
        for text in inputs:
            bert(torch.tensor([tokenizer.encode(text).ids]))
    ratio = torch.stack([v / v.median() for v in largest.values()]).amax(0)
    order = ratio.argsort(descending=True).tolist()
    found = [c for c in order if ratio[c] >= least]
    print(f"{len(inputs)} texts; ratios:", ", ".join(f"{c}: {ratio[c]:.2f}" for c in order[: len(found) + 6]))
    print("outliers:", sorted(found))


if __name__ == "__main__":
    main(*sys.argv[1:5], *map(float, sys.argv[5:6]), *map(int, sys.argv[6:7]))
