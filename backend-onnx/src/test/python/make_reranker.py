"""Makes src/test/resources/reranker: a tiny reranker of the kind of BAAI/bge-reranker-v2-m3 with random weights, and the scores that Transformers gives.

    python3 make_reranker.py MINI_M3 FOLDER

expected.jsonl has pairs of all kinds, ranking.jsonl a query's passages from the best to the worst.
MINI_M3 is the folder of mini-m3, whose tokenizer is used. Pairs are built as FlagEmbedding's FlagReranker builds them: the query cut to three
quarters of the limit, then the passage to what is left. torch, transformers, tokenizers and safetensors must be installed.
"""
import json, os, sys
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

LIMIT = 64
PAIRS = [
    ("Which insects glow?", "Fireflies glow at dusk."),
    ("Which insects glow?", "Stocks fell on Monday."),
    ("Fireflies glow at dusk.", "Which insects glow?"),
    ("萤火虫什么时候发光？", "Fireflies glow at dusk. 螢火蟲在黃昏發光。"),
    ("", "A passage without a query."),
    ("A query without a passage", ""),
    ("one", "A long passage about worms that glow. " * 30),
    ("A long query about worms that glow. " * 30, "A passage."),
    ("A long query about worms that glow. " * 30, "A long passage, too. " * 30),
    ("تتوهج اليراعات", "Светлячки светятся в сумерках."),
]

QUERY = "Which insects glow at dusk?"
PASSAGES = [
    "Fireflies glow at dusk.", "Stocks fell on Monday.", "Glow worms are beetles, and their larvae glow, too.", "Bees dance to tell where flowers are.",
    "The river was low in summer.", "Moths fly at night.", "Lamps of the harbour glow at dusk.", "萤火虫在黄昏时发光。", "Insects have six legs.",
    "A long passage about worms that glow. " * 20, "Dusk", "Ants carry seeds to their nests.",
]

mini, folder = sys.argv[1:]
tokenizer = Tokenizer.from_file(os.path.join(mini, "tokenizer.json"))
config = XLMRobertaConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                          max_position_embeddings=LIMIT + 2, type_vocab_size=1, num_labels=1, pad_token_id=1, bos_token_id=0, eos_token_id=2)
torch.manual_seed(17)
model = XLMRobertaForSequenceClassification(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if "LayerNorm" not in name:
            parameter.copy_(torch.randn_like(parameter) * (0.5 if "classifier" in name else 0.2))
        parameter.copy_(parameter.half().float())



def scored(query, passage):
    q = tokenizer.encode(query, add_special_tokens=False).ids[: LIMIT * 3 // 4]
    p = tokenizer.encode(passage, add_special_tokens=False).ids[: max(0, LIMIT - 4 - len(q))]
    ids = [0] + q + [2, 2] + p + [2]
    with torch.no_grad():
        score = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).logits[0, 0].item()
    return {"query": query, "passage": passage, "tokens": len(ids), "score": round(score, 6)}


def write(name, pairs):
    lines = [json.dumps(pair, ensure_ascii=False) for pair in pairs]
    with open(os.path.join(folder, name), "w") as f:
        f.write("\n".join(lines) + "\n")
    print("\n".join(lines))


config.architectures = ["XLMRobertaForSequenceClassification"]
with open(os.path.join(folder, "config.json"), "w") as f:
    json.dump(config.to_dict(), f, indent=1, sort_keys=True)
save_file({name: t.half().contiguous() for name, t in model.state_dict().items() if "position_ids" not in name}, os.path.join(folder, "model.safetensors"))
write("expected.jsonl", [scored(q, p) for q, p in PAIRS])
write("ranking.jsonl", sorted([scored(QUERY, p) for p in PASSAGES], key=lambda pair: -pair["score"]))
