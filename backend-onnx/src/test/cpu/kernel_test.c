// Each kernel of the operator for CPUs against a reference in double precision, for each set of instructions that this processor has. Prints
// "none" where it has none; otherwise a line for each kernel and size: name, largest error, and the bound that it must not pass.
// CpuKernelsTest reads them. Inputs are random from a fixed seed, and the same everywhere.
#include "luciole_cpu.c"
#include <math.h>

// Tiles as the processor's manual says what its instructions do, for processors without them: the same functions of tiles.inc.c over registers in memory.
typedef union {
  char bytes[64];
  uint8_t a[16][4];
  int8_t b[16][4];
  uint16_t half[16][2];
  int32_t whole[16];
  float real[16];
} TileRow;
static TileRow tile_rows[8][16];
static TileConfig tiles;

static void configure_tiles(const TileConfig* config) {
  tiles = *config;
  memset(tile_rows, 0, sizeof tile_rows);
  for (int t = 0; t < 8; t++)
    if (config->palette != 1 || !config->rows[t] || config->rows[t] > 16 || !config->bytes[t] || config->bytes[t] > 64) abort();
}

static void move_tile(int tile, char* memory, size_t stride, int load) {
  for (int r = 0; r < 16; r++) {
    char* row = tile_rows[tile][r].bytes;
    if (load) memset(row, 0, 64);
    if (r < tiles.rows[tile]) memcpy(load ? row : memory + r * stride, load ? memory + r * stride : row, tiles.bytes[tile]);
  }
}

static float flushed(float x) { return fabsf(x) < FLT_MIN ? 0 : x; }

static void multiply_tiles(int sum, int a, int b, int halves) {
  if (tiles.bytes[a] / 4 != tiles.rows[b] || tiles.rows[a] != tiles.rows[sum] || tiles.bytes[b] != tiles.bytes[sum]) abort();
  for (int r = 0; r < tiles.rows[sum]; r++)
    for (int k = 0; k < tiles.bytes[a] / 4; k++)
      for (int n = 0; n < tiles.bytes[b] / 4; n++) {
        TileRow *to = &tile_rows[sum][r], *left = &tile_rows[a][r], *right = &tile_rows[b][k];
        for (int i = 0; i < 4 && !halves; i++) to->whole[n] += left->a[k][i] * right->b[n][i];
        for (int i = 0; i < 2 && halves; i++) {
          uint32_t x = (uint32_t)left->half[k][i] << 16, y = (uint32_t)right->half[n][i] << 16;
          float p, q;
          memcpy(&p, &x, 4), memcpy(&q, &y, 4);
          to->real[n] = flushed(fmaf(flushed(p), flushed(q), to->real[n]));
        }
      }
}

#undef TILE_CONFIGURE
#undef TILE_RELEASE
#undef TILE_ZERO
#undef TILE_LOAD
#undef TILE_STORE
#undef TILE_ADD_FOURS
#undef TILE_ADD_PAIRS
#define TILE_CONFIGURE(config) configure_tiles(config)
#define TILE_RELEASE() memset(&tiles, 0, sizeof tiles)
#define TILE_ZERO(tile) memset(tile_rows[tile], 0, sizeof tile_rows[tile])
#define TILE_LOAD(tile, from, stride) move_tile(tile, (char*)(from), stride, 1)
#define TILE_STORE(tile, to, stride) move_tile(tile, (char*)(to), stride, 0)
#define TILE_ADD_FOURS(sum, a, b) multiply_tiles(sum, a, b, 0)
#define TILE_ADD_PAIRS(sum, a, b) multiply_tiles(sum, a, b, 1)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,avx512bf16")
#define FN(name) name##_bf16
#define AMX(name) name##_emulated
#include "tiles.inc.c"
#undef FN
#pragma GCC pop_options

static uint64_t state = 42;
static double uniform(void) {  // in [-1, 1)
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int32_t)(state >> 32) / 2147483648.0;
}

static void* zeros(size_t size) {
  size_t rounded = (size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
  return memset(aligned_alloc(ALIGNMENT, rounded), 0, rounded);
}

static float* floats(size_t count, double size) {
  float* x = zeros(count * 4);
  for (size_t i = 0; i < count; i++) x[i] = (float)(uniform() * size);
  return x;
}

static uint16_t to_half(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static double of_half(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

static uint16_t* halves(size_t count, double size) {
  uint16_t* x = zeros(count * 2);
  for (size_t i = 0; i < count; i++) x[i] = to_half((float)(uniform() * size));
  return x;
}

static const char* variant;
static void report(const char* kernel, const char* sizes, double error, double bound) {
  printf("%s_%s(%s) %.3g %.3g\n", kernel, variant, sizes, error, bound);
}

static void worse(double* worst, double error) {
  if (!(error <= *worst) && !isnan(*worst)) *worst = error;  // nothing is worse than NaN
}

static void linear_layer(const Kernels* k, int size, int rows, int inputs, int outputs, int outliers, int into_halves) {
  int bytes = size == BYTES;
  Linear l = {.inputs = inputs, .outputs = outputs, .padded = panels(outputs) * PANEL};
  int step = 4 / size;
  char* packed = zeros((size_t)l.padded * inputs * size);
  double* w = zeros((size_t)outputs * inputs * 8);
  int32_t* start = zeros(l.padded * 4);
  float* scale = floats(l.padded, 1e-3);
  for (int n = 0; n < outputs; n++)
    for (int i = 0; i < inputs; i++) {
      size_t at = (size_t)n / PANEL * PANEL * inputs + (size_t)(i / step * PANEL + n % PANEL) * step + i % step;
      if (bytes) {
        int q = (int)lround(uniform() * 64);
        ((int8_t*)packed)[at] = (int8_t)q;
        w[(size_t)n * inputs + i] = (double)q * scale[n];
        start[n] -= 128 * q;
      } else if (size == FLOATS) {
        w[(size_t)n * inputs + i] = ((float*)packed)[at] = (float)uniform() * 0.1f;
      } else {
        ((uint16_t*)packed)[at] = to_half((float)uniform() * 0.1f);
        w[(size_t)n * inputs + i] = of_half(((uint16_t*)packed)[at]);
      }
    }
  float* bias = floats(l.padded, 1);
  l.packed = packed, l.bias = bias;
  float* apart = floats((size_t)outliers * l.padded, 0.1);
  if (bytes) l.scale = scale, l.start = start, l.outliers = outliers ? apart : NULL;
  Rows x = {.values = zeros((size_t)rows * inputs * size), .size = size, .outlier_count = outliers};
  double* a = zeros((size_t)rows * inputs * 8);
  if (bytes) x.scales = floats(rows, 0.02), x.outliers = floats((size_t)rows * outliers, 20);
  for (size_t i = 0; i < (size_t)rows * inputs; i++) {
    if (bytes) {
      int q = (int)lround(uniform() * 127);
      ((uint8_t*)x.values)[i] = (uint8_t)(q + 128);
      a[i] = q * (double)x.scales[i / inputs];
    } else if (size == FLOATS) {
      a[i] = ((float*)x.values)[i] = (float)uniform();
    } else {
      ((uint16_t*)x.values)[i] = to_half((float)uniform());
      a[i] = of_half(((uint16_t*)x.values)[i]);
    }
  }
  size_t stride = outputs + 16;
  float *y = floats(rows * stride, 1), *residual = floats(rows * stride, 1);
  uint16_t* z = halves(rows * stride, 1);
  Target to = into_halves ? (Target){.halves = z, .stride = stride} : (Target){.floats = y, .residual = residual, .stride = stride};
  float behind = y[outputs];
  k->linear(&l, x, 0, rows, 0, panels(outputs), to);
  double worst = 0;
  for (int r = 0; r < rows; r++)
    for (int n = 0; n < outputs; n++) {
      double sum = bias[n], most = fabs(sum);
      for (int i = 0; i < inputs; i++) sum += a[(size_t)r * inputs + i] * w[(size_t)n * inputs + i], most += fabs(a[(size_t)r * inputs + i] * w[(size_t)n * inputs + i]);
      for (int o = 0; bytes && o < outliers; o++) sum += (double)x.outliers[r * outliers + o] * apart[(size_t)o * l.padded + n], most += fabs((double)x.outliers[r * outliers + o] * apart[(size_t)o * l.padded + n]);
      double found = into_halves ? of_half(z[r * stride + n]) : y[r * stride + n] - (double)residual[r * stride + n];
      worse(&worst, fabs(found - sum) / (most + 1));
    }
  if (y[outputs] != behind) worst = NAN;  // wrote behind a row
  char sizes[80];
  snprintf(sizes, sizeof sizes, "rows=%d,inputs=%d,outputs=%d,outliers=%d,halves=%d", rows, inputs, outputs, outliers, into_halves);
  // Sums of bytes are exact; others round at each of their terms. A half has 8 binary digits.
  report(bytes ? "linear_bytes" : size == HALF ? "linear_halves" : "linear_floats", sizes, worst, into_halves ? 1 / 256. : bytes ? 1e-6 : 1e-5);
}

static void rows(const Kernels* k, int width) {
  char sizes[40];
  snprintf(sizes, sizeof sizes, "width=%d", width);
  float *x = floats(width, 3), *gamma = floats(width, 1), *beta = floats(width, 1), *y = zeros(width * 4);
  double mean = 0, variance = 0, worst = 0;
  for (int i = 0; i < width; i++) mean += x[i] / (double)width;
  for (int i = 0; i < width; i++) variance += (x[i] - mean) * (x[i] - mean) / width;
  k->normalize(x, width, gamma, beta, 1e-5f, y);
  for (int i = 0; i < width; i++) worse(&worst, fabs(y[i] - ((x[i] - mean) / sqrt(variance + 1e-5) * gamma[i] + beta[i])));
  report("normalize", sizes, worst, 3e-6);

  int channels[] = {1, width - 1};
  x[1] = 77, x[width - 1] = -55;
  float scale, apart[2], *before = zeros(width * 4);
  memcpy(before, x, width * 4);
  uint8_t* bytes = zeros(width);
  k->convert(x, width, channels, (Rows){.values = bytes, .size = BYTES, .scales = &scale, .outliers = apart, .outlier_count = 2}, 0);
  worst = memcmp(before, x, width * 4) || apart[0] != 77 || apart[1] != -55 || bytes[1] != 128 || bytes[width - 1] != 128 ? NAN : 0;
  double most = 0;
  for (int i = 2; i < width - 1; i++) most = fmax(most, fabs(x[i]));
  most = fmax(most, fabs(x[0]));
  worse(&worst, fabs(scale * 127 / most - 1));
  for (int i = 0; i < width; i++)
    if (i != 1 && i != width - 1) worse(&worst, fabs(x[i] / (double)scale - (bytes[i] - 128)) - 0.5);
  report("convert_to_bytes", sizes, worst, 1e-4);

  uint16_t* h = zeros(width * 2);
  k->convert(x, width, NULL, (Rows){.values = h, .size = HALF}, 0);
  worst = 0;
  for (int i = 0; i < width; i++) worse(&worst, h[i] != to_half(x[i]));
  report("convert_to_halves", sizes, worst, 0);
  float zero[64] = {0}, zero_scale;
  k->convert(zero, 64, NULL, (Rows){.values = bytes, .size = BYTES, .scales = &zero_scale}, 0);
  worst = 0;
  for (int i = 0; i < (width < 64 ? width : 64); i++) worse(&worst, bytes[i] != 128);
  report("convert_zeros", sizes, worst, 0);
}

static double activated(int activation, double x) {
  if (activation == RELU) return x > 0 ? x : 0;
  if (activation == GELU) return 0.5 * x * (1 + erf(x * M_SQRT1_2));
  return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static void activations(const Kernels* k, int activation, double size) {
  enum { WIDTH = 1024 };
  float shift = activation == RELU ? 0 : 0.1702f, scale, *x = floats(WIDTH, size), *y = zeros(WIDTH * 4);
  uint16_t* h = zeros(WIDTH * 2);
  uint8_t* q = zeros(WIDTH);
  memcpy(y, x, WIDTH * 4);
  k->convert_activated(activation, y, WIDTH, shift, (Rows){.values = q, .size = BYTES, .scales = &scale}, 0);
  double worst = 0, steps = 0, most = 0;
  for (int i = 0; i < WIDTH; i++) {
    double expected = activated(activation, x[i]) + shift;
    worse(&worst, fabs(y[i] - expected) / (1 + fabs(x[i])));
    worse(&steps, fabs(expected / scale - q[i]));
    most = fmax(most, expected);
  }
  char sizes[40];
  snprintf(sizes, sizeof sizes, "activation=%d,size=%g", activation, size);
  report("activate", sizes, worst, 5e-7);
  worse(&steps, fabs(scale * 255 / most - 1) * 1000);
  report("activated_bytes", sizes, steps, 0.51);
  float* z = zeros(WIDTH * 4);
  memcpy(z, x, WIDTH * 4);
  k->convert_activated(activation, z, WIDTH, shift, (Rows){.values = z, .size = FLOATS}, 0);
  worst = 0;
  for (int i = 0; i < WIDTH; i++) worse(&worst, fabs(z[i] - activated(activation, x[i])) / (1 + fabs(x[i])));
  report("activated_floats", sizes, worst, 5e-7);
  k->convert_activated(activation, x, WIDTH, shift, (Rows){.values = h, .size = HALF}, 0);
  worst = 0;
  for (int i = 0; i < WIDTH; i++) worse(&worst, fabs(of_half(h[i]) - (y[i] - shift)) / (1e-5 + fabs(y[i] - shift)));
  report("activated_halves", sizes, worst, 1 / 64.);
}

static double of(const void* numbers, int size, size_t at) { return size == HALF ? of_half(((const uint16_t*)numbers)[at]) : ((const float*)numbers)[at]; }

static void attention(const Kernels* k, int format, int asking, int count, int head, double size) {
  size_t stride = 3 * head + 16, rows = count > asking ? count : asking;
  char* qkv = format == HALF ? (char*)halves(stride * rows, size) : (char*)floats(stride * rows, size);
  Heads h = {.queries = qkv, .keys = qkv + head * format, .values = qkv + 2 * head * format, .size = format, .query_stride = stride, .stride = stride};
  size_t padded = (size_t)panels(count) * PANEL * head * format;
  AttentionScratch s = {zeros(padded), zeros(padded), floats(QUERIES * KEYS, 1), halves(QUERIES * KEYS, 1)};
  if (format == FLOATS) s.weights = s.scores;
  // What lies behind the last key is not the kernel's to rely on.
  memset(s.keys, 0xff, padded), memset(s.values, 0xff, padded);
  float* y = floats((size_t)asking * head, 1);
  k->attend(h, asking, count, head, &s, y, head);
  double worst = 0, *p = zeros(count * 8);
  for (int q = 0; q < asking; q++) {
    double most = -1e300, total = 0;
    for (int j = 0; j < count; j++) {
      p[j] = 0;
      for (int i = 0; i < head; i++) p[j] += of(h.queries, format, q * stride + i) * of(h.keys, format, j * stride + i) / sqrt(head);
      most = fmax(most, p[j]);
    }
    for (int j = 0; j < count; j++) total += p[j] = exp(p[j] - most);
    for (int i = 0; i < head; i++) {
      double sum = 0;
      for (int j = 0; j < count; j++) sum += p[j] / total * of(h.values, format, j * stride + i);
      worse(&worst, fabs(y[q * head + i] - sum) / size);
    }
  }
  char sizes[80];
  snprintf(sizes, sizeof sizes, "asking=%d,keys=%d,head=%d,size=%g", asking, count, head, size);
  // The weights are halves. As floats, scores of some hundred round by as much as their exponentials then do.
  report(format == HALF ? "attend" : "attend_floats", sizes, worst, format == HALF ? 1 / 256. : size > 8 ? 1e-3 : size > 1 ? 1e-4 : 3e-6);
}

// How many components of a query's context are others when it is asked alone, as pooled rows are, than among the text's.
static void asked_alone(const Kernels* k, int format, int count, int head) {
  size_t stride = 3 * head;
  char* qkv = format == HALF ? (char*)halves(stride * count, 1) : (char*)floats(stride * count, 1);
  Heads h = {.queries = qkv, .keys = qkv + head * format, .values = qkv + 2 * head * format, .size = format, .query_stride = stride, .stride = stride};
  size_t padded = (size_t)panels(count) * PANEL * head * format;
  AttentionScratch s = {zeros(padded), zeros(padded), floats(QUERIES * KEYS, 1), halves(QUERIES * KEYS, 1)};
  if (format == FLOATS) s.weights = s.scores;
  float *among = zeros((size_t)count * head * 4), *alone = zeros(head * 4);
  k->attend(h, count, count, head, &s, among, head);
  double others = 0;
  for (int q = 0; q < count; q++) {
    h.queries = qkv + q * stride * format;
    k->attend(h, 1, count, head, &s, alone, head);
    for (int i = 0; i < head; i++) others += memcmp(alone + i, among + (size_t)q * head + i, 4) != 0;
  }
  char sizes[40];
  snprintf(sizes, sizeof sizes, "keys=%d,head=%d", count, head);
  report(format == HALF ? "asked_alone" : "asked_alone_floats", sizes, others, 0);
}

static void all(const Kernels* k, const char* name) {
  variant = name;
  for (int size = BYTES; size <= FLOATS; size *= 2) {
    for (int r = 1; r <= 13; r++) linear_layer(k, size, r, 96, 96, r % 3, r % 2);
    linear_layer(k, size, 7, 16, 16, 1, 0);
    linear_layer(k, size, 6, 384, 64, 8, 0);
    linear_layer(k, size, 5, 4096, 80, 0, 0);
    for (int r = 14; r <= 115; r += r < 36 ? 1 : 13) linear_layer(k, size, r, 384, 144, r % 3, r % 2);
    linear_layer(k, size, 33, 1088, 64, 2, 0);
  }
  for (int w = 32; w <= 1024; w *= 2) rows(k, w);
  for (int a = GELU; a <= RELU; a++) activations(k, a, 0.01), activations(k, a, 6), activations(k, a, 200), activations(k, a, 1e15), activations(k, a, 1e30);
  const int counts[] = {1, 2, 5, 16, 17, 63, 64, 65, 511, 512, 513, 1100}, asked[] = {15, 16, 17, 31, 32, 33, 64, 70};
  for (int format = HALF; format <= FLOATS; format *= 2) {
    for (int head = 16; head <= 64; head += 16)
      for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) attention(k, format, counts[i] < 9 ? counts[i] : 9, counts[i], head, 1);
    for (int head = 32; head <= 64; head += 32)
      for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) attention(k, format, asked[i], asked[i] * 9, head, 1);
    for (int head = 16; head <= 64; head += 16) asked_alone(k, format, 1, head), asked_alone(k, format, 37, head);
    asked_alone(k, format, 530, 32);
    attention(k, format, 13, 700, 64, 8);   // a few keys have all the weight
    attention(k, format, 1, 40, 64, 30);
    for (int head = 16; head <= 64; head += 16) attention(k, format, 3, 3, head, 65504), attention(k, format, 3, 3, head, 1e18);  // scores of up to 1e36, all of some queries below 0
  }
}

// What an operator keeps after runs of growing size, as parts of the largest: no more than were in use at once.
static void arenas(int at_once) {
  Operator k = {0};
  pthread_mutex_init(&k.lock, NULL);
  void* memory[MAX_ARENAS];
  size_t got[MAX_ARENAS], kept = 0, largest = 0;
  for (size_t size = 1 << 12; size <= 1 << 22; size += size / 4) {
    for (int i = 0; i < at_once; i++) memory[i] = borrow(&k, size, &got[i]);
    for (int i = 0; i < at_once; i++) give_back(&k, memory[i], got[i]);
    largest = got[0];
  }
  for (int i = 0; i < MAX_ARENAS; i++)
    if (k.arenas[i].memory) kept += k.arenas[i].size, free(k.arenas[i].memory);
  char sizes[80];
  snprintf(sizes, sizeof sizes, "at_once=%d", at_once);
  report("arenas", sizes, (double)kept / largest, at_once);
}

// How many of runs at once get memory anew after as many were over before.
static void arenas_again(int at_once) {
  Operator k = {0};
  pthread_mutex_init(&k.lock, NULL);
  void* memory[64];
  size_t got[64];
  double kept = 0;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < MAX_ARENAS; i++) kept += k.arenas[i].memory != NULL;
    for (int i = 0; i < at_once; i++) memory[i] = borrow(&k, 1 << 16, &got[i]);
    for (int i = 0; i < at_once; i++) give_back(&k, memory[i], got[i]);
  }
  for (int i = 0; i < MAX_ARENAS; i++) free(k.arenas[i].memory);
  char sizes[80];
  snprintf(sizes, sizeof sizes, "at_once=%d", at_once);
  report("arenas_again", sizes, at_once - kept, 0);
}

int main(void) {
  const Kernels* best = kernels_of_processor();
  if (!best) return puts("none"), 0;
  all(&kernels_vnni, "vnni");
  if (best != &kernels_vnni) all(&kernels_bf16, "bf16"), all(&kernels_emulated, "emulated_tiles");
  if (best == &kernels_amx) all(&kernels_amx, "amx");
  variant = "all";
  for (int at_once = 1; at_once <= 3; at_once++) arenas(at_once);
  arenas_again(16);  // of 64 threads
  return 0;
}
