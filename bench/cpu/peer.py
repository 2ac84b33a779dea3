"""sentence-transformers in fp32 or bf16 on the CPU: the peer of bench/cpu/run.sh.

    [PRECISION=fp32] python3 peer.py MODEL BATCH[,BATCH...] PASSES TEXTS.jsonl ...

Prints tokens/s for each file at its best batch size, best of the passes after one short text as warm-up, and the process's peak memory.
"""
import json, os, re, sys, time, warnings

warnings.filterwarnings('ignore')
start = time.time()
import torch
from sentence_transformers import SentenceTransformer, __version__
from sentence_transformers import models as M

precision = os.environ.get('PRECISION', 'fp32')
model, sizes, passes, files = sys.argv[1], [int(b) for b in sys.argv[2].split(',')], int(sys.argv[3]), sys.argv[4:]
threads = len(os.sched_getaffinity(0))
torch.set_num_threads(threads)


def memory():
    status = open('/proc/self/status').read()
    return ', '.join(re.sub(r'\s+', ' ', line) for line in status.splitlines() if line.startswith(('VmHWM', 'RssAnon', 'RssFile')))


imported = time.time()
t = M.Transformer(model, max_seq_length=8192, model_args={'dtype': {'fp32': torch.float32, 'bf16': torch.bfloat16}[precision]})
m = SentenceTransformer(modules=[t, M.Pooling(t.get_word_embedding_dimension(), pooling_mode='cls'), M.Normalize()], device='cpu')
m.encode(['warm'])
print(f'sentence-transformers {__version__}, torch {torch.__version__}, {precision}, {threads} threads: imported in {imported - start:.1f} s, opened in {time.time() - imported:.1f} s', flush=True)
print('memory once opened:', memory(), flush=True)
for file in files:
    texts = [json.loads(line)['text'] for line in open(file, encoding='utf-8')]
    tokens = sum(len(x) for x in m.tokenizer(texts, truncation=True, max_length=8192)['input_ids'])
    best = (float('inf'), 0, 0)
    for size in sizes:
        for _ in range(passes):
            cpu, s = time.process_time(), time.time()
            m.encode(texts, batch_size=size)
            best = min(best, (time.time() - s, size, time.process_time() - cpu))
    print(f'sentence-transformers {os.path.basename(file)}: {len(texts)} texts, {tokens} tokens, {best[0]:.3f} s at batch {best[1]}: {tokens / best[0]:.0f} tokens/s, {tokens / best[2]:.0f} tokens a processor-second', flush=True)
print('memory in the end:', memory(), flush=True)
