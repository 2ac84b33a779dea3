"""Writes the tiny encoders beside this file: random weights in fp16, and what Transformers computes with them in fp32.

    python make_encoders.py

A folder for each architecture that runs from its checkpoint and is not BERT's: config.json, model.safetensors and
tokenizer.json as on the hub, and expected.jsonl with the vectors of a few texts, given by their token ids. ModernBERT
and NomicBERT have a second folder, whose config.json has the keys of their first checkpoints.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

HERE = pathlib.Path(__file__).parent
VOCABULARY = 160
PADDING = 1
SIZES = dict(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=48)
LENGTHS = [2, 3, 9, 40, 41, 150, 300]


def text(length):
    """The ids 0 and 2 around others; the padding token is not among them."""
    return [0] + [4 + (i * 37 + length) % (VOCABULARY - 4) for i in range(length - 2)] + [2]


def tokenizer():
    words = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    words.update({f"w{i}": i for i in range(4, VOCABULARY)})
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.add_special_tokens(list(words)[:4])
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def round_to_halves(model):
    """Spreads norms and biases, which are ones and zeros otherwise, and rounds all weights to fp16."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(0.2 * torch.randn(weight.shape))
            weight.copy_(weight.half().float())


def expected(model):
    texts = [text(length) for length in LENGTHS]
    longest = max(LENGTHS)
    ids = torch.tensor([t + [PADDING] * (longest - len(t)) for t in texts])
    mask = torch.tensor([[1] * len(t) + [0] * (longest - len(t)) for t in texts])
    with torch.no_grad():
        together = model(input_ids=ids, attention_mask=mask).last_hidden_state
        for number, each in enumerate(texts):
            states = model(input_ids=torch.tensor([each]), attention_mask=torch.ones(1, len(each))).last_hidden_state[0]
            assert torch.allclose(states, together[number, : len(each)], atol=2e-5), len(each)
            yield {
                "input_ids": each,
                "cls": rounded(states[0]),
                "mean": rounded(states.mean(0)),
                "last": rounded(states[-1]),
            }


def rounded(values):
    return [round(value, 7) for value in values.tolist()]


def write(name, kind, prefix="", config=None, **more):
    """One folder; with a prefix of the weights' names and a config.json of its own if they are given."""
    torch.manual_seed(21)
    sizes = {**SIZES, "pad_token_id": PADDING, "initializer_range": 0.25, **more}
    model = transformers.AutoModel.from_config(kind(**sizes), attn_implementation="eager").eval()
    round_to_halves(model)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    tokenizer().save(str(folder / "tokenizer.json"), pretty=False)
    (folder / "luciole.json").write_text('{"pooling": "mean"}\n')
    with open(folder / "expected.jsonl", "w") as file:
        for line in expected(model):
            file.write(json.dumps(line) + "\n")
    model.half().save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    save_file({prefix + key: weight for key, weight in weights.items()}, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


write("mpnet", transformers.MPNetConfig, max_position_embeddings=514)
write("distilbert", transformers.DistilBertConfig, hidden_dim=48, max_position_embeddings=512)
write("electra", transformers.ElectraConfig, embedding_size=16, max_position_embeddings=512)
MODERN = dict(num_hidden_layers=5, max_position_embeddings=520, local_attention=20, initializer_cutoff_factor=3.0)
MODERN.update(bos_token_id=0, cls_token_id=0, eos_token_id=2, sep_token_id=2)
write(
    "modernbert",
    transformers.ModernBertConfig,
    global_rope_theta=1000.0,
    local_rope_theta=100.0,
    **MODERN,
)
write(
    "modernbert-mlm",
    transformers.ModernBertConfig,
    prefix="model.",
    config={
        "architectures": ["ModernBertForMaskedLM"],
        "model_type": "modernbert",
        **SIZES,
        "num_hidden_layers": 5,
        "hidden_activation": "gelu",
        "max_position_embeddings": 520,
        "norm_eps": 1e-05,
        "norm_bias": True,
        "attention_bias": True,
        "mlp_bias": True,
        "global_attn_every_n_layers": 2,
        "global_rope_theta": 160000.0,
        "local_attention": 20,
        "local_rope_theta": 10000.0,
        "pad_token_id": PADDING,
        "position_embedding_type": "absolute",
    },
    norm_bias=True,
    attention_bias=True,
    mlp_bias=True,
    global_attn_every_n_layers=2,
    **MODERN,
)
write("nomic", transformers.NomicBertConfig, max_position_embeddings=512)
write(
    "nomic-2048",
    transformers.NomicBertConfig,
    config={
        "architectures": ["NomicBertModel"],
        "model_type": "nomic_bert",
        "activation_function": "swiglu",
        "causal": False,
        "layer_norm_epsilon": 1e-12,
        "max_trained_positions": 512,
        "mlp_fc1_bias": False,
        "mlp_fc2_bias": False,
        "n_embd": 32,
        "n_head": 2,
        "n_inner": 48,
        "n_layer": 3,
        "n_positions": 512,
        "pad_token_id": PADDING,
        "parallel_block": False,
        "prenorm": False,
        "qkv_proj_bias": False,
        "rotary_emb_base": 500,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "rotary_scaling_factor": None,
        "type_vocab_size": 2,
        "use_rms_norm": False,
        "vocab_size": VOCABULARY,
    },
    rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    max_position_embeddings=512,
)
