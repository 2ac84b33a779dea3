// An ONNX Runtime operator of the domain "luciole", for BERT-like encoders in 16-bit floats on CUDA devices: Layers, all layers over
// texts laid end to end. Built into libluciole_cuda.so, which a session registers; see CudaLayers.java.
//
// Matrix products are cuBLASLt's, with bias, GELU and residual in their epilogues, each by the fastest of the algorithms it
// proposes; attention and layer normalisation are the kernels of kernels.ptx and, on Hopper, hopper.ptx. Small batches run as CUDA
// graphs, of up to 32 tokens by kernels of their own (small.ptx, from Hopper on). cuBLASLt and the
// driver are looked up at run time, in the process that has them loaded, so that one build serves CUDA 12 and 13 and this file
// needs no headers of NVIDIA's or ONNX Runtime's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "device.h"
#include "small.h"
#include "hopper.h"
#include "shared.h"

// ---- ONNX Runtime's C interface, as far as it is used: the table of functions by position, which is never reordered.
typedef struct { void* const f[300]; } OrtApi;
typedef struct { const OrtApi* (*GetApi)(uint32_t); const char* (*GetVersionString)(void); } OrtApiBase;
typedef void OrtStatus;
enum {
  CREATE_STATUS = 0, CREATE_DOMAIN = 26, DOMAIN_ADD = 27, ADD_DOMAIN = 28, MUTABLE_DATA = 51, DIMENSIONS_COUNT = 61,
  DIMENSIONS = 62, TYPE_AND_SHAPE = 65, ATTRIBUTE_FLOAT = 85, ATTRIBUTE_INT = 86, INPUT_COUNT = 88, INPUT = 90, OUTPUT = 91,
  RELEASE_SHAPE = 99, GPU_STREAM = 193
};
#define ORT(api, index, result, ...) ((result(*)(__VA_ARGS__))(api)->f[index])
enum { ORT_FAIL = 1, ORT_VERSION = 16, CPU_INPUT = -2, DEFAULT_MEMORY = 0, REQUIRED = 0, VARIADIC = 2 };

typedef struct Op Op;
struct Op {
  uint32_t version;
  void* (*create)(const Op*, const OrtApi*, const void*);
  const char* (*name)(const Op*);
  const char* (*provider)(const Op*);
  int (*input_type)(const Op*, size_t);
  size_t (*inputs)(const Op*);
  int (*output_type)(const Op*, size_t);
  size_t (*outputs)(const Op*);
  void (*compute)(void*, void*);
  void (*destroy)(void*);
  int (*input_kind)(const Op*, size_t);
  int (*output_kind)(const Op*, size_t);
  int (*input_memory)(const Op*, size_t);
  int (*variadic_least)(const Op*);
  int (*variadic_alike)(const Op*);
  int (*variadic_outputs_least)(const Op*);
  int (*variadic_outputs_alike)(const Op*);
  OrtStatus* (*create2)(const Op*, const OrtApi*, const void*, void**);
  OrtStatus* (*compute2)(void*, void*);
  void* later[8];
};

// ---- The operators.
enum { MOST_LAYERS = 128, SMALLS = 7 };
enum { WQKV, BQKV, WO, BO, G1, B1, WI, BI, WF, BF, G2, B2, WEIGHTS };
enum { QKV, OUT, INNER, OUTER, PRODUCTS };
// Sizes of graphs: those of up to 32 tokens are of the kernels of small.cu where there are such, and more of them.
static const int SMALL_TOKENS[SMALLS] = {8, 16, 24, 32, 64, 128, 256};

// A batch of up to so many tokens, as a graph that reads and writes buffers of its own.
typedef struct { void* graph; int version; Device x, y, tiles, spans; } Small;

typedef struct {
  const OrtApi* api;
  Shared* shared;
  int64_t heads, activation, inner, tune, graphs;
  float epsilon;
  int layers;
  Device weights[MOST_LAYERS * WEIGHTS];
  Small small[SMALLS];
  Device folded, moments;  // of small.cu, made with the first graph that needs them
  char error[512];
} Kernel;

static int epilogue(Kernel* k) { return k->activation == 2 ? RELU_BIAS : GELU_BIAS; }

// The products of a layer from the attention on; `context` is overwritten.
static int plan_tail(Kernel* k, Product* products, int tokens, Device context, Device x) {
  Shared* h = k->shared;
  const Device* w = k->weights;
  int layers = k->tune ? k->layers : 0;
  return plan(h, &products[OUT], tokens, h->hidden, h->hidden, BIAS, 1, context, &w[WO], &w[BO], layers, WEIGHTS, x, h->sum) &&
         plan(h, &products[INNER], tokens, h->hidden, h->inner, epilogue(k), 0, context, &w[WI], &w[BI], layers, WEIGHTS, 0, h->mid) &&
         plan(h, &products[OUTER], tokens, h->inner, h->hidden, BIAS, 1, h->mid, &w[WF], &w[BF], layers, WEIGHTS, context, h->sum);
}

static int tail(Kernel* k, Product* products, const Device* w, int tokens, Device context, Device x, Device out) {
  Shared* h = k->shared;
  return multiply(h, &products[OUT], context, w[WO], w[BO], x, h->sum) &&
         normalise(h, h->sum, h->context, w[G1], w[B1], tokens, k->epsilon) &&
         multiply(h, &products[INNER], h->context, w[WI], w[BI], 0, h->mid) &&
         multiply(h, &products[OUTER], h->mid, w[WF], w[BF], h->context, h->sum) &&
         normalise(h, h->sum, out, w[G2], w[B2], tokens, k->epsilon);
}

static int enqueue(Kernel* k, int tokens, int count, int queries, Device x, Device tiles, Device spans, Device out) {
  Shared* h = k->shared;
  Product products[PRODUCTS];
  memset(products, 0, sizeof products);
  const Device* w = k->weights;
  int ok = plan(h, &products[QKV], tokens, h->hidden, 3 * h->hidden, BIAS, 0, x, &w[WQKV], &w[BQKV], k->tune ? k->layers : 0, WEIGHTS, 0,
                h->qkv) &&
           plan_tail(k, products, tokens, h->context, x);
  for (int i = 0; ok && i < k->layers; i++, w += WEIGHTS) {
    ok = multiply(h, &products[QKV], x, w[WQKV], w[BQKV], 0, h->qkv) &&
         attend(h, tokens, (int)k->heads, count, queries, tiles, spans) &&
         tail(k, products, w, tokens, h->context, x, i + 1 == k->layers ? out : h->state);
    x = h->state;
  }
  for (int i = 0; i < PRODUCTS; i++) unplan(&products[i]);
  return ok;
}

// A kernel of small.ptx, which may begin before the one before it has ended.
static int begin_early(Shared* h, int kind, FewArguments arguments) {
  int height = arguments.rows <= 16 ? 0 : 1;
  void* all[] = {&arguments};
  Attribute early = {.id = BEGIN_EARLY, .value.allowed = 1};
  Launch launch = {.grid = {FEW_BLOCKS, 1, 1}, .block = {FEW_THREADS, 1, 1}, .shared = few_memory(kind, height), .stream = h->stream,
                   .attributes = &early, .count = 1};
  CHECK(cu.LaunchKernelEx(&launch, h->few.kernel[kind][height], all, NULL), "small batch");
  return 1;
}

enum { FOLDED_QKV = 3 * FEW_HIDDEN, FOLDED = FOLDED_QKV + FEW_INNER };  // outputs of a layer

// What normalised inputs add to products, for all layers; see small.cu.
static int fold(Kernel* k) {
  Shared* h = k->shared;
  CHECK(cu.MemAlloc(&k->folded, (size_t)k->layers * FOLDED * 8), "small batches");
  CHECK(cu.MemAlloc(&k->moments, FEW_ROWS * 8), "small batches");
  for (int i = 0; i < k->layers; i++) {
    const Device* w = &k->weights[i * WEIGHTS];
    Device none = 0, to = k->folded + (size_t)i * FOLDED * 8, then = to + FOLDED_QKV * 8;
    int wide = FOLDED_QKV, inner = FEW_INNER;
    void* first[] = {(void*)&w[WQKV], (void*)&w[BQKV], (void*)(i ? &w[G2 - WEIGHTS] : &none), (void*)(i ? &w[B2 - WEIGHTS] : &none), &to, &wide};
    void* second[] = {(void*)&w[WI], (void*)&w[BI], (void*)&w[G1], (void*)&w[B1], &then, &inner};
    CHECK(cu.LaunchKernel(h->few.fold, wide / 8, 1, 1, 256, 1, 1, 0, h->stream, first, NULL), "fold");
    CHECK(cu.LaunchKernel(h->few.fold, inner / 8, 1, 1, 256, 1, 1, 0, h->stream, second, NULL), "fold");
  }
  return 1;
}

// All layers over `rows` rows by small.cu; leaves the sum before the last normalisation in h->state.
static int enqueue_few(Kernel* k, int rows, Device x, Device spans) {
  Shared* h = k->shared;
  int ok = 1;
  Device gain = 0, shift = 0;  // of x; the embeddings' are normalised already
  for (int i = 0; ok && i < k->layers; i++) {
    const Device* w = &k->weights[i * WEIGHTS];
    Device folded = k->folded + (size_t)i * FOLDED * 8;
    FewArguments a = {.moments = k->moments, .rows = rows, .activation = (int)k->activation, .epsilon = k->epsilon};
    a.gain = gain, a.shift = shift;
    a.x = x, a.weight = w[WQKV], a.folded = folded, a.spans = spans, a.y = h->context;
    ok = begin_early(h, ATTEND, a);
    a.x = h->context, a.weight = w[WO], a.bias = w[BO], a.residual = x, a.y = h->sum;
    ok = ok && begin_early(h, LEAVE, a);
    a.gain = w[G1], a.shift = w[B1];
    a.x = h->sum, a.weight = w[WI], a.folded = folded + FOLDED_QKV * 8, a.y = h->mid;
    ok = ok && begin_early(h, ENTER, a);
    a.x = h->mid, a.weight = w[WF], a.bias = w[BF], a.residual = h->sum, a.y = h->state;
    ok = ok && begin_early(h, BACK, a);
    x = h->state, gain = w[G2], shift = w[B2];
  }
  return ok;
}

static void forget(Small* s) {
  if (s->graph) cu.GraphExecDestroy(s->graph);
  release(&s->x), release(&s->y), release(&s->tiles), release(&s->spans);
  s->graph = NULL;
}

static int by_few(const Kernel* k, int most) { return k->shared->few.fold && most <= FEW_ROWS; }

// Enqueues what the graph of a size does.
static int enqueue_graph(Kernel* k, Small* s, int most) {
  if (by_few(k, most)) return enqueue_few(k, most, s->x, s->spans);
  return enqueue(k, most, most / 16, 64, s->x, s->tiles, s->spans, s->y);
}

static int make(Kernel* k, Small* s, int most) {
  Shared* h = k->shared;
  size_t row = h->hidden * 2, rows = (most + 15) / 16 * 16;
  s->version = h->version;
  if (by_few(k, most) && !k->folded && !fold(k)) return 0;
  CHECK(cu.MemAlloc(&s->x, rows * row), "graph");
  CHECK(cu.MemAlloc(&s->y, rows * row), "graph");
  CHECK(cu.MemAlloc(&s->tiles, rows * 16), "graph");
  CHECK(cu.MemAlloc(&s->spans, rows * 8), "graph");
  CHECK(cu.MemsetD8Async(s->x, 0, rows * row, h->stream), "graph");
  CHECK(cu.MemsetD8Async(s->tiles, 0, rows * 16, h->stream), "graph");
  CHECK(cu.MemsetD8Async(s->spans, 0, rows * 8, h->stream), "graph");
  // Once outside of a graph: cuBLASLt loads kernels at first use, and algorithms are tried, which a capture does not allow.
  if (!enqueue_graph(k, s, most)) return 0;
  CHECK(cu.StreamSynchronize(h->stream), "graph");
  void *graph = NULL, *made = NULL;
  CHECK(cu.StreamBeginCapture(h->stream, CAPTURE_RELAXED), "capture");
  int ok = enqueue_graph(k, s, most);
  int ended = cu.StreamEndCapture(h->stream, &graph);
  if (!ok) return 0;
  CHECK(ended, "capture");
  int result = cu.GraphInstantiate(&made, graph, 0);
  cu.GraphDestroy(graph);
  CHECK(result, "graph");
  s->graph = made;
  return 1;
}

// Runs a small batch as a graph, made when the first of its size comes.
static int replay(Kernel* k, int index, int tokens, int count, Device x, Device tiles, Device spans, Device out) {
  Shared* h = k->shared;
  Small* s = &k->small[index];
  int most = SMALL_TOKENS[index];
  size_t row = h->hidden * 2;
  if (s->graph && s->version != h->version) {
    CHECK(cu.StreamSynchronize(h->stream), "graph");
    forget(s);
  }
  if (!s->graph) {
    forget(s);
    if (!make(k, s, most)) return 0;
  }
  if (by_few(k, most)) {
    void* arguments[] = {&x, &spans, &s->x, &s->spans, &tokens, &most};
    CHECK(cu.LaunchKernel(h->few.stage, (tokens * (FEW_HIDDEN / 8) + 255) / 256, 1, 1, 256, 1, 1, 0, h->stream, arguments, NULL), "stage");
    CHECK(cu.GraphLaunch(s->graph, h->stream), "graph");
    const Device* last = &k->weights[(k->layers - 1) * WEIGHTS];
    return normalise(h, h->state, out, last[G2], last[B2], tokens, k->epsilon);
  }
  CHECK(cu.MemcpyDtoDAsync(s->x, x, tokens * row, h->stream), "copy");
  CHECK(cu.MemsetD8Async(s->tiles, 0, most * 16, h->stream), "tiles");
  CHECK(cu.MemcpyDtoDAsync(s->tiles, tiles, count * 16, h->stream), "copy");
  CHECK(cu.MemcpyDtoDAsync(s->spans, spans, tokens * 8, h->stream), "copy");
  CHECK(cu.GraphLaunch(s->graph, h->stream), "graph");
  CHECK(cu.MemcpyDtoDAsync(out, s->y, tokens * row, h->stream), "copy");
  return 1;
}

// ---- The operators' interface.
static OrtStatus* status(const OrtApi* api, const char* text) {
  return ORT(api, CREATE_STATUS, OrtStatus*, int, const char*)(ORT_FAIL, text);
}

static OrtStatus* create(const Op* op, const OrtApi* api, const void* info, void** made) {
  (void)op;
  Kernel* k = calloc(1, sizeof *k);
  if (!k) return status(api, "luciole: no memory");
  k->api = api;
  OrtStatus* (*number)(const void*, const char*, int64_t*) = (OrtStatus * (*)(const void*, const char*, int64_t*)) api->f[ATTRIBUTE_INT];
  OrtStatus* (*real)(const void*, const char*, float*) = (OrtStatus * (*)(const void*, const char*, float*)) api->f[ATTRIBUTE_FLOAT];
  OrtStatus* s = number(info, "heads", &k->heads);
  if (!s) s = number(info, "activation", &k->activation);
  if (!s) s = number(info, "inner", &k->inner);
  if (!s) s = number(info, "tune", &k->tune);
  if (!s) s = number(info, "graphs", &k->graphs);
  if (!s) s = real(info, "epsilon", &k->epsilon);
  if (s) {
    free(k);
    return s;
  }
  *made = k;
  return NULL;
}

static void destroy(void* kernel) {
  Kernel* k = kernel;
  pthread_mutex_lock(&lock);
  if (k->shared) {
    void* before;
    int entered = cu.CtxPushCurrent(k->shared->device) == 0;
    for (int i = 0; i < SMALLS; i++) forget(&k->small[i]);
    release(&k->folded), release(&k->moments);
    if (entered) cu.CtxPopCurrent(&before);
    leave(k->shared);
  }
  pthread_mutex_unlock(&lock);
  free(k);
}

static const void* input(const OrtApi* api, void* context, size_t index, int64_t* rows) {
  const void* value = NULL;
  void* data = NULL;
  void* shape = NULL;
  ORT(api, INPUT, OrtStatus*, void*, size_t, const void**)(context, index, &value);
  ORT(api, MUTABLE_DATA, OrtStatus*, const void*, void**)(value, &data);
  if (rows) {
    int64_t dimensions[4] = {0};
    size_t count = 0;
    ORT(api, TYPE_AND_SHAPE, OrtStatus*, const void*, void**)(value, &shape);
    ORT(api, DIMENSIONS_COUNT, OrtStatus*, const void*, size_t*)(shape, &count);
    ORT(api, DIMENSIONS, OrtStatus*, const void*, int64_t*, size_t)(shape, dimensions, count < 4 ? count : 4);
    ORT(api, RELEASE_SHAPE, void, void*)(shape);
    *rows = dimensions[0];
  }
  return data;
}

static OrtStatus* output(const OrtApi* api, void* context, int64_t rows, int64_t columns, void** data) {
  void* value = NULL;
  int64_t shape[2] = {rows, columns};
  OrtStatus* s = ORT(api, OUTPUT, OrtStatus*, void*, size_t, const int64_t*, size_t, void**)(context, 0, shape, 2, &value);
  return s ? s : ORT(api, MUTABLE_DATA, OrtStatus*, const void*, void**)(value, data);
}

static Device at(const void* p) { return (Device)(uintptr_t)p; }

// The inputs: states [T,H], tiles [n,4], spans [T,2], queries [1] (rows a tile may have), weights layer by layer.
enum { STATES, TILES, SPANS, QUERIES, FIRST_WEIGHT };

// Begins a run, on the stream that ONNX Runtime has given it, behind what other runs still do in the buffers they share. At the first,
// notes the weights' places. 0 if that fails; `end` is due in any case.
static int begin(Kernel* k, void* context) {
  void* stream = NULL;
  ORT(k->api, GPU_STREAM, OrtStatus*, const void*, void**)(context, &stream);
  if (!k->shared) {
    size_t inputs = 0;
    ORT(k->api, INPUT_COUNT, OrtStatus*, void*, size_t*)(context, &inputs);
    size_t count = inputs - FIRST_WEIGHT;
    if (count > MOST_LAYERS * WEIGHTS) return snprintf(k->error, sizeof k->error, "more than %d layers", MOST_LAYERS), 0;
    for (size_t i = 0; i < count; i++) k->weights[i] = at(input(k->api, context, FIRST_WEIGHT + i, NULL));
    k->layers = (int)(count / WEIGHTS);
    k->shared = join(k->heads * 64, k->inner, k->error, sizeof k->error);
    if (!k->shared) return 0;
  }
  Shared* h = k->shared;
  pthread_mutex_lock(&h->lock);
  h->error[0] = 0;
  if (h->stream != stream) {
    if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: a run on stream %p, the last was on %p\n", stream, h->stream);
    CHECK(cu.StreamWaitEvent(stream, h->done, 0), "waiting for another run");
  }
  h->stream = stream;
  return 1;
}

static OrtStatus* end(Kernel* k, int ok) {
  char text[600] = "";
  if (k->shared) {
    ok = ok && check(k->shared, cu.EventRecord(k->shared->done, k->shared->stream), "event");
    if (!ok) snprintf(text, sizeof text, "luciole::Layers: %s", k->shared->error);
    pthread_mutex_unlock(&k->shared->lock);
  } else {
    snprintf(text, sizeof text, "luciole::Layers: %s", k->error);
  }
  return ok ? NULL : status(k->api, text);
}

static OrtStatus* layers(void* kernel, void* context) {
  Kernel* k = kernel;
  int64_t tokens, count;
  void* out = NULL;
  Device x = at(input(k->api, context, STATES, &tokens));
  Device tiles = at(input(k->api, context, TILES, &count));
  Device spans = at(input(k->api, context, SPANS, NULL));
  const int64_t* queries = input(k->api, context, QUERIES, NULL);
  OrtStatus* s = output(k->api, context, tokens, k->heads * 64, &out);
  if (s) return s;
#ifdef LUCIOLE_WITHOUT_DEVICE  // for a test of the interface: gives the states back
  size_t inputs = 0;
  ORT(k->api, INPUT_COUNT, OrtStatus*, void*, size_t*)(context, &inputs);
  (void)tiles, (void)spans;
  if ((*queries != 64 && *queries != 128) || inputs % WEIGHTS != FIRST_WEIGHT || count < 1 || k->epsilon <= 0)
    return status(k->api, "luciole::Layers: the interface is not as expected");
  memcpy(out, (void*)(uintptr_t)x, tokens * k->heads * 64 * 2);
  return NULL;
#endif
  int ok = begin(k, context) && reserve(k->shared, tokens < 256 ? 256 : tokens);
  for (int i = 0; ok && i < SMALLS && k->graphs && *queries == 64; i++) {
    int most = SMALL_TOKENS[i];
    int fits = by_few(k, most) || (most % 16 == 0 && count <= most / 16 && (most & (most - 1)) == 0);
    if (tokens <= most && fits)
      return end(k, replay(k, i, (int)tokens, (int)count, x, tiles, spans, at(out)));
  }
  ok = ok && enqueue(k, (int)tokens, (int)count, (int)*queries, x, tiles, spans, at(out));
  return end(k, ok);
}

static const char* layers_name(const Op* op) { return (void)op, "Layers"; }
#ifdef LUCIOLE_WITHOUT_DEVICE
static const char* provider(const Op* op) { return (void)op, NULL; }
#else
static const char* provider(const Op* op) { return (void)op, "CUDAExecutionProvider"; }
#endif
enum { FLOAT16 = 10, INT32 = 6, INT64 = 7 };
static int layers_type(const Op* op, size_t i) { return (void)op, i == TILES || i == SPANS ? INT32 : i == QUERIES ? INT64 : FLOAT16; }
static size_t layers_inputs(const Op* op) { return (void)op, FIRST_WEIGHT + 1; }
static int layers_kind(const Op* op, size_t i) { return (void)op, i == FIRST_WEIGHT ? VARIADIC : REQUIRED; }
static int layers_memory(const Op* op, size_t i) { return (void)op, i == QUERIES ? CPU_INPUT : DEFAULT_MEMORY; }
static int layers_output(const Op* op, size_t i) { return (void)op, (void)i, FLOAT16; }
static int required(const Op* op, size_t i) { return (void)op, (void)i, REQUIRED; }
static size_t outputs(const Op* op) { return (void)op, 1; }
static int one(const Op* op) { return (void)op, 1; }

static const Op LAYERS = {.version = ORT_VERSION,
                          .name = layers_name,
                          .provider = provider,
                          .input_type = layers_type,
                          .inputs = layers_inputs,
                          .output_type = layers_output,
                          .outputs = outputs,
                          .destroy = destroy,
                          .input_kind = layers_kind,
                          .output_kind = required,
                          .input_memory = layers_memory,
                          .variadic_least = one,
                          .variadic_alike = one,
                          .variadic_outputs_least = one,
                          .variadic_outputs_alike = one,
                          .create2 = create,
                          .compute2 = layers};

/** Called by ONNX Runtime when a session registers this library. Linked so that it is never unloaded: sessions outlive the options
    that registered it. */
__attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(void* options, const OrtApiBase* base) {
  static void* domain = NULL;  // must outlive every session
  const OrtApi* api = base->GetApi(ORT_VERSION);
  if (!api) return NULL;
  OrtStatus* s = NULL;
  pthread_mutex_lock(&lock);
  if (!domain) {
    s = ORT(api, CREATE_DOMAIN, OrtStatus*, const char*, void**)("luciole", &domain);
    if (!s) s = ORT(api, DOMAIN_ADD, OrtStatus*, void*, const Op*)(domain, &LAYERS);
  }
  pthread_mutex_unlock(&lock);
  return s ? s : ORT(api, ADD_DOMAIN, OrtStatus*, void*, void*)(options, domain);
}
