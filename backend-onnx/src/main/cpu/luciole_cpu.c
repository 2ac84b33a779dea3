// ONNX Runtime operators of the domain "luciole.cpu", for the layers of BERT-like encoders on x86-64 processors with AVX-512 and VNNI: Layers and FloatLayers,
// from the states of tokens to their states after all layers, over texts laid end to end. Linear layers multiply bytes, halves (bf16) or floats;
// attention multiplies floats with those, halves otherwise. Built into libluciole_cpu.so, which a session registers; see CpuLayers.java, which says what the inputs are.
//
// This file is the only one that the C compiler is given. The *.inc.c are parts of it; README.md says what each has.
#define _GNU_SOURCE
#include <float.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../cuda/ort.inc.c"

// ---- What the kernels share. T tokens, H components of a state, F of a feed-forward layer, N outputs and K inputs of a linear layer.
enum { GELU, GELU_TANH, RELU };  // activations
enum { BYTES = 1, HALF = 2, FLOATS = 4 };  // what linear layers multiply, by size
enum { QUERIES = 32, KEYS = 512 };  // of so many queries and keys at most attention keeps the scores at a time

typedef struct {           // x·Wᵀ + b. Vectors have `padded` components: the outputs, and zeros to a multiple of a panel
  const void* packed;      // panels of W
  const float *scale;      // of each output's bytes, or null
  const int32_t* start;    // of bytes: -zero·Σw
  const float* bias;
  const float* outliers;   // [O, padded], or null
  int inputs, outputs, padded;
} Linear;

typedef struct { const float *gamma, *beta; } Norm;

typedef struct {
  Linear qkv, out, up, down;
  Norm attention_norm, output_norm;
} Layer;

typedef struct {           // rows as products take them
  void* values;
  int size;                // of a value: BYTES, HALF or FLOATS
  float* scales;           // of each row's bytes
  float* outliers;         // of bytes: [rows, outlier_count]
  int outlier_count;
} Rows;

typedef struct {           // where a product goes: floats plus a residual, if not null, or halves
  float* floats;
  const float* residual;
  uint16_t* halves;
  size_t stride;
} Target;

typedef struct {           // of one head of one text: rows of halves or floats, strides in those
  const void *queries, *keys, *values;
  int size;                // HALF or FLOATS
  size_t query_stride, stride;
} Heads;

typedef struct {
  void* keys;              // [keys / PANEL, head / 2, PANEL] pairs of halves, or [keys / PANEL, head, PANEL] floats
  void* values;            // [keys / 2, head, 2] halves, or [keys, head] floats
  float* scores;           // [QUERIES, KEYS]
  void* weights;           // [QUERIES, KEYS] halves, or floats: then the place of the scores
} AttentionScratch;

typedef struct {           // see kernels.inc.c and tiles.inc.c
  int rows;                // that a product takes at once: tasks are cut at multiples of it
  void (*linear)(const Linear*, Rows, int row, int row_end, int panel, int panel_end, Target);
  void (*convert)(float* values, int width, const int* channels, Rows, int row);
  void (*convert_activated)(int activation, float* values, int width, float shift, Rows, int row);
  void (*normalize)(const float* x, int width, const float* gamma, const float* beta, float epsilon, float* y);
  void (*pack)(const uint32_t* rows, size_t stride, int count, int width, uint32_t* to);
  void (*attend)(Heads, int asking, int count, int head, const AttentionScratch*, float* to, size_t to_stride);  // softmax(Q·Kᵀ / sqrt(head))·V
} Kernels;

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")
#define HALVES 0
#define FN(name) name##_vnni
#include "kernels.inc.c"
#undef HALVES
#undef FN
#pragma GCC target("avx512bf16")
#define HALVES 1
#define FN(name) name##_bf16
#include "kernels.inc.c"
// Tiles by assembly: the compilers' own macros do not tell that a load reads memory, and writes before it may then come after it.
#define AMX(name) name##_amx
#define TILE_CONFIGURE(config) __asm__ volatile("ldtilecfg %0" ::"m"(*(config)))
#define TILE_RELEASE() __asm__ volatile("tilerelease")
#define TILE_ZERO(tile) __asm__ volatile("tilezero %%tmm" #tile ::)
#define TILE_LOAD(tile, from, stride) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(from), "r"((size_t)(stride)) : "memory")
#define TILE_STORE(tile, to, stride) __asm__ volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(to), "r"((size_t)(stride)) : "memory")
#define TILE_ADD_FOURS(sum, a, b) __asm__ volatile("tdpbusd %%tmm" #b ", %%tmm" #a ", %%tmm" #sum ::)
#define TILE_ADD_PAIRS(sum, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sum ::)
#include "tiles.inc.c"
#undef AMX
#undef FN
#pragma GCC pop_options

// Whether this process may use tiles: Linux wants to be asked first, since they make a thread's state 8 KB larger.
static int may_use_tiles(void) {
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA of asm/prctl.h
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("amx-bf16") &&
         syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

// The kernels for this processor; null if there are none.
static const Kernels* kernels_of_processor(void) {
  __builtin_cpu_init();
  int vnni = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
  if (!vnni) return NULL;
  if (!__builtin_cpu_supports("avx512bf16")) return &kernels_vnni;
  return may_use_tiles() ? &kernels_amx : &kernels_bf16;
}

typedef struct {
  int layer_count, hidden, inner, heads, activation, outlier_count, size;
  float epsilon, shift;    // shift: of bytes, what an activation is above -shift
  const int* channels;     // [outlier_count]
  Layer* layers;
  char* packed;            // floats as panels, which the inputs are not; or null
} Model;

#include "layers.inc.c"

// ---- The operator.
enum { MAX_ARENAS = 32, KEPT_BYTES = 96 << 20, ALIGNMENT = 64 };

typedef struct {
  const OrtApi* api;
  int64_t heads, inner, hidden, activation, threads, size;
  float epsilon, shift;
  const Kernels* kernels;
  atomic_int running;      // batches
  pthread_mutex_t lock;    // guards what follows
  Model* model;
  struct { void* memory; size_t size; } arenas[MAX_ARENAS];  // of runs that are over, for the next
} Operator;

static OrtStatus* failed(const OrtApi* api, const char* problem) {
  char text[300];
  snprintf(text, sizeof text, "luciole::Layers: %s", problem);
  return ORT(api, CreateStatus, OrtStatus*, int, const char*)(ORT_FAIL, text);
}

static OrtStatus* create(const OrtCustomOp* op, const OrtApi* api, const void* info, void** made) {
  (void)op;
  const Kernels* kernels = kernels_of_processor();
  if (!kernels) return failed(api, "expected a processor with AVX-512 and VNNI");
  Operator* k = calloc(1, sizeof *k);
  if (!k) return failed(api, "no memory");
  k->api = api;
  k->kernels = kernels;
  OrtStatus* (*number)(const void*, const char*, int64_t*) = (OrtStatus * (*)(const void*, const char*, int64_t*)) api->f[ORT_KernelInfoGetAttribute_int64];
  OrtStatus* (*real)(const void*, const char*, float*) = (OrtStatus * (*)(const void*, const char*, float*)) api->f[ORT_KernelInfoGetAttribute_float];
  OrtStatus* s = number(info, "heads", &k->heads);
  if (!s) s = number(info, "hidden", &k->hidden);
  if (!s) s = number(info, "inner", &k->inner);
  if (!s) s = number(info, "activation", &k->activation);
  if (!s) s = number(info, "threads", &k->threads);
  if (!s) s = number(info, "size", &k->size);
  if (!s) s = real(info, "epsilon", &k->epsilon);
  if (!s) s = real(info, "shift", &k->shift);
  if (s) {
    free(k);
    return s;
  }
  pthread_mutex_init(&k->lock, NULL);
  *made = k;
  return NULL;
}

static void free_model(Model* m) {
  if (m) free(m->layers), free(m->packed);
  free(m);
}

static void destroy(void* kernel) {
  Operator* k = kernel;
  for (int i = 0; i < MAX_ARENAS; i++) free(k->arenas[i].memory);
  free_model(k->model);
  pthread_mutex_destroy(&k->lock);
  free(k);
}

// An input's values and its first dimension; null and 0 where an optional one is not there.
static const void* input(const OrtApi* api, void* context, size_t index, int64_t* rows) {
  const void* value = NULL;
  void *data = NULL, *shape = NULL;
  *rows = 0;
  ORT(api, KernelContext_GetInput, OrtStatus*, void*, size_t, const void**)(context, index, &value);
  if (!value) return NULL;
  ORT(api, GetTensorMutableData, OrtStatus*, const void*, void**)(value, &data);
  int64_t dimensions[4] = {0};
  size_t count = 0;
  ORT(api, GetTensorTypeAndShape, OrtStatus*, const void*, void**)(value, &shape);
  ORT(api, GetDimensionsCount, OrtStatus*, const void*, size_t*)(shape, &count);
  ORT(api, GetDimensions, OrtStatus*, const void*, int64_t*, size_t)(shape, dimensions, count < 4 ? count : 4);
  ORT(api, ReleaseTensorTypeAndShapeInfo, void, void*)(shape);
  *rows = dimensions[0];
  return data;
}

enum { STATES, STARTS, POOLED, HEADER, FIRST_LAYER };  // inputs
// Inputs of a layer of floats, from HEADER on. Weights are [N, K] there, as in a checkpoint.
enum { QUERY, QUERY_BIAS, KEY, VALUE, VALUE_BIAS, OUT_WEIGHT, OUT_BIAS, ATTENTION_GAMMA, ATTENTION_BETA, UP_WEIGHT, UP_BIAS, DOWN_WEIGHT, DOWN_BIAS,
       OUTPUT_GAMMA, OUTPUT_BETA, LAYER_INPUTS };

// Takes the next `size` bytes of a layer's weights; parts begin at multiples of ALIGNMENT from the first.
static const void* take(const char** at, size_t size) {
  const void* taken = *at;
  *at += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return taken;
}

static Linear take_linear(const Operator* k, const char** at, int outputs, int inputs, int outliers) {
  Linear l = {.inputs = inputs, .outputs = outputs, .padded = panels(outputs) * PANEL};
  l.packed = take(at, (size_t)l.padded * inputs * k->size);
  l.bias = take(at, l.padded * 4);
  if (k->size == BYTES) {
    l.scale = take(at, l.padded * 4);
    l.start = take(at, l.padded * 4);
    if (outliers) l.outliers = take(at, (size_t)outliers * l.padded * 4);
  }
  return l;
}

static Norm take_norm(const char** at, int hidden) {
  const float* gamma = take(at, hidden * 4);
  return (Norm){gamma, take(at, hidden * 4)};
}

// Notes where a layer's packed weights are. Whether they are those of the attributes.
static int take_layer(const Operator* k, void* context, const Model* m, int index) {
  int64_t size;
  const char *first = input(k->api, context, FIRST_LAYER + index, &size), *at = first;
  Layer* l = &m->layers[index];
  l->qkv = take_linear(k, &at, 3 * m->hidden, m->hidden, m->outlier_count);
  l->out = take_linear(k, &at, m->hidden, m->hidden, 0);
  l->attention_norm = take_norm(&at, m->hidden);
  l->up = take_linear(k, &at, m->inner, m->hidden, m->outlier_count);
  l->down = take_linear(k, &at, m->hidden, m->inner, 0);
  l->output_norm = take_norm(&at, m->hidden);
  return at - first == size;
}

// Packs `count` layers of the same input, of `outputs` each, as one: weights and biases, where there are any, to *at. `joined` has room for all weights.
static Linear pack_linear(const Operator* k, char** at, int count, const float** weights, const float** biases, int outputs, int inputs, float* joined) {
  int all = count * outputs, padded = panels(all) * PANEL;
  uint32_t* packed = (uint32_t*)*at;
  float* bias = (float*)(packed + (size_t)padded * inputs);
  *at = (char*)(bias + padded);
  memset(bias, 0, padded * 4);
  for (int i = 0; i < count; i++) {
    if (count > 1) memcpy(joined + (size_t)i * outputs * inputs, weights[i], (size_t)outputs * inputs * 4);
    if (biases[i]) memcpy(bias + i * outputs, biases[i], outputs * 4);
  }
  k->kernels->pack((const uint32_t*)(count > 1 ? joined : weights[0]), inputs, all, inputs, packed);
  return (Linear){.inputs = inputs, .outputs = all, .padded = padded, .packed = packed, .bias = bias};
}

static size_t packed_size(int outputs, int inputs) { return (size_t)panels(outputs) * PANEL * (inputs + 1) * 4; }

// Packs a layer's floats to *at. The keys' bias adds the same to all scores of a query, which softmax takes away again: it is no input.
static int pack_layer(const Operator* k, void* context, const Model* m, int index, char** at, float* joined) {
  const float* w[LAYER_INPUTS];
  const int h = m->hidden, f = m->inner, rows[LAYER_INPUTS] = {h, h, h, h, h, h, h, h, h, f, f, h, h, h, h};
  for (int i = 0; i < LAYER_INPUTS; i++) {
    int64_t size;
    w[i] = input(k->api, context, HEADER + index * LAYER_INPUTS + i, &size);
    if (size != rows[i]) return 0;
  }
  Layer* l = &m->layers[index];
  l->qkv = pack_linear(k, at, 3, (const float*[]){w[QUERY], w[KEY], w[VALUE]}, (const float*[]){w[QUERY_BIAS], NULL, w[VALUE_BIAS]}, h, h, joined);
  l->out = pack_linear(k, at, 1, &w[OUT_WEIGHT], &w[OUT_BIAS], h, h, NULL);
  l->attention_norm = (Norm){w[ATTENTION_GAMMA], w[ATTENTION_BETA]};
  l->up = pack_linear(k, at, 1, &w[UP_WEIGHT], &w[UP_BIAS], f, h, NULL);
  l->down = pack_linear(k, at, 1, &w[DOWN_WEIGHT], &w[DOWN_BIAS], h, f, NULL);
  l->output_norm = (Norm){w[OUTPUT_GAMMA], w[OUTPUT_BETA]};
  return 1;
}

// Notes where the weights are, and packs floats, at the first run. Null, with a problem, if they are not those of the attributes.
static Model* read_model(Operator* k, void* context, const char** problem) {
  size_t inputs = 0;
  ORT(k->api, KernelContext_GetInputCount, OrtStatus*, void*, size_t*)(context, &inputs);
  int floats = k->size == FLOATS, h = (int)k->hidden, f = (int)k->inner;
  int layers = floats ? (int)(inputs - HEADER) / LAYER_INPUTS : (int)(inputs - FIRST_LAYER);
  Model* m = calloc(1, sizeof *m);
  if (!m || !(m->layers = calloc(layers, sizeof(Layer)))) return free_model(m), *problem = "no memory", NULL;
  m->layer_count = layers, m->hidden = h, m->inner = f, m->heads = (int)k->heads, m->size = (int)k->size;
  m->activation = (int)k->activation, m->epsilon = k->epsilon, m->shift = k->shift;
  float* joined = NULL;
  char* at = NULL;
  if (floats) {
    size_t each = packed_size(3 * h, h) + packed_size(h, h) + packed_size(f, h) + packed_size(h, f);
    m->packed = at = aligned_alloc(ALIGNMENT, each * layers);
    joined = malloc((size_t)3 * h * h * 4);
    if (!at || !joined) return free(joined), free_model(m), *problem = "no memory for its weights", NULL;
  } else {
    int64_t size;
    const int32_t* header = input(k->api, context, HEADER, &size);
    m->outlier_count = header[0], m->channels = header + 1;
  }
  int fits = 1;
  for (int i = 0; i < layers && fits; i++) fits = floats ? pack_layer(k, context, m, i, &at, joined) : take_layer(k, context, m, i);
  free(joined);
  return fits ? m : (free_model(m), *problem = "a layer's weights have another size", NULL);
}

static const Model* model(Operator* k, void* context, const char** problem) {
  pthread_mutex_lock(&k->lock);
  if (!k->model) k->model = read_model(k, context, problem);
  const Model* m = k->model;
  pthread_mutex_unlock(&k->lock);
  return m;
}

// Memory of a run: pieces of one arena, which outlives the run unless it is large. `at` counts without memory first.
typedef struct { char* memory; size_t at; } Arena;

static void* piece(Arena* a, size_t size) {
  void* p = a->memory ? a->memory + a->at : NULL;
  a->at += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return p;
}

// Floats are multiplied where they are: their rows have no values of their own yet.
static Rows piece_of_rows(Arena* a, const Operator* k, size_t rows, int width, int outliers) {
  Rows x = {.size = (int)k->size};
  if (x.size != FLOATS) x.values = piece(a, rows * width * x.size);
  if (x.size == BYTES) x.scales = piece(a, rows * 4), x.outliers = piece(a, rows * outliers * 4), x.outlier_count = outliers;
  return x;
}

static void lay_out(Run* r, const Operator* k, int slots, int longest, Arena* a) {
  const Model* m = r->model;
  size_t t = r->tokens, h = m->hidden;
  int head = m->hidden / m->heads, keys = (longest + PANEL - 1) / PANEL * PANEL;
  r->sum = piece(a, t * h * 4);
  r->context = piece(a, t * h * 4);
  int size = attended(m);
  r->qkv = piece(a, t * 3 * h * size);
  r->pooled_queries = piece(a, (size_t)r->texts * h * size);
  r->states_in = piece_of_rows(a, k, t, m->hidden, m->outlier_count);
  r->context_in = piece_of_rows(a, k, t, m->hidden, 0);
  if (m->size == FLOATS) r->context_in.values = r->context;
  r->slots = piece(a, slots * sizeof(Slot));
  for (int i = 0; i < slots; i++) {
    Slot s = {0};
    if (i == 0 || !goes_by_steps(r->tokens, r->threads)) {
      s.inner = piece(a, (size_t)r->slot_rows * m->inner * 4);
      s.activated = piece_of_rows(a, k, r->slot_rows, m->inner, 0);
      if (m->size == FLOATS) s.activated.values = s.inner;
    }
    s.attention.keys = piece(a, (size_t)keys * head * size);
    s.attention.values = piece(a, (size_t)keys * head * size);
    s.attention.scores = piece(a, QUERIES * KEYS * 4);
    s.attention.weights = size == FLOATS ? s.attention.scores : piece(a, QUERIES * KEYS * size);
    if (a->memory) r->slots[i] = s;
  }
}

// Memory of an earlier run, or other memory in place of an earlier run's that is too small: there are never more than runs at once.
static void* borrow(Operator* k, size_t size, size_t* got) {
  void *memory = NULL, *too_small = NULL;
  pthread_mutex_lock(&k->lock);
  int least = -1;
  for (int i = 0; i < MAX_ARENAS && !memory; i++) {
    if (!k->arenas[i].memory) continue;
    if (k->arenas[i].size >= size) {
      memory = k->arenas[i].memory, *got = k->arenas[i].size;
      k->arenas[i].memory = NULL;
    } else if (least < 0 || k->arenas[i].size < k->arenas[least].size) {
      least = i;
    }
  }
  if (!memory && least >= 0) {
    too_small = k->arenas[least].memory;
    k->arenas[least].memory = NULL;
  }
  pthread_mutex_unlock(&k->lock);
  if (memory) return memory;
  free(too_small);
  *got = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return aligned_alloc(ALIGNMENT, *got);
}

// Keeps the memory for another run, in place of a smaller one if need be.
static void give_back(Operator* k, void* memory, size_t size) {
  if (size <= KEPT_BYTES) {
    pthread_mutex_lock(&k->lock);
    int least = 0;
    for (int i = 0; i < MAX_ARENAS; i++) {
      if (!k->arenas[i].memory) {
        least = i;
        break;
      }
      if (k->arenas[i].size < k->arenas[least].size) least = i;
    }
    void* other = k->arenas[least].memory;
    k->arenas[least].memory = memory, k->arenas[least].size = size;
    memory = other;
    pthread_mutex_unlock(&k->lock);
  }
  free(memory);
}

// ---- Threads: those of the session's pool. Tasks are taken in turn by as many of them as the session has.
typedef struct {
  Run* run;
  void (*task)(Run*, int, int);
  int tasks;
  atomic_int next;
} Phase;

static void work(void* phase, size_t slot) {
  Phase* p = phase;
  for (int i; (i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < p->tasks;) p->task(p->run, i, (int)slot);
}

static void parallel_in_pool(Run* r, void (*task)(Run*, int, int), int tasks) {
  const Operator* k = *(const Operator**)r->context_of_ort;
  void* context = ((void**)r->context_of_ort)[1];
  Phase phase = {.run = r, .task = task, .tasks = tasks};
  int workers = r->threads < tasks ? r->threads : tasks;
  OrtStatus* s = NULL;
  if (workers > 1)
    s = ORT(k->api, KernelContext_ParallelFor, OrtStatus*, const void*, void (*)(void*, size_t), size_t, size_t, void*)(context, work, workers, 0, &phase);
  else
    work(&phase, 0);
  if (s) ORT(k->api, ReleaseStatus, void, OrtStatus*)(s), work(&phase, 0);
}

static OrtStatus* compute_alone(Operator* k, void* context, int threads) {
  const char* problem = NULL;
  const Model* m = model(k, context, &problem);
  if (!m) return failed(k->api, problem);
  int64_t tokens, starts, texts;
  const float* states = input(k->api, context, STATES, &tokens);
  void* where[] = {k, context};
  Run r = {.model = m, .kernels = k->kernels, .tokens = (int)tokens, .threads = threads, .parallel = parallel_in_pool, .context_of_ort = where};
  r.starts = input(k->api, context, STARTS, &starts);
  r.pooled = input(k->api, context, POOLED, &texts);
  r.texts = (int)starts - 1;
  int64_t shape[2] = {r.pooled ? r.texts : r.tokens, m->hidden};
  void *value = NULL, *out = NULL;
  OrtStatus* s = ORT(k->api, KernelContext_GetOutput, OrtStatus*, void*, size_t, const int64_t*, size_t, void**)(context, 0, shape, 2, &value);
  if (!s) s = ORT(k->api, GetTensorMutableData, OrtStatus*, const void*, void**)(value, &out);
  if (s) return s;
  int longest = 0;
  for (int i = 0; i < r.texts; i++)
    if (r.starts[i + 1] - r.starts[i] > longest) longest = (int)(r.starts[i + 1] - r.starts[i]);
  // A batch that goes by steps has its rows in one slot, another one a block's in each.
  r.slot_rows = goes_by_steps(r.tokens, r.threads) ? r.tokens : BLOCK_ROWS + k->kernels->rows;
  Arena count = {0};
  size_t state_size = (size_t)r.tokens * m->hidden * 4, size;
  lay_out(&r, k, r.threads, longest, &count);
  char* memory = borrow(k, count.at + state_size, &size);
  if (!memory) return failed(k->api, "out of memory for a batch");
  lay_out(&r, k, r.threads, longest, &(Arena){.memory = memory});
  r.states = r.pooled ? (float*)(memory + count.at) : out;
  if (m->size == FLOATS) r.states_in.values = r.states;
  memcpy(r.states, states, state_size);
  run_layers(&r);
  if (r.pooled) memcpy(out, r.states, (size_t)r.texts * m->hidden * 4);
  give_back(k, memory, size);
  return NULL;
}

// Batches that run at once share the threads: each has its part of them from its start to its end, and one alone has all. What comes out does not
// depend on that.
static OrtStatus* compute(void* kernel, void* context) {
  Operator* k = kernel;
  int running = atomic_fetch_add(&k->running, 1) + 1, threads = (int)k->threads / running;
  OrtStatus* s = compute_alone(k, context, threads > 0 ? threads : 1);
  atomic_fetch_sub(&k->running, 1);
  return s;
}

static const char* name(const OrtCustomOp* op);
static const char* provider(const OrtCustomOp* op) { return (void)op, NULL; }
static int input_type(const OrtCustomOp* op, size_t i);
static size_t input_count(const OrtCustomOp* op) { return (void)op, HEADER + 1; }
static int input_characteristic(const OrtCustomOp* op, size_t i) {
  return (void)op, i == POOLED ? INPUT_OUTPUT_OPTIONAL : i == HEADER ? INPUT_OUTPUT_VARIADIC : INPUT_OUTPUT_REQUIRED;
}
static int input_memory(const OrtCustomOp* op, size_t i) { return (void)op, (void)i, OrtMemTypeDefault; }
static int output_type(const OrtCustomOp* op, size_t i) { return (void)op, (void)i, ELEMENT_FLOAT; }
static int output_characteristic(const OrtCustomOp* op, size_t i) { return (void)op, (void)i, INPUT_OUTPUT_REQUIRED; }
static size_t one_output(const OrtCustomOp* op) { return (void)op, 1; }
static int one(const OrtCustomOp* op) { return (void)op, 1; }

#define OPERATOR                                             \
  {.version = ORT_API_VERSION,                               \
   .GetName = name,                                          \
   .GetExecutionProviderType = provider,                     \
   .GetInputType = input_type,                               \
   .GetInputTypeCount = input_count,                         \
   .GetOutputType = output_type,                             \
   .GetOutputTypeCount = one_output,                         \
   .KernelDestroy = destroy,                                 \
   .GetInputCharacteristic = input_characteristic,           \
   .GetOutputCharacteristic = output_characteristic,         \
   .GetInputMemoryType = input_memory,                       \
   .GetVariadicInputMinArity = one,                          \
   .GetVariadicInputHomogeneity = one,                       \
   .GetVariadicOutputMinArity = one,                         \
   .GetVariadicOutputHomogeneity = one,                      \
   .CreateKernelV2 = create,                                 \
   .KernelComputeV2 = compute}
static const OrtCustomOp LAYERS = OPERATOR, FLOAT_LAYERS = OPERATOR;

static const char* name(const OrtCustomOp* op) { return op == &FLOAT_LAYERS ? "FloatLayers" : "Layers"; }
static int input_type(const OrtCustomOp* op, size_t i) {
  return i == STATES ? ELEMENT_FLOAT : i < HEADER ? ELEMENT_INT64 : op == &FLOAT_LAYERS ? ELEMENT_FLOAT : ELEMENT_UINT8;
}

/** Called by ONNX Runtime when a session registers this library. Linked so that it is never unloaded: sessions outlive the options
    that registered it. */
__attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(void* options, const OrtApiBase* base) {
  static void* domain = NULL;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  return register_operator(options, base, ORT_API_WITH_PARALLEL_FOR, "luciole.cpu", (const OrtCustomOp*[]){&LAYERS, &FLOAT_LAYERS, NULL}, &domain, &lock);
}
