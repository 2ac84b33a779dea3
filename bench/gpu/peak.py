"""What a large matrix product reaches on each CUDA device, fp16, random values: prints TFLOP/s of the slowest device."""
import torch
rates = []
for d in range(torch.cuda.device_count()):
    torch.cuda.set_device(d)
    a, b = (torch.randn(8192, 8192, device='cuda', dtype=torch.float16) for _ in range(2))
    best = 0
    for _ in range(4):  # the first also brings the clock up
        s, e = torch.cuda.Event(True), torch.cuda.Event(True); s.record()
        for _ in range(20): a @ b
        e.record(); torch.cuda.synchronize(); best = max(best, 20 * 2 * 8192**3 / s.elapsed_time(e) / 1e9)
    rates.append(best)
print(f'{min(rates):.0f}')
