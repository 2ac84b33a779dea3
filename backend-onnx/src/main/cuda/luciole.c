// An ONNX Runtime operator of the domain "luciole", for BERT-like encoders in 16-bit floats on CUDA devices: Encoder, from token ids to
// vectors, over texts laid end to end. Built into libluciole_cuda.so, which a session registers; see CudaEncoder.java.
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
enum { ORT_FAIL = 1, ORT_VERSION = 16, CPU_INPUT = -2, DEFAULT_MEMORY = 0, REQUIRED = 0, OPTIONAL = 1, VARIADIC = 2 };

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

#include "encoder.h"
#include "graphs.h"

// ---- The operator's interface.
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
  if (!s) s = number(info, "states", &k->states);
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
    for (int i = 0; i < GRAPHS; i++) forget(&k->graph[i]);
    release(&k->folded), release(&k->moments);
    if (entered) cu.CtxPopCurrent(&before);
    leave(k->shared);
  }
  pthread_mutex_unlock(&lock);
  free(k);
}

// An input's values and its first dimension; null and 0 where an optional one is not there.
static const void* input(const OrtApi* api, void* context, size_t index, int64_t* rows) {
  const void* value = NULL;
  void* data = NULL;
  void* shape = NULL;
  if (rows) *rows = 0;
  ORT(api, INPUT, OrtStatus*, void*, size_t, const void**)(context, index, &value);
  if (!value) return NULL;
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

static OrtStatus* output(const OrtApi* api, void* context, size_t index, size_t dimensions, int64_t rows, int64_t columns, void** data) {
  void* value = NULL;
  int64_t shape[2] = {rows, columns};
  OrtStatus* s = ORT(api, OUTPUT, OrtStatus*, void*, size_t, const int64_t*, size_t, void**)(context, index, shape, dimensions, &value);
  return s ? s : ORT(api, MUTABLE_DATA, OrtStatus*, const void*, void**)(value, data);
}

static Device at(const void* p) { return (Device)(uintptr_t)p; }

// See CudaEncoder.java. What a batch is comes in the host's memory, weights are on the device.
enum { TOKENS, TILES, QUERIES, POOLED, FIRST_WEIGHT };
enum { WORDS, POSITIONS, TYPE, GAIN, SHIFT, FIRST_LAYER };  // weights
enum { STATES, VECTORS, OUTPUTS };

typedef struct {
  const int32_t *tokens, *tiles;
  const int64_t *queries, *pooled;
  int64_t count, tiles_count, texts;
  void *states, *vectors;
} Run;

// Notes the places of the weights.
static int note_weights(Kernel* k, void* context) {
  size_t all = 0;
  ORT(k->api, INPUT_COUNT, OrtStatus*, void*, size_t*)(context, &all);
  size_t layers = (all - FIRST_WEIGHT - FIRST_LAYER) / WEIGHTS, last = FIRST_WEIGHT + FIRST_LAYER + layers * WEIGHTS;
  if (all < FIRST_WEIGHT + FIRST_LAYER + WEIGHTS || layers > MOST_LAYERS || (all != last && all != last + 2))
    return snprintf(k->error, sizeof k->error, "%d inputs are not those of 1 to %d layers", (int)all, MOST_LAYERS), 0;
  Device first[FIRST_LAYER];
  for (int i = 0; i < FIRST_LAYER; i++) first[i] = at(input(k->api, context, FIRST_WEIGHT + i, NULL));
  k->words = first[WORDS], k->positions = first[POSITIONS], k->type = first[TYPE];
  k->norm = (Norm){.gain = first[GAIN], .shift = first[SHIFT], .epsilon = k->epsilon};
  for (size_t i = 0; i < layers * WEIGHTS; i++) k->weights[i] = at(input(k->api, context, FIRST_WEIGHT + FIRST_LAYER + i, NULL));
  for (size_t i = last; i < all; i++) k->sparse[i - last] = at(input(k->api, context, i, NULL));
  k->layers = (int)layers;
  return 1;
}

// Begins a run, on the stream that ONNX Runtime has given it, behind what other runs still do in the buffers they share. 0 if that fails;
// `end` is due in any case.
static int begin(Kernel* k, void* context) {
  void* stream = NULL;
  ORT(k->api, GPU_STREAM, OrtStatus*, const void*, void**)(context, &stream);
  if (!k->shared && !(k->shared = join(k->heads * 64, k->inner, k->error, sizeof k->error))) return 0;
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
    if (!ok) snprintf(text, sizeof text, "luciole::Encoder: %s", k->shared->error);
    pthread_mutex_unlock(&k->shared->lock);
  } else {
    snprintf(text, sizeof text, "luciole::Encoder: %s", k->error);
  }
  return ok ? NULL : status(k->api, text);
}

// From a batch to vectors: everything is enqueued, nothing waited for.
static int compute(Kernel* k, const Run* r) {
  Shared* h = k->shared;
  size_t tokens_size = r->count * 16, tiles_size = r->tiles_count * 16, pooled_size = r->texts * 8;
  Staging* staging = reserve(h, r->count < 256 ? 256 : r->count) ? stage(h, tokens_size + tiles_size + pooled_size) : NULL;
  if (!staging) return 0;
  memcpy(staging->memory, r->tokens, tokens_size);
  memcpy(staging->memory + tokens_size, r->tiles, tiles_size);
  if (r->texts) memcpy(staging->memory + tokens_size + tiles_size, r->pooled, pooled_size);
  Device from = at(staging->memory);
  int tokens = (int)r->count, count = (int)r->tiles_count;
  Batch b = {.tokens = from, .tiles = from + tokens_size, .tokens_count = tokens, .tokens_filled = tokens, .tiles_count = count, .tiles_filled = count};
  Device sum;
  int ok = replay(k, b, (int)*r->queries, &sum);
  if (ok && !sum) {
    ok = embed(k, b) && enqueue(k, tokens, count, (int)*r->queries);
    sum = h->sum;
  }
  Device dense = at(r->vectors);
  Leaving l = {.states = k->states ? at(r->states) : 0, .weight = k->sparse[0], .bias = k->sparse[1], .rows = from + tokens_size + tiles_size,
               .dense = dense, .sparse = k->sparse[0] ? dense + r->texts * h->hidden * 4 : 0, .tokens = tokens, .texts = (int)r->texts};
  ok = ok && finish(k, sum, l);
  return check(h, cu.EventRecord(staging->done, h->stream), "event") && ok;  // also after a failure: some of it may be on its way
}

#ifdef LUCIOLE_WITHOUT_DEVICE  // for a test of the interface: writes what it was handed
static const char* provider(const Op* op) { return (void)op, NULL; }

static OrtStatus* echo(Kernel* k, void* context, const Run* r, int64_t hidden) {
  if ((*r->queries != 64 && *r->queries != 128) || r->tiles_count < 1 || k->epsilon <= 0 || !note_weights(k, context))
    return status(k->api, "luciole::Encoder: the interface is not as expected");
  float* vectors = r->vectors;
  for (int64_t i = 0; k->states && i < r->count * hidden; i++) ((uint16_t*)r->states)[i] = (uint16_t)r->tokens[i / hidden * 4];
  for (int64_t i = 0; i < r->texts * hidden; i++) *vectors++ = (float)r->pooled[i / hidden];
  for (int64_t i = 0; k->sparse[0] && i < r->count; i++) *vectors++ = (float)(r->tokens[i * 4 + 1] * 100 + r->tokens[i * 4 + 3]);
  return NULL;
}
#else
static const char* provider(const Op* op) { return (void)op, "CUDAExecutionProvider"; }
#endif

static OrtStatus* encode(void* kernel, void* context) {
  Kernel* k = kernel;
  size_t inputs = 0;
  ORT(k->api, INPUT_COUNT, OrtStatus*, void*, size_t*)(context, &inputs);
  int64_t hidden, sparse = (inputs - FIRST_WEIGHT - FIRST_LAYER) % WEIGHTS == 2;
  input(k->api, context, FIRST_WEIGHT + GAIN, &hidden);
  Run r;
  r.tokens = input(k->api, context, TOKENS, &r.count);
  r.tiles = input(k->api, context, TILES, &r.tiles_count);
  r.queries = input(k->api, context, QUERIES, NULL);
  r.pooled = input(k->api, context, POOLED, &r.texts);
  OrtStatus* s = output(k->api, context, STATES, 2, k->states ? r.count : 0, hidden, &r.states);
  if (!s) s = output(k->api, context, VECTORS, 1, r.texts * hidden + (sparse ? r.count : 0), 0, &r.vectors);
  if (s) return s;
#ifdef LUCIOLE_WITHOUT_DEVICE
  return echo(k, context, &r, hidden);
#endif
  if (!k->layers && !note_weights(k, context)) return status(k->api, k->error);
  int ok = begin(k, context) && compute(k, &r);
  return end(k, ok);
}

enum { FLOAT = 1, FLOAT16 = 10, INT32 = 6, INT64 = 7 };
static const char* name(const Op* op) { return (void)op, "Encoder"; }
static int input_type(const Op* op, size_t i) { return (void)op, i <= TILES ? INT32 : i < FIRST_WEIGHT ? INT64 : FLOAT16; }
static size_t inputs(const Op* op) { return (void)op, FIRST_WEIGHT + 1; }
static int input_kind(const Op* op, size_t i) { return (void)op, i == POOLED ? OPTIONAL : i == FIRST_WEIGHT ? VARIADIC : REQUIRED; }
static int input_memory(const Op* op, size_t i) { return (void)op, i < FIRST_WEIGHT ? CPU_INPUT : DEFAULT_MEMORY; }
static int output_type(const Op* op, size_t i) { return (void)op, i == STATES ? FLOAT16 : FLOAT; }
static int output_kind(const Op* op, size_t i) { return (void)op, (void)i, REQUIRED; }
static size_t outputs(const Op* op) { return (void)op, OUTPUTS; }
static int one(const Op* op) { return (void)op, 1; }

static const Op ENCODER = {.version = ORT_VERSION,
                           .name = name,
                           .provider = provider,
                           .input_type = input_type,
                           .inputs = inputs,
                           .output_type = output_type,
                           .outputs = outputs,
                           .destroy = destroy,
                           .input_kind = input_kind,
                           .output_kind = output_kind,
                           .input_memory = input_memory,
                           .variadic_least = one,
                           .variadic_alike = one,
                           .variadic_outputs_least = one,
                           .variadic_outputs_alike = one,
                           .create2 = create,
                           .compute2 = encode};

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
    if (!s) s = ORT(api, DOMAIN_ADD, OrtStatus*, void*, const Op*)(domain, &ENCODER);
  }
  pthread_mutex_unlock(&lock);
  return s ? s : ORT(api, ADD_DOMAIN, OrtStatus*, void*, void*)(options, domain);
}
