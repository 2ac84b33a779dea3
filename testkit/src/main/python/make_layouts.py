"""Writes src/main/resources/layouts: tiny models in the layouts that people publish, and what the reference makes of them.

    python make_layouts.py ../resources/layouts

Needs torch, transformers 5.18, sentence-transformers 6.0.1, tokenizers, onnx and onnxscript. Weights are random, so that a
layout that is read wrongly gives other vectors. A layout is a line of layouts.jsonl:

    name      of the row in docs/models.md, and says what it is
    files     path in the folder -> {"base": a file of bases/}, {"json": content} or {"link": target}
    open      what is opened in the folder; missing for the folder itself
    vectors   {"query": [...], "passage": [...]}, of the texts of texts.json, by sentence-transformers in fp32;
              missing where the layout is refused
    refusal   {backend: a part of the message}; "all" for every backend that has no entry of its own

To add a layout, add a row at the end. Another architecture is a function like bert() and its rows.
"""

import copy
import json
import pathlib
import shutil
import sys
import tempfile

import numpy
import onnx
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CamembertConfig,
    CamembertModel,
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

TARGET = pathlib.Path(sys.argv[1])
BASES = TARGET / "bases"
HIDDEN = 16
TEXTS = {
    "query": ["what glows?", "Fireflies"],
    "passage": [
        "a",
        "Fireflies find each other in the dark.",
        "Green light, 3 times: every kind has its own rhythm, and answers it; the others do not look up at all.",
        "BM25",
    ],
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ST = "sentence_transformers.models."
ST6 = "sentence_transformers.sentence_transformer.modules."
rows = []


def base(name):
    return {"base": name}


def content(value):
    return {"json": value}


# Tokenizers


def word_pieces(name, lower):
    """BERT's, letter by letter."""
    letters = LETTERS + LETTERS.upper() + "0123456789"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list(".,:;?!'-") + list(letters)
    words += ["##" + letter for letter in letters] + ["the", "light", "query", "passage"]
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(BASES / name))
    return tokenizer


def pieces(name):
    """XLM-RoBERTa's, letter by letter."""
    letters = LETTERS + LETTERS.upper() + "0123456789.,:;?!'-▁"
    scores = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(c, -3.0) for c in letters]
    scores += [("▁the", -2.0), ("▁light", -2.0), ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.save(str(BASES / name))
    return tokenizer


def bytes_of(name):
    """RoBERTa's, byte by byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<s>", "<pad>", "</s>", "<unk>"] + alphabet + ["<mask>"]
    tokenizer = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.save(str(BASES / name))
    return tokenizer


BERT_TOKENS = {
    "tokenizer_class": "BertTokenizer",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
    "model_max_length": 48,
}
ROBERTA_TOKENS = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "model_max_length": 40,
}

# Checkpoints


def checkpoint(name, kind, config, tokenizer, tokens):
    """Writes a checkpoint of random weights; returns the files of a folder with it, and the model."""
    torch.manual_seed(len(name) * 31 + sum(map(ord, name)))
    extra = {"add_pooling_layer": False} if kind in (BertModel, RobertaModel, XLMRobertaModel, CamembertModel, MPNetModel) else {}
    model = kind(config, **extra).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    save_file(dict(model.state_dict()), BASES / f"{name}.safetensors", metadata={"format": "pt"})
    written = config.to_dict()
    kept = {
        key: written[key]
        for key in (
            "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act"
            " max_position_embeddings type_vocab_size layer_norm_eps pad_token_id model_type embedding_size"
        ).split()
        if key in written
    }
    if kind in (DistilBertModel, MPNetModel, ModernBertModel, DebertaV2Model):
        kept = {key: value for key, value in written.items() if value is not None and key != "transformers_version"}
    kept["architectures"] = [kind.__name__]
    files = {
        "config.json": content(kept),
        "model.safetensors": base(f"{name}.safetensors"),
        "tokenizer.json": base(tokenizer),
        "tokenizer_config.json": content(tokens),
    }
    return files, model


def sizes(vocabulary, positions, **more):
    return dict(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=positions,
        initializer_range=0.3,
        **more,
    )


def sentence(files, modules, limits=None, prompts=None):
    """A sentence-transformers folder: modules are (type, path, files)."""
    files = dict(files)
    entries = []
    for i, (kind, path, own) in enumerate(modules):
        entries.append({"idx": i, "name": str(i), "path": path, "type": kind})
        for name, value in own.items():
            files[f"{path}/{name}"] = value
    files["modules.json"] = content(entries)
    if limits is not None:
        files["sentence_bert_config.json"] = content(limits)
    if prompts is not None:
        files["config_sentence_transformers.json"] = content(prompts)
    return files


def transformer(prefix=ST, path=""):
    return (prefix + "Transformer", path, {})


def pooled(modes, **more):
    """In release 6's spelling."""
    config = {"embedding_dimension": HIDDEN, "pooling_mode": modes, "include_prompt": True, **more}
    return (ST6 + "pooling.Pooling", "1_Pooling", {"config.json": content(config)})


def flagged(*modes, **more):
    """In the spelling of releases 2 to 5."""
    names = "cls_token mean_tokens max_tokens mean_sqrt_len_tokens weightedmean_tokens lasttoken".split()
    flags = {"pooling_mode_" + name: name in modes for name in names}
    config = {"word_embedding_dimension": HIDDEN, **flags, "include_prompt": True, **more}
    return (ST + "Pooling", "1_Pooling", {"config.json": content(config)})


def dense(at, inputs, outputs, activation="torch.nn.modules.activation.Tanh", bias=True, binary=False, **more):
    torch.manual_seed(at * 100 + inputs + outputs)
    state = {"linear.weight": torch.randn(outputs, inputs) * 0.4}
    if bias:
        state["linear.bias"] = torch.randn(outputs) * 0.4
    if more.get("use_residual") and inputs != outputs:
        state["residual.weight"] = torch.randn(outputs, inputs) * 0.4
    name = f"dense-{at}-{inputs}-{outputs}{'' if bias else '-unbiased'}{'-residual' if 'residual.weight' in state else ''}"
    file, name = ("pytorch_model.bin", name + ".bin") if binary else ("model.safetensors", name + ".safetensors")
    if binary:
        torch.save(state, BASES / name)
    else:
        save_file(state, BASES / name)
    config = {"in_features": inputs, "out_features": outputs, "bias": bias, "activation_function": activation, **more}
    return (ST + "Dense", f"{at}_Dense", {"config.json": content(config), file: base(name)})


def layer_norm(at, size):
    torch.manual_seed(at * 100 + size)
    state = {"norm.weight": torch.randn(size) + 1, "norm.bias": torch.randn(size)}
    save_file(state, BASES / f"layernorm-{at}-{size}.safetensors")
    own = {"config.json": content({"dimension": size}), "model.safetensors": base(f"layernorm-{at}-{size}.safetensors")}
    return (ST + "LayerNorm", f"{at}_LayerNorm", own)


def normalize(at):
    return (ST + "Normalize", f"{at}_Normalize", {})


# Rows


def write_folder(files, folder):
    for path, value in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if "base" in value:
            shutil.copy(BASES / value["base"], file)
        elif "link" in value:
            file.symlink_to(value["link"])
        else:
            file.write_text(json.dumps(value["json"]))


def reference(files, root, named):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write_folder(files, folder)
        model = SentenceTransformer(
            str(folder / root), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
        )
        encoded = {
            role: model.encode(TEXTS[role], prompt_name=named[role], batch_size=1)
            if named
            else (model.encode_query if role == "query" else model.encode_document)(TEXTS[role], batch_size=1)
            for role in TEXTS
        }
    assert all(numpy.isfinite(v).all() for v in encoded.values())
    return {role: [[float(f"{x:.8g}") for x in vector] for vector in vectors] for role, vectors in encoded.items()}


def row(name, files, refusal=None, like=None, open=None, root="", named=None):
    """
    A layout; ``like`` are the files that the reference reads where it cannot read these. ``named`` are the names of
    prompts where encode_document would take the empty prompt "document", which release 6 puts into every model.
    """
    line = {"name": name, "files": files}
    if open:
        line["open"] = open
    refusal = {"all": refusal} if isinstance(refusal, str) else refusal
    if refusal:
        line["refusal"] = refusal
    if not refusal or "all" not in refusal:
        line["vectors"] = reference(like or files, root, named)
    rows.append(line)
    print(len(rows), name, flush=True)


def without(files, *names):
    return {path: value for path, value in files.items() if path not in names}


class Export(torch.nn.Module):
    """A graph with chosen outputs over a model's token states."""

    def __init__(self, model, outputs):
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, input_ids, attention_mask):
        found = self.model(input_ids, attention_mask=attention_mask, output_hidden_states=True)
        return tuple(make(found, attention_mask) for make in self.outputs.values())


def states(found, mask):
    return found.last_hidden_state


def mean(found, mask):
    weights = mask.unsqueeze(2).to(torch.float)
    return (found.last_hidden_state * weights).sum(1) / weights.sum(1)


def export(name, model, outputs):
    model = copy.deepcopy(model)
    model.set_attn_implementation("eager")
    ids = torch.tensor([[2, 17, 9, 3], [2, 5, 7, 3]])
    axes = {i: {0: "batch", 1: "sequence"} for i in ("input_ids", "attention_mask")}
    axes |= {o: {0: "batch"} | ({1: "sequence"} if o in ("last_hidden_state", "token_embeddings") or "hidden" in o else {}) for o in outputs}
    torch.onnx.export(
        Export(model, outputs).eval(),
        (ids, torch.ones_like(ids)),
        str(BASES / name),
        input_names=["input_ids", "attention_mask"],
        output_names=list(outputs),
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    plain = onnx.load(BASES / name)
    for node in plain.graph.node:
        node.doc_string = ""  # machine paths
    onnx.save(plain, BASES / name)
    return base(name)


def main():
    shutil.rmtree(TARGET, ignore_errors=True)
    BASES.mkdir(parents=True)
    uncased, cased = word_pieces("bert-uncased.tokenizer.json", True), word_pieces("bert-cased.tokenizer.json", False)
    unigram, byte_level = pieces("xlm-roberta.tokenizer.json"), bytes_of("roberta.tokenizer.json")

    bert, bert_model = checkpoint(
        "bert", BertModel, BertConfig(**sizes(uncased.get_vocab_size(), 48)), "bert-uncased.tokenizer.json", BERT_TOKENS
    )
    in_case = {
        **bert,
        "tokenizer.json": base("bert-cased.tokenizer.json"),
        "tokenizer_config.json": content({**BERT_TOKENS, "do_lower_case": False}),
    }
    rows_of_pooling(bert)
    rows_of_modules(bert)
    rows_of_prompts(bert)
    rows_of_limits(bert, in_case)
    rows_of_checkpoints(bert, bert_model)
    rows_of_exports(bert, bert_model)
    rows_of_refusals(bert)
    rows_of_roberta(unigram, byte_level)
    rows_of_other_families()
    rows_of_unsupported()

    for file in BASES.iterdir():
        file.chmod(0o644)
    (TARGET / "texts.json").write_text(json.dumps(TEXTS, ensure_ascii=False) + "\n")
    with open(TARGET / "layouts.jsonl", "w") as file:
        for line in rows:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def rows_of_pooling(bert):
    for name, new, old in [
        ("cls", "cls", ["cls_token"]),
        ("mean", "mean", ["mean_tokens"]),
        ("last token", "lasttoken", ["lasttoken"]),
        ("max", "max", ["max_tokens"]),
        ("weighted mean", "weightedmean", ["weightedmean_tokens"]),
        ("sum by the root of the length", "mean_sqrt_len_tokens", ["mean_sqrt_len_tokens"]),
    ]:
        row(f"BERT, {name}, release 6", sentence(bert, [transformer("sentence_transformers.base.modules.transformer."), pooled(new)]))
        row(f"BERT, {name}, releases 2 to 5", sentence(bert, [transformer(), flagged(*old)]))
    row("BERT, cls and mean, releases 2 to 5", sentence(bert, [transformer(), flagged("cls_token", "mean_tokens")]))
    row("BERT, mean, then cls, release 6", sentence(bert, [transformer(), pooled(["mean", "cls"])]))
    row(
        "BERT, max, mean and last token together",
        sentence(bert, [transformer(), flagged("lasttoken", "mean_tokens", "max_tokens")]),
    )


def rows_of_modules(bert):
    mean = flagged("mean_tokens")
    row("BERT, Normalize", sentence(bert, [transformer(), mean, normalize(2)]))
    row("BERT, Dense with tanh, safetensors", sentence(bert, [transformer(), mean, dense(2, 16, 12)]))
    row(
        "BERT, Dense without bias and activation, .bin",
        sentence(bert, [transformer(), mean, dense(2, 16, 24, "torch.nn.modules.linear.Identity", False, True)]),
    )
    row(
        "BERT, two Dense (ReLU, sigmoid)",
        sentence(
            bert,
            [
                transformer(),
                mean,
                dense(2, 16, 20, "torch.nn.modules.activation.ReLU"),
                dense(3, 20, 8, "torch.nn.modules.activation.Sigmoid"),
            ],
        ),
    )
    row("BERT, cls, Dense, Normalize, as LaBSE", sentence(bert, [transformer(), flagged("cls_token"), dense(2, 16, 16), normalize(3)]))
    row(
        "BERT, Normalize, then Dense (SiLU)",
        sentence(bert, [transformer(), mean, normalize(2), dense(3, 16, 12, "torch.nn.modules.activation.SiLU")]),
    )
    row("BERT, Dense with a residual", sentence(bert, [transformer(), mean, dense(2, 16, 16, use_residual=True)]))
    row("BERT, Dense with a projected residual", sentence(bert, [transformer(), mean, dense(2, 16, 10, use_residual=True)]))
    row("BERT, LayerNorm", sentence(bert, [transformer(), mean, layer_norm(2, 16)]))
    row(
        "BERT, Dense, LayerNorm, Dense, Normalize",
        sentence(bert, [transformer(), mean, dense(2, 16, 12), layer_norm(3, 12), dense(4, 12, 12), normalize(5)]),
    )
    row("BERT, cls and mean, then Dense", sentence(bert, [transformer(), pooled(["cls", "mean"]), dense(2, 32, 16)]))
    row(
        "BERT, Dropout",
        sentence(bert, [transformer(), mean, (ST + "Dropout", "2_Dropout", {"config.json": content({"dropout": 0.2})})]),
    )


def rows_of_prompts(bert):
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    named = {"prompts": {"query": "query: ", "document": "passage: "}}

    def left_out(*modes):
        return [transformer(), pooled(list(modes) if len(modes) > 1 else modes[0], include_prompt=False)]

    row(
        "BERT, prompts",
        sentence(bert, [transformer(), pooled("mean")], prompts=prompts),
        named={"query": "query", "passage": "passage"},
    )
    row("BERT, prompts query and document", sentence(bert, [transformer(), pooled("cls")], prompts=named))
    row(
        "BERT, a default prompt",
        sentence(bert, [transformer(), pooled("mean")], prompts={"prompts": {"s2p": "Find the passage: "}, "default_prompt_name": "s2p"}),
        named={"query": None, "passage": None},
    )
    row("BERT, mean without the prompt, as INSTRUCTOR", sentence(bert, left_out("mean"), prompts=named))
    row(
        "BERT, mean without the prompt, releases 2 to 5",
        sentence(bert, [transformer(), flagged("mean_tokens", include_prompt=False), normalize(2)], prompts=named),
    )
    for mode in ("max", "weightedmean", "mean_sqrt_len_tokens", "cls", "lasttoken"):
        row(f"BERT, {mode} without the prompt", sentence(bert, left_out(mode), prompts=named))
    row("BERT, mean without the prompt, where there is none", sentence(bert, left_out("mean")))
    row(
        "BERT, cls and mean without the prompt, Dense",
        sentence(bert, left_out("cls", "mean") + [dense(2, 32, 16)], prompts=named),
    )


def rows_of_limits(bert, in_case):
    modules = [transformer(), pooled("mean")]
    row("BERT, max_seq_length", sentence(bert, modules, limits={"max_seq_length": 12, "do_lower_case": False}))
    row("BERT, do_lower_case, tokenizer in case", sentence(in_case, modules, limits={"max_seq_length": 32, "do_lower_case": True}))
    row("BERT, tokenizer in case", sentence(in_case, modules))
    preset = json.loads((BASES / "bert-uncased.tokenizer.json").read_text())
    preset["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    preset["padding"] = {
        "strategy": {"Fixed": 32},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    (BASES / "bert-preset.tokenizer.json").write_text(json.dumps(preset))
    row("BERT, truncation and padding in tokenizer.json", sentence({**bert, "tokenizer.json": base("bert-preset.tokenizer.json")}, modules))
    row("BERT, truncate_dim", sentence(bert, modules, prompts={"prompts": {}, "truncate_dim": 10}))

    def tokens(**more):
        return {**bert, "tokenizer_config.json": content({**BERT_TOKENS, **more})}

    for mode in ("cls", "mean", "lasttoken"):
        row(f"BERT, {mode}, padding_side left", sentence(tokens(padding_side="left"), [transformer(), pooled(mode)]))
    row(
        "BERT, model_input_names without attention_mask",
        sentence(tokens(model_input_names=["input_ids", "token_type_ids"]), modules),
    )


def rows_of_checkpoints(bert, model):
    modules = [transformer(), pooled("mean")]
    weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    for name, dtype in (("fp16", torch.float16), ("bf16", torch.bfloat16)):
        save_file({n: t.to(dtype) for n, t in weights.items()}, BASES / f"bert-{name}.safetensors", metadata={"format": "pt"})
        row(f"BERT, {name}", sentence({**bert, "model.safetensors": base(f"bert-{name}.safetensors")}, modules))
    torch.save(weights, BASES / "bert.bin")
    row("BERT, pytorch_model.bin", sentence({**without(bert, "model.safetensors"), "pytorch_model.bin": base("bert.bin")}, modules))
    half = sorted(weights)[: len(weights) // 2]
    parts = {"model-00001-of-00002.safetensors": half, "model-00002-of-00002.safetensors": sorted(set(weights) - set(half))}
    files = without(bert, "model.safetensors")
    for name, names in parts.items():
        save_file({n: weights[n] for n in names}, BASES / ("bert-" + name), metadata={"format": "pt"})
        files[name] = base("bert-" + name)
    total = sum(t.numel() * 4 for t in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": {n: name for name, names in parts.items() for n in names}}
    row("BERT, shards", sentence({**files, "model.safetensors.index.json": content(index)}, modules))
    save_file({"bert." + n: t for n, t in weights.items()}, BASES / "bert-prefixed.safetensors", metadata={"format": "pt"})
    row("BERT, tensors with the prefix bert.", sentence({**bert, "model.safetensors": base("bert-prefixed.safetensors")}, modules))
    inner = sentence({"0_Transformer/" + path: value for path, value in bert.items()}, [transformer(path="0_Transformer"), flagged("mean_tokens")])
    inner["0_Transformer/sentence_bert_config.json"] = content({"max_seq_length": 20, "do_lower_case": False})
    row("BERT in 0_Transformer, as before release 2", inner)
    snapshot = sentence(bert, modules)
    cache = {}
    for i, (path, value) in enumerate(snapshot.items()):
        cache[f"models--a--b/blobs/{i:040x}"] = value
        depth = path.count("/") + 2
        cache[f"models--a--b/snapshots/{'0' * 40}/{path}"] = {"link": "../" * depth + f"blobs/{i:040x}"}
    row("BERT, a snapshot of Hugging Face's cache", cache, open=f"models--a--b/snapshots/{'0' * 40}", root=f"models--a--b/snapshots/{'0' * 40}")


def rows_of_exports(bert, model):
    djl = {"djl": "for the backend djl"}
    modules = [transformer(), pooled("mean")]
    torch.manual_seed(5)
    pooler = torch.nn.Linear(HIDDEN, HIDDEN).requires_grad_(False)

    def other(found, mask):
        return torch.tanh(pooler(found.last_hidden_state[:, 0]))

    def layer(i):
        return lambda found, mask: found.hidden_states[i]

    def exported(name, outputs, **changes):
        files = sentence(bert, modules)
        twin = {**without(files, "model.safetensors"), "model.onnx": export(name, model, outputs)}
        return {**twin, **changes}, files

    files, like = exported("states.onnx", {"last_hidden_state": states})
    row("ONNX with last_hidden_state, mean", files, refusal=djl, like=like)
    files, like = exported("pooler.onnx", {"last_hidden_state": states, "pooler_output": other})
    row("ONNX with pooler_output beside", files, refusal=djl, like=like)
    files, like = exported("layers.onnx", {"last_hidden_state": states, "hidden_states.0": layer(0), "hidden_states.1": layer(1)})
    row("ONNX with hidden_states beside", files, refusal=djl, like=like)
    files, like = exported("embedding.onnx", {"token_embeddings": states, "sentence_embedding": mean})
    row("ONNX with token_embeddings and sentence_embedding", files, refusal=djl, like=like)
    files, like = exported("embedding-alone.onnx", {"sentence_embedding": mean})
    row("ONNX with sentence_embedding alone", files, refusal=djl, like=like)
    behind = [transformer(), pooled(["cls", "max"]), dense(2, 32, 16), normalize(3)]
    like = sentence(bert, behind)
    row(
        "ONNX with last_hidden_state, cls and max, Dense",
        {**without(like, "model.safetensors"), "model.onnx": base("states.onnx")},
        refusal=djl,
        like=like,
    )
    row(
        "ONNX with sentence_embedding alone, Dense",
        {**without(like, "model.safetensors"), "model.onnx": base("embedding-alone.onnx")},
        refusal={"all": "gives pooled vectors alone", **djl},
    )
    row(
        "ONNX with sentence_embedding alone, max",
        {**without(sentence(bert, [transformer(), pooled("max")]), "model.safetensors"), "model.onnx": base("embedding-alone.onnx")},
        refusal={"all": "the pooling max", **djl},
    )
    row(
        "ONNX with sentence_embedding alone, padding_side left",
        {
            **without(sentence(bert, modules), "model.safetensors"),
            "tokenizer_config.json": content({**BERT_TOKENS, "padding_side": "left"}),
            "model.onnx": base("embedding-alone.onnx"),
        },
        refusal={"all": "padding_side", **djl},
    )
    files, _ = exported("logits.onnx", {"logits": lambda found, mask: other(found, mask)[:, :1]})
    row("ONNX of a reranker, with logits alone", files, refusal={"all": "Expected token states", **djl})
    like = sentence(bert, modules)
    row(
        "ONNX in onnx/, opened by its name",
        {**without(like, "model.safetensors"), "onnx/model.onnx": base("states.onnx")},
        refusal=djl,
        like=like,
        open="onnx/model.onnx",
    )


def rows_of_refusals(bert):
    mean = flagged("mean_tokens")

    def refused(name, message, modules, **more):
        row(name, sentence(bert, modules, **more), refusal=message)

    def own(kind, path, config):
        return (ST + kind, path, {"config.json": content(config)})

    refused("WeightedLayerPooling", "found WeightedLayerPooling", [transformer(), mean, own("WeightedLayerPooling", "2_WeightedLayerPooling", {})])
    refused("CNN", "found CNN", [transformer(), own("CNN", "1_CNN", {})])
    refused("LSTM", "found LSTM", [transformer(), own("LSTM", "1_LSTM", {})])
    refused("a module of the model's own", "found MyPooling", [transformer(), ("custom_st.MyPooling", "1_MyPooling", {})])
    refused("Dense before Pooling", "Expected the modules Transformer and Pooling", [transformer(), dense(1, 16, 16), mean])
    refused("Dense with GELU", "GELU", [transformer(), mean, dense(2, 16, 12, "torch.nn.modules.activation.GELU")])
    refused("Dense over token states", "token_embeddings", [transformer(), mean, dense(2, 16, 12, module_input_name="token_embeddings")])
    refused("Dense with an unknown flag", "use_gate", [transformer(), mean, dense(2, 16, 12, use_gate=True)])
    refused("Dense of another size", "Expected vectors of 20 components", [transformer(), mean, dense(2, 20, 12)])
    lacking = dense(2, 16, 12)
    lacking[2].pop("model.safetensors")
    refused("Dense without its weights", "pytorch_model.bin", [transformer(), mean, lacking])
    refused("an unknown pooling", "attention", [transformer(), pooled("attention")])
    refused("an unknown flag of Pooling", "temperature", [transformer(), pooled("mean", temperature=2)])
    refused("a pooling in capitals", "MEAN", [transformer(), pooled("MEAN")])
    refused("no pooling set", "Expected at least one pooling", [transformer(), flagged()])
    refused("an unknown flag of the limits", "query_expansion", [transformer(), mean], limits={"max_seq_length": 32, "query_expansion": True})
    refused("an unknown flag of the prompts", "instruction", [transformer(), mean], prompts={"instruction": "Represent: "})
    refused("a default prompt that is missing", "default_prompt_name", [transformer(), mean], prompts={"prompts": {}, "default_prompt_name": "s2p"})
    row("no file that says the pooling", dict(bert), refusal="Nothing says how")
    inputs = {**BERT_TOKENS, "model_input_names": ["input_ids", "bbox", "attention_mask"]}
    row(
        "model_input_names with an unknown input",
        sentence({**bert, "tokenizer_config.json": content(inputs)}, [transformer(), mean]),
        refusal="bbox",
    )


def rows_of_roberta(unigram, byte_level):
    modules = [transformer(), flagged("mean_tokens"), normalize(2)]
    roberta, _ = checkpoint(
        "roberta",
        RobertaModel,
        RobertaConfig(**sizes(byte_level.get_vocab_size(), 42, type_vocab_size=1, pad_token_id=1)),
        "roberta.tokenizer.json",
        ROBERTA_TOKENS,
    )
    row("RoBERTa, mean, Normalize", sentence(roberta, modules))
    row(
        "RoBERTa, limit in sentence_roberta_config.json",
        {**sentence(roberta, modules), "sentence_roberta_config.json": content({"max_seq_length": 20})},
    )
    xlmr, _ = checkpoint(
        "xlm-roberta",
        XLMRobertaModel,
        XLMRobertaConfig(**sizes(unigram.get_vocab_size(), 42, type_vocab_size=1, pad_token_id=1)),
        "xlm-roberta.tokenizer.json",
        ROBERTA_TOKENS,
    )
    row("XLM-RoBERTa, mean, Normalize, as multilingual-e5", sentence(xlmr, modules, prompts={"prompts": {"query": "query: ", "document": "passage: "}}))
    row("XLM-RoBERTa, cls", sentence(xlmr, [transformer(), pooled("cls")]))
    row(
        "XLM-RoBERTa, limit in sentence_xlm-roberta_config.json",
        {**sentence(xlmr, modules), "sentence_xlm-roberta_config.json": content({"max_seq_length": 20})},
    )
    row("XLM-RoBERTa, Dense, as distiluse", sentence(xlmr, [transformer(), flagged("mean_tokens"), dense(2, 16, 12)]))
    camembert, _ = checkpoint(
        "camembert",
        CamembertModel,
        CamembertConfig(**sizes(unigram.get_vocab_size(), 42, type_vocab_size=1, pad_token_id=1)),
        "xlm-roberta.tokenizer.json",
        ROBERTA_TOKENS,
    )
    row("CamemBERT, mean", sentence(camembert, [transformer(), pooled("mean")]))


def rows_of_other_families():
    vocabulary = len(json.loads((BASES / "bert-uncased.tokenizer.json").read_text())["model"]["vocab"])
    families = [
        ("ELECTRA", "electra", ElectraModel, ElectraConfig(**sizes(vocabulary, 48, embedding_size=16))),
        ("DistilBERT", "distilbert", DistilBertModel, DistilBertConfig(
            vocab_size=vocabulary, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=48, pad_token_id=0)),
        ("MPNet", "mpnet", MPNetModel, MPNetConfig(**sizes(vocabulary, 50, pad_token_id=1))),
        ("ModernBERT", "modernbert", ModernBertModel, ModernBertConfig(
            vocab_size=vocabulary, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=24,
            max_position_embeddings=48, pad_token_id=0, bos_token_id=None, eos_token_id=None, cls_token_id=None, sep_token_id=None,
            local_attention=8, global_attn_every_n_layers=3)),
    ]
    for title, name, kind, config in families:
        folder, _ = checkpoint(name, kind, config, "bert-uncased.tokenizer.json", BERT_TOKENS)
        row(title + ", mean, Normalize", sentence(folder, [transformer(), pooled("mean"), normalize(2)]))


def rows_of_unsupported():
    vocabulary = len(json.loads((BASES / "bert-uncased.tokenizer.json").read_text())["model"]["vocab"])
    config = DebertaV2Config(**sizes(vocabulary, 48))
    deberta, model = checkpoint("deberta", DebertaV2Model, config, "bert-uncased.tokenizer.json", BERT_TOKENS)
    files = sentence(deberta, [transformer(), pooled("mean")])
    row("DeBERTa, checkpoint", files, refusal="model_type")
    row(
        "DeBERTa, checkpoint with onnx/model.onnx beside",
        {**files, "onnx/model.onnx": export("deberta.onnx", model, {"last_hidden_state": states})},
        refusal={"djl": "for the backend djl"},
        like=files,
    )


if __name__ == "__main__":
    main()
