"""The peer, from text to dense vectors in memory:  python3 peer.py MODEL_DIR [TEXTS.jsonl …] [--batches 32,64,256] [--queries 200]
sentence-transformers' own encode in fp16 on CUDA. For each file the best of three passes after a short warm-up, at each batch size; then the
latency of one query at a time, the queries of io.luciole.bench.EncodeBenchmark. Takes the GPU that CUDA_VISIBLE_DEVICES names."""
import argparse, json, os, time, torch
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as M

p = argparse.ArgumentParser()
p.add_argument('model')
p.add_argument('texts', nargs='*')
p.add_argument('--batches', default='32,64,256')
p.add_argument('--queries', type=int, default=200)
a = p.parse_args()
t = M.Transformer(a.model, max_seq_length=8192, model_args={'dtype': torch.float16})
m = SentenceTransformer(modules=[t, M.Pooling(t.get_word_embedding_dimension(), pooling_mode='cls'), M.Normalize()], device='cuda')
for path in a.texts:
    texts = [json.loads(line)['text'] for line in open(path, encoding='utf-8')]
    tokens = sum(len(x) for x in m.tokenizer(texts, truncation=True, max_length=8192)['input_ids'])
    for batch in map(int, a.batches.split(',')):
        try:
            m.encode(texts[:2 * batch], batch_size=batch)
            seconds = []
            for _ in range(3):
                s = time.perf_counter(); m.encode(texts, batch_size=batch); seconds.append(time.perf_counter() - s)
            print(f'sentence-transformers fp16 {os.path.basename(path)} batch {batch}: {len(texts) / min(seconds):.1f} texts/s'
                  f' {tokens / min(seconds):.0f} tokens/s (slowest pass {max(seconds):.3f} s)', flush=True)
        except torch.OutOfMemoryError:
            print(f'sentence-transformers fp16 {os.path.basename(path)} batch {batch}: out of memory', flush=True)
            torch.cuda.empty_cache()
ms = []
for i in range(-20, a.queries):
    s = time.perf_counter(); m.encode(f'which insects glow in the dark, and why {i & 7}'); e = (time.perf_counter() - s) * 1e3
    if i >= 0: ms.append(e)
if ms:
    ms.sort()
    print(f'sentence-transformers one query at a time: p50 {ms[len(ms) // 2]:.2f} ms, p99 {ms[len(ms) * 99 // 100]:.2f} ms', flush=True)
