// The speed of the CPU operator's kernels alone, for each set of instructions that the processor has:
//
//   backend-onnx/src/main/cuda/build.sh --program bench/cpu/kernels.c OUT && taskset -c 0 OUT
//
// One thread; for more, start it as often at once. Products of a layer of BGE-M3's size by rows, each weight anew from memory that the caches
// do not hold; attention of a head with its softmax; what lies between them. Medians of 9 rounds.
#include "luciole_cpu.c"
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void* filled(size_t size, int byte) { return memset(aligned_alloc(ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT), byte, size); }

static int ascending(const void* a, const void* b) { return *(const double*)a > *(const double*)b ? 1 : -1; }

enum { ROUNDS = 9, WEIGHTS = 24, MOST_ROWS = 96 };

#define MEDIAN(seconds, times, body)                                 \
  double seconds[ROUNDS];                                            \
  for (int round = 0; round < ROUNDS; round++) {                     \
    double start = now();                                            \
    for (int i = 0; i < (times); i++) { body; }                      \
    seconds[round] = (now() - start) / (times);                      \
  }                                                                  \
  qsort(seconds, ROUNDS, sizeof(double), ascending);

static void products(const Kernels* k, int size, int inputs, int outputs) {
  int bytes = size == BYTES;
  Linear w[WEIGHTS];
  for (int i = 0; i < WEIGHTS; i++) {
    w[i] = (Linear){.inputs = inputs, .outputs = outputs, .padded = outputs, .packed = filled((size_t)inputs * outputs * size, bytes ? 3 : 0x3c),
                    .bias = filled(outputs * 4, 0), .start = filled(outputs * 4, 0), .scale = bytes ? filled(outputs * 4, 0x3c) : NULL};
  }
  Rows x = {.values = filled((size_t)MOST_ROWS * inputs * size, bytes ? 5 : 0x3c), .size = size, .scales = bytes ? filled(MOST_ROWS * 4, 0x3c) : NULL};
  Target to = {.floats = filled((size_t)MOST_ROWS * outputs * 4, 0), .stride = outputs};
  const int rows[] = {6, 16, 21, 32, 96};
  printf("  %s %d to %d:", bytes ? "bytes" : size == HALF ? "bf16" : "floats", inputs, outputs);
  for (int r = 0; r < 5; r++) {
    MEDIAN(seconds, WEIGHTS, k->linear(&w[i], x, 0, rows[r], 0, outputs / PANEL, to))
    printf("  %d rows %.0f", rows[r], 2e-9 * rows[r] * inputs * outputs / seconds[ROUNDS / 2]);
  }
  puts(" G/s");
  for (int i = 0; i < WEIGHTS; i++) free((void*)w[i].packed), free((void*)w[i].bias), free((void*)w[i].start), free((void*)w[i].scale);
  free(x.values), free(x.scales), free(to.floats);
}

static void attention(const Kernels* k, int size) {
  const int counts[] = {24, 128, 512, 2048};
  printf("  attention of heads of 64, %s:", size == HALF ? "bf16" : "floats");
  for (int c = 0; c < 4; c++) {
    int n = counts[c];
    char* qkv = filled((size_t)n * 3072 * size, 0x3c);
    Heads h = {qkv, qkv + 1024 * size, qkv + 2048 * size, size, 3072, 3072};
    AttentionScratch s = {filled((size_t)(n + PANEL) * 64 * size, 0), filled((size_t)(n + PANEL) * 64 * size, 0), filled(QUERIES * KEYS * 4, 0), filled(QUERIES * KEYS * 4, 0)};
    float* to = filled((size_t)n * 1024 * 4, 0);
    MEDIAN(seconds, 2048 / n, k->attend(h, n, n, 64, &s, to, 1024))
    printf("  %d tokens %.0f", n, 256e-9 * n * n / seconds[ROUNDS / 2]);
    free(qkv), free(s.keys), free(s.values), free(s.scores), free(s.weights), free(to);
  }
  puts(" G/s");
}

static void rows(const Kernels* k) {
  float *x = filled(4096 * 4, 0), *gamma = filled(4096 * 4, 0), *y = filled(4096 * 4, 0), scale;
  for (int i = 0; i < 4096; i++) x[i] = (float)(i % 13) - 6;
  Rows bytes = {.values = filled(8192, 0), .size = BYTES, .scales = &scale}, halves = {.values = bytes.values, .size = HALF};
  MEDIAN(norm, 1000, k->normalize(x, 1024, gamma, gamma, 1e-5f, y))
  MEDIAN(convert, 1000, k->convert(x, 1024, NULL, bytes, 0))
  MEDIAN(activate, 1000, memcpy(y, x, 4096 * 4); k->convert_activated(GELU, y, 4096, 0.17f, bytes, 0))
  MEDIAN(activate_halves, 1000, memcpy(y, x, 4096 * 4); k->convert_activated(GELU, y, 4096, 0, halves, 0))
  printf("  a row, in µs: normalised %.2f, to bytes %.2f (1024); GELU to bytes %.2f, to bf16 %.2f (4096)\n", norm[ROUNDS / 2] * 1e6, convert[ROUNDS / 2] * 1e6,
         activate[ROUNDS / 2] * 1e6, activate_halves[ROUNDS / 2] * 1e6);
}

int main(void) {
  const Kernels* best = kernels_of_processor();
  if (!best) return puts("expected a processor with AVX-512 and VNNI"), 1;
  const struct { const char* name; const Kernels* kernels; } sets[] = {{"VNNI", &kernels_vnni}, {"VNNI and bf16", &kernels_bf16}, {"AMX", &kernels_amx}};
  int known = best == &kernels_amx ? 3 : best == &kernels_bf16 ? 2 : 1;
  for (int i = known; i-- > 0;) {
    printf("%s\n", sets[i].name);
    const Kernels* k = sets[i].kernels;
    for (int size = BYTES; size <= FLOATS; size *= 2) products(k, size, 1024, 1024), products(k, size, 1024, 4096), products(k, size, 4096, 1024);
    attention(k, HALF), attention(k, FLOATS);
    rows(k);
  }
  return 0;
}
