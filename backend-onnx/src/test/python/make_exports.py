"""Exports testkit's fixture mini-m3 to ONNX in the layouts that people have, and makes a small BERT with its outputs:
    python3 make_exports.py MINI_M3_DIR OUT_DIR
needs torch, transformers, onnx, onnxruntime. Weights stay in mini-m3's model.safetensors, which the ONNX files name as their external
data, so that the fixtures stay small; the 8-bit export has its own. Each file names the published exports that have its layout."""
import json, os, struct, sys
import numpy as np, onnx, torch
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertConfig, BertModel, XLMRobertaModel

source, out = sys.argv[1:3]
torch.manual_seed(7)
model = XLMRobertaModel.from_pretrained(source, add_pooling_layer=False, attn_implementation='eager').eval()
hidden = model.config.hidden_size


def head(name):
    state = {k: v.float() for k, v in torch.load(f'{source}/{name}.pt', weights_only=True).items()}
    linear = torch.nn.Linear(hidden, state['weight'].shape[0])
    linear.load_state_dict(state)
    return linear.eval()


sparse_head, colbert_head = head('sparse_linear'), head('colbert_linear')
norm = lambda x: torch.nn.functional.normalize(x, dim=-1)


class Export(torch.nn.Module):
    """kind: states | vecs (aapot, philipchung, gpahal) | yuniko | raw (newtechstudio)"""
    def __init__(self, kind):
        super().__init__()
        self.kind, self.m, self.s, self.c = kind, model, sparse_head, colbert_head

    def forward(self, input_ids, attention_mask):
        h = self.m(input_ids, attention_mask=attention_mask).last_hidden_state
        if self.kind == 'states':
            return h
        if self.kind == 'raw':
            return h[:, 0], self.s(h).squeeze(-1), self.c(h)
        colbert = norm(self.c(h[:, 1:])) * attention_mask[:, 1:, None].float()
        return norm(h[:, 0]), torch.relu(self.s(h)), colbert


def share(path):
    """Moves weights that lie in mini-m3's safetensors file out of an ONNX file."""
    with open(f'{source}/model.safetensors', 'rb') as f:
        size = struct.unpack('<Q', f.read(8))[0]
        header, base = json.loads(f.read(size)), 8 + size
        data = f.read()
    where = {}
    for name, t in header.items():
        if name != '__metadata__':
            begin, end = t['data_offsets']
            where[data[begin:end]] = (base + begin, end - begin)
    m = onnx.load(path)
    for t in m.graph.initializer:
        raw = numpy_helper.to_array(t).tobytes()
        if len(raw) >= 1024 and raw in where:
            t.ClearField('raw_data')
            t.data_location = onnx.TensorProto.EXTERNAL
            for k, v in zip(('location', 'offset', 'length'), ('model.safetensors',) + where[raw]):
                t.external_data.add(key=k, value=str(v))
    m.doc_string = ''
    for n in m.graph.node:
        n.doc_string = ''
        del n.metadata_props[:]
    onnx.save(m, path)


def export(name, kind, outputs):
    path = f'{out}/{name}.onnx'
    ids = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 9, 2, 1]])
    axes = {n: {0: 'batch', 1: 'sequence'} for n in ['input_ids', 'attention_mask']}
    for o in outputs:
        axes[o] = {0: 'batch'} if o.startswith('dense') else {0: 'batch', 1: 'tokens'}
    torch.onnx.export(Export(kind).eval(), (ids, (ids != 1).long()), path, input_names=['input_ids', 'attention_mask'], output_names=outputs,
                      dynamic_axes=axes, opset_version=17, dynamo=False, do_constant_folding=False)
    return path


os.makedirs(out, exist_ok=True)
VECS = ['dense_vecs', 'sparse_vecs', 'colbert_vecs']
share(export('states', 'states', ['last_hidden_state']))
quantize_dynamic(export('vecs', 'vecs', VECS), f'{out}/vecs-int8.onnx', weight_type=QuantType.QUInt8)
share(f'{out}/vecs.onnx')
share(export('yuniko', 'yuniko', ['dense_embeddings', 'sparse_weights', 'colbert_vectors']))
share(export('raw', 'raw', ['dense', 'sparse', 'colbert']))
share(export('unnamed', 'vecs', ['output_0', 'output_1', 'output_2']))

# A BERT: absolute positions, two token types, a pooler that is not used, names with a prefix, weights in 16 bits.
bert = f'{out}/mini-bert'
config = BertConfig(vocab_size=300, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80, max_position_embeddings=40,
                    type_vocab_size=2, layer_norm_eps=1e-12)
m = BertModel(config).eval()
with torch.no_grad():
    for n, p in m.named_parameters():
        p.normal_(1 if 'LayerNorm.weight' in n else 0, 0.2)
m = m.half().float()
os.makedirs(bert, exist_ok=True)
from safetensors.torch import save_file
save_file({'bert.' + k: v.half().contiguous() for k, v in m.state_dict().items() if 'position_ids' not in k}, f'{bert}/model.safetensors')
config.save_pretrained(bert)
r = np.random.default_rng(3)
texts = [[101 - 2] + r.integers(0, 300, n).tolist() for n in (3, 1, 39, 12)]
lines = []
with torch.inference_mode():
    for ids in texts:
        h = m(torch.tensor([ids])).last_hidden_state[0]
        lines.append({'input_ids': ids, **{k: [round(float(x), 6) for x in v] for k, v in (('cls', h[0]), ('mean', h.mean(0)), ('last', h[-1]))}})
with open(f'{bert}/expected.jsonl', 'w') as f:
    f.writelines(json.dumps(l) + '\n' for l in lines)
