"""Writes the tiny BERT beside this file: random weights in fp16, and what Transformers computes with them.

    python make_fixture.py

What mini-m3 does not have: two token types, positions from 0, a tanh GELU, an eps of 1e-12, the prefix "bert.",
half-precision weights, and mean and last-token pooling. tiny-bert.pt is the same model traced, as DJL's model zoo has
it: a map with last_hidden_state. The heads are random, too; expected.json has what they make of the states.
"""

import json
import pathlib
import zipfile

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

torch.manual_seed(8)
sparse, colbert = torch.nn.Linear(32, 1), torch.nn.Linear(32, 24)
torch.save(sparse.state_dict(), here / "sparse_linear.pt")
torch.save(colbert.state_dict(), here / "colbert_linear.pt")


class Traced(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        states = self.model(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return {"last_hidden_state": states.last_hidden_state}


example = torch.tensor([[2, 17, 9, 3], [2, 5, 3, 0]])
with torch.no_grad():
    traced = torch.jit.trace(Traced(), (example, (example > 0).long(), torch.zeros_like(example)), strict=False)
traced.save(here / "traced.pt")
with zipfile.ZipFile(here / "traced.pt") as source, zipfile.ZipFile(here / "tiny-bert.pt", "w") as target:
    for name in source.namelist():
        if not name.endswith(".debug_pkl"):  # machine paths
            target.writestr(zipfile.ZipInfo("tiny-bert/" + name.split("/", 1)[1]), source.read(name))
(here / "traced.pt").unlink()

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
        "weights": [round(x, 6) for x in torch.relu(sparse(states))[:, 0].tolist()],
        "vector": [round(x, 6) for x in colbert(states)[-1].tolist()],
    })
(here / "expected.json").write_text(json.dumps(expected) + "\n")
