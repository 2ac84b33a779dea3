"""Writes the tiny BERT beside this file: random weights in fp16, and what Transformers computes with them.

    python make_fixture.py

What mini-m3 does not have: two token types, positions from 0, a tanh GELU, an eps of 1e-12, the prefix "bert.",
half-precision weights, and mean and last-token pooling.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

here = pathlib.Path(__file__).parent
torch.manual_seed(7)
config = BertConfig(
    vocab_size=120,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    hidden_act="gelu_new",
    max_position_embeddings=40,
    type_vocab_size=2,
    initializer_range=0.3,
)
model = BertModel(config, add_pooling_layer=False).eval()
weights = {name: tensor.detach().half() for name, tensor in model.state_dict().items()}
model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
save_file({"bert." + name: tensor for name, tensor in weights.items()}, here / "model.safetensors")
config.save_pretrained(here)

texts = [[2, 17, 3], [2, 5, 5, 119, 64, 3], [2, 3], [2] + [7 + (i * 37) % 110 for i in range(38)] + [3]]
expected = []
for ids in texts:
    with torch.no_grad():
        states = model(torch.tensor([ids])).last_hidden_state[0]
    expected.append({
        "ids": ids,
        "cls": [round(x, 6) for x in states[0].tolist()],
        "mean": [round(x, 6) for x in states.mean(0).tolist()],
        "last": [round(x, 6) for x in states[-1].tolist()],
    })
(here / "expected.json").write_text(json.dumps(expected) + "\n")
