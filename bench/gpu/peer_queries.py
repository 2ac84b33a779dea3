"""The peer's latency of one query at a time:  python3 peer_queries.py MODEL_DIR [COUNT]
The queries of io.luciole.bench.EncodeBenchmark, through sentence-transformers' encode in fp16 on CUDA; dense vectors only."""
import sys, time, torch
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as M
d = sys.argv[1]; count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
t = M.Transformer(d, max_seq_length=8192, model_args={'dtype': torch.float16})
m = SentenceTransformer(modules=[t, M.Pooling(t.get_word_embedding_dimension(), pooling_mode='cls'), M.Normalize()], device='cuda')
ms = []
for i in range(-20, count):
    s = time.perf_counter(); m.encode(f'which insects glow in the dark, and why {i & 7}'); e = (time.perf_counter() - s) * 1e3
    if i >= 0: ms.append(e)
ms.sort(); print(f'sentence-transformers one query at a time: p50 {ms[count // 2]:.2f} ms, p99 {ms[count * 99 // 100]:.2f} ms', flush=True)
