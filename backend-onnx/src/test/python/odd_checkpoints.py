"""Holds `luciole embed` to checkpoints of BGE-M3's kind in sizes, types, names and file layouts that are not its own.

    python3 odd_checkpoints.py FOLDER LUCIOLE [NAME ...]

Makes random checkpoints in FOLDER (transformers, torch and tokenizers must be installed), runs LUCIOLE (a command line, split at
blanks) on each, and compares with a plain implementation of M3's three outputs on transformers, one text at a time in fp32.
Prints a line a checkpoint and ends with 1 if any is off. Names choose checkpoints.
"""
import json, os, shlex, shutil, subprocess, sys
import numpy as np, torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaForMaskedLM, XLMRobertaModel, logging

logging.set_verbosity_error()
torch.manual_seed(11)
TEXTS = ['', ' ', '\n\t ', 'a', 'Fireflies glow in the dark.', 'glow glow glow glow glow glow glow', '\U0001F600\U0001F600 \U0001F469\u200d\U0001F469\u200d\U0001F467',
         '\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd \u200f\u0645\u0631\u062d\u0628\u0627', 'nul\0in\0side', '\ufdfa \ufb01 \u0301e\u0301', '<s> literal </s> <pad> <pad> <unk> <mask> [SEP] [PAD]',
         '\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3002' * 5, 'x' * 300, 'A very long text about worms that glow. ' * 400, '\\ud800 "quoted" \\ \u2028 \u00a0 end', '\ufffd\x01\x7f']
SIZES = dict(vocab_size=400, hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=37, max_position_embeddings=130)


def tokenizer(bert, vocab):
    if bert:
        t = Tokenizer(models.WordPiece(unk_token='[UNK]'))
        t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
        t.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=vocab, special_tokens=special, show_progress=False))
        t.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
        names = dict(pad_token='[PAD]', unk_token='[UNK]', cls_token='[CLS]', sep_token='[SEP]', mask_token='[MASK]')
        return t, names, {0, 1, 2}
    t = Tokenizer(models.BPE(unk_token='<unk>'))
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    t.train_from_iterator(TEXTS[4:6], trainers.BpeTrainer(vocab_size=vocab, special_tokens=special, show_progress=False))
    t.post_processor = processors.TemplateProcessing(single='<s> $A </s>', special_tokens=[('<s>', 0), ('</s>', 2)])
    names = dict(bos_token='<s>', eos_token='</s>', cls_token='<s>', pad_token='<pad>', unk_token='<unk>', mask_token='<mask>')
    return t, names, {0, 1, 2, 3}


def randomise(model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if 'LayerNorm.weight' in name: p.normal_(1, 0.2)
            elif name.endswith('bias'): p.normal_(0, 0.2)
            elif p.dim() == 2: p.normal_(0, 0.15)
    return model.eval()


def case(bert=False, dtype=torch.float32, layout='safetensors', heads=True, colbert=None, pooler=False, lm=False, names=lambda n: n, pad=None, **sizes):
    return dict(bert=bert, dtype=dtype, layout=layout, heads=heads, colbert=colbert, pooler=pooler, lm=lm, names=names, pad=pad, sizes={**SIZES, **sizes})


CASES = {
    'plain': case(),
    'one-head-of-33': case(hidden_size=33, num_attention_heads=1, intermediate_size=7),
    'heads-of-80': case(hidden_size=160, num_attention_heads=2),
    'one-layer-vocabulary-97': case(num_hidden_layers=1, vocab_size=97),
    'bert': case(bert=True, type_vocab_size=2, layer_norm_eps=1e-12),
    'bert-without-heads': case(bert=True, heads=False, pooler=True, type_vocab_size=2),
    'bert-three-types': case(bert=True, type_vocab_size=3, max_position_embeddings=64),
    'xlm-two-types': case(type_vocab_size=2),
    'large-epsilon': case(layer_norm_eps=0.02),
    'gelu-new': case(hidden_act='gelu_new'),
    'gelu-tanh-bert': case(bert=True, hidden_act='gelu_pytorch_tanh', type_vocab_size=2),
    'relu': case(hidden_act='relu'),
    'fp16': case(dtype=torch.float16),
    'bf16': case(dtype=torch.bfloat16),
    'bf16-bin': case(dtype=torch.bfloat16, layout='bin'),
    'sharded': case(layout='shards'),
    'sharded-bin': case(layout='bin-shards'),
    'bin-only': case(layout='bin'),
    'bin-fp16-prefixed': case(layout='bin', dtype=torch.float16, names=lambda n: 'roberta.' + n),
    'masked-lm': case(lm=True),
    'masked-lm-bin': case(lm=True, layout='bin'),
    'gamma-beta': case(bert=True, type_vocab_size=2, layout='bin', names=lambda n: 'bert.' + n.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')),
    'colbert-of-24': case(colbert=24),
    'pooler': case(pooler=True),
    'padding-id-4': case(pad=4),
}


def make(name, c, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + '/1_Pooling')
    tok, names, unweighted = tokenizer(c['bert'], c['sizes']['vocab_size'])
    sizes = {**c['sizes']}
    kind, base = (BertConfig, BertModel) if c['bert'] else (XLMRobertaConfig, XLMRobertaModel)
    pad = c['pad'] if c['pad'] is not None else 0 if c['bert'] else 1
    config = kind(**sizes, pad_token_id=pad, **({} if c['bert'] else dict(bos_token_id=0, eos_token_id=2)))
    if c['lm']:
        whole = randomise(XLMRobertaForMaskedLM(config)).to(c['dtype'])
        model = whole.roberta
    else:
        whole = model = randomise(base(config, add_pooling_layer=c['pooler'])).to(c['dtype'])
    if c['layout'] in ('safetensors', 'shards'):
        whole.save_pretrained(folder, max_shard_size='60KB' if c['layout'] == 'shards' else '5GB')
    else:
        state = {c['names'](n): t for n, t in whole.state_dict().items()}
        config.architectures = [type(whole).__name__]
        config.save_pretrained(folder)
        if c['layout'] == 'bin':
            torch.save(state, folder + '/pytorch_model.bin')
        else:
            keys = sorted(state); parts = [keys[0::2], keys[1::2]]; where = {}
            for i, part in enumerate(parts):
                file = f'pytorch_model-{i + 1:05}-of-00002.bin'
                torch.save({k: state[k] for k in part}, f'{folder}/{file}'); where.update({k: file for k in part})
            json.dump({'metadata': {}, 'weight_map': where}, open(folder + '/pytorch_model.bin.index.json', 'w'))
    hidden = sizes['hidden_size']
    heads = None
    if c['heads']:
        heads = torch.nn.Linear(hidden, 1), torch.nn.Linear(hidden, c['colbert'] or hidden)
        torch.save(heads[0].state_dict(), folder + '/sparse_linear.pt'); torch.save(heads[1].state_dict(), folder + '/colbert_linear.pt')
    tok.save(folder + '/tokenizer.json')
    json.dump({**names, 'model_max_length': 10 ** 30}, open(folder + '/tokenizer_config.json', 'w'))
    modules = ('Transformer', ''), ('Pooling', '1_Pooling'), ('Normalize', '2_Normalize')
    json.dump([{'idx': i, 'name': str(i), 'path': p, 'type': 'sentence_transformers.models.' + n} for i, (n, p) in enumerate(modules)], open(folder + '/modules.json', 'w'))
    json.dump({'word_embedding_dimension': hidden, 'pooling_mode_cls_token': True, 'pooling_mode_mean_tokens': False}, open(folder + '/1_Pooling/config.json', 'w'))
    limit = sizes['max_position_embeddings'] - (0 if c['bert'] else pad + 1)
    return model.float(), heads, tok, unweighted, limit


def reference(model, heads, tok, unweighted, limit, text):
    tok.no_truncation(); tok.enable_truncation(limit)
    ids = tok.encode(text).ids
    with torch.inference_mode():
        h = model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).last_hidden_state[0]
        out = {'tokens': len(ids), 'dense': torch.nn.functional.normalize(h[0], dim=-1).numpy()}
        if heads:
            weights = torch.relu(heads[0](h))[:, 0].tolist(); sparse = {}
            for i, w in zip(ids, weights):
                if i not in unweighted and w > 0: sparse[str(i)] = max(w, sparse.get(str(i), 0))
            out['sparse'] = sparse
            out['colbert'] = torch.nn.functional.normalize(heads[1](h[1:]), dim=-1).numpy()
    return out


def main(folder, command, *chosen):
    bad = 0
    for name in chosen or CASES:
        c = CASES[name]; where = os.path.join(folder, name)
        made = make(name, c, where)
        with open(where + '/in.jsonl', 'w') as f:
            for i, t in enumerate(TEXTS): f.write(json.dumps({'id': i, 'text': t}) + '\n')
        outputs = 'dense,sparse,colbert' if c['heads'] else 'dense'
        run = subprocess.run(shlex.split(command) + ['embed', '--model', where, '--outputs', outputs, '--input', where + '/in.jsonl', '--output', where + '/out.jsonl'], capture_output=True, text=True)
        if run.returncode:
            print(f'{name}: FAILED {run.stderr.strip()[-500:]}', flush=True); bad += 1; continue
        worst = dict(dense=0.0, sparse=0.0, colbert=0.0); wrong = []
        for i, line in enumerate(open(where + '/out.jsonl')):
            found, expected = json.loads(line), reference(*made, TEXTS[i])
            if found['tokens'] != expected['tokens']:
                wrong.append(f'text {i}: {found["tokens"]} tokens, expected {expected["tokens"]}'); continue
            worst['dense'] = max(worst['dense'], float(np.abs(np.array(found['dense']) - expected['dense']).max()))
            if heads := c['heads']:
                if (set(found['sparse']) ^ set(expected['sparse'])) and max([found['sparse'].get(k, expected['sparse'].get(k)) for k in set(found['sparse']) ^ set(expected['sparse'])]) > 1e-5:
                    wrong.append(f'text {i}: ids {set(found["sparse"]) ^ set(expected["sparse"])}')
                worst['sparse'] = max([worst['sparse']] + [abs(w - found['sparse'].get(k, 0)) for k, w in expected['sparse'].items()])
                rows = np.array(found['colbert'])
                if rows.shape != expected['colbert'].shape: wrong.append(f'text {i}: {rows.shape} rows, expected {expected["colbert"].shape}')
                else: worst['colbert'] = max(worst['colbert'], float(np.abs(rows - expected['colbert']).max()))
        off = bool(wrong) or max(worst.values()) > 1e-4
        bad += off
        print(f'{name}: {"OFF " if off else "ok "}' + ', '.join(f'{k} {v:.1e}' for k, v in worst.items()) + ''.join('; ' + w for w in wrong[:4]), flush=True)
    return 1 if bad else 0


sys.exit(main(*sys.argv[1:]))
