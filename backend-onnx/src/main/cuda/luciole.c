// An ONNX Runtime operator of the domain "luciole", for BERT-like encoders in 16-bit floats, or in part in e4m3, on CUDA devices: Encoder, from token ids to
// vectors, over texts laid end to end. Built into libluciole_cuda.so, which a session registers; see CudaEncoder.java.
//
// cuBLASLt computes the matrix products, with bias, GELU and residual in their epilogues, each by the fastest of the algorithms that it
// proposes. Attention and layer normalisation are the kernels of encoder.cu and, on Hopper, hopper.cu. Small batches run as CUDA graphs,
// those of up to 512 tokens by the kernels of small_batch.cu, medium_batch.cu and large_batch.cu (on Hopper). cuBLASLt and the driver are looked up at run time, in the
// process that has them loaded, so that one build serves CUDA 12 and 13 and this file needs no headers of NVIDIA's or ONNX Runtime's.
//
// This file is the only one that the C compiler is given. The *.inc.c are parts of it, in the order in which they need each other; README.md
// says what each has.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "params.h"
#include "driver.inc.c"
#include "small_batch.inc.c"
#include "hopper.inc.c"
#include "medium_batch.inc.c"
#include "large_batch.inc.c"
#include "fp8.inc.c"
#include "state.inc.c"
#include "ort.inc.c"
#include "encoder.inc.c"
#include "fp8_encoder.inc.c"
#include "graphs.inc.c"

// ---- The operator's interface.
static OrtStatus* failed(const OrtApi* api, const char* problem) {
  char text[600];
  snprintf(text, sizeof text, "luciole::Encoder: %s", problem);
  return ORT(api, CreateStatus, OrtStatus*, int, const char*)(ORT_FAIL, text);
}

static OrtStatus* create(const OrtCustomOp* op, const OrtApi* api, const void* info, void** made) {
  (void)op;
  Encoder* k = calloc(1, sizeof *k);
  if (!k) return failed(api, "no memory");
  k->api = api;
  OrtStatus* (*number)(const void*, const char*, int64_t*) = (OrtStatus * (*)(const void*, const char*, int64_t*)) api->f[ORT_KernelInfoGetAttribute_int64];
  OrtStatus* (*real)(const void*, const char*, float*) = (OrtStatus * (*)(const void*, const char*, float*)) api->f[ORT_KernelInfoGetAttribute_float];
  OrtStatus* s = number(info, "heads", &k->heads);
  if (!s) s = number(info, "activation", &k->activation);
  if (!s) s = number(info, "inner", &k->inner);
  if (!s) s = number(info, "states", &k->states);
  if (!s) s = number(info, "tune", &k->tune);
  if (!s) s = number(info, "graphs", &k->graphs);
  if (!s) s = number(info, "fp8_layers", &k->fp8_layers);
  if (!s) s = real(info, "epsilon", &k->epsilon);
  if (s) {
    free(k);
    return s;
  }
  *made = k;
  return NULL;
}

static void destroy(void* kernel) {
  Encoder* k = kernel;
  pthread_mutex_lock(&lock);
  if (k->device) {
    void* before;
    int entered = cu.CtxPushCurrent(k->device->cuda_context) == 0;
    for (int i = 0; i < GRAPHS; i++) destroy_graph(&k->graph[i]);
    free_device(&k->folded), free_device(&k->mean_rstd), free_device(&k->scaled), free_device(&k->moments),
        free_device(&k->fp8.memory);
    if (entered) cu.CtxPopCurrent(&before);
    release_state(k->device);
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
  ORT(api, KernelContext_GetInput, OrtStatus*, void*, size_t, const void**)(context, index, &value);
  if (!value) return NULL;
  ORT(api, GetTensorMutableData, OrtStatus*, const void*, void**)(value, &data);
  if (rows) {
    int64_t dimensions[4] = {0};
    size_t count = 0;
    ORT(api, GetTensorTypeAndShape, OrtStatus*, const void*, void**)(value, &shape);
    ORT(api, GetDimensionsCount, OrtStatus*, const void*, size_t*)(shape, &count);
    ORT(api, GetDimensions, OrtStatus*, const void*, int64_t*, size_t)(shape, dimensions, count < 4 ? count : 4);
    ORT(api, ReleaseTensorTypeAndShapeInfo, void, void*)(shape);
    *rows = dimensions[0];
  }
  return data;
}

static OrtStatus* output(const OrtApi* api, void* context, size_t index, size_t dimensions, int64_t rows, int64_t columns, void** data) {
  void* value = NULL;
  int64_t shape[2] = {rows, columns};
  OrtStatus* s = ORT(api, KernelContext_GetOutput, OrtStatus*, void*, size_t, const int64_t*, size_t, void**)(context, index, shape, dimensions, &value);
  return s ? s : ORT(api, GetTensorMutableData, OrtStatus*, const void*, void**)(value, data);
}

static CUdeviceptr at(const void* p) { return (CUdeviceptr)(uintptr_t)p; }

// See CudaEncoder.java. What a batch is comes in the host's memory, weights are on the device.
enum { TOKENS, TILES, QUERIES, POOLED, FIRST_WEIGHT };
enum { WORDS, POSITIONS, TYPE, GAMMA, BETA, FIRST_LAYER };  // weights
enum { STATES, VECTORS, OUTPUTS };

typedef struct {
  const int32_t *tokens, *tiles;
  const int64_t *queries, *pooled;
  int64_t count, tile_count, texts;
  void *states, *vectors;
} RunInputs;

// Notes the addresses of the weights.
static int read_weights(Encoder* k, void* context) {
  size_t all = 0;
  ORT(k->api, KernelContext_GetInputCount, OrtStatus*, void*, size_t*)(context, &all);
  size_t layers = (all - FIRST_WEIGHT - FIRST_LAYER) / WEIGHTS, last = FIRST_WEIGHT + FIRST_LAYER + layers * WEIGHTS;
  if (all < FIRST_WEIGHT + FIRST_LAYER + WEIGHTS || layers > MAX_LAYERS || (all != last && all != last + 2))
    return snprintf(k->error, sizeof k->error, "%d inputs are not those of 1 to %d layers", (int)all, MAX_LAYERS), 0;
  CUdeviceptr first[FIRST_LAYER];
  for (int i = 0; i < FIRST_LAYER; i++) first[i] = at(input(k->api, context, FIRST_WEIGHT + i, NULL));
  k->words = first[WORDS], k->positions = first[POSITIONS], k->type = first[TYPE];
  k->norm = (LayerNorm){.gamma = first[GAMMA], .beta = first[BETA], .epsilon = k->epsilon};
  for (size_t i = 0; i < layers * WEIGHTS; i++) k->weights[i] = at(input(k->api, context, FIRST_WEIGHT + FIRST_LAYER + i, NULL));
  for (size_t i = 0; i < layers * MATMULS; i++) {
    static const int FIRST_OF[MATMULS] = {[QKV] = QKV_WEIGHT, [OUT] = OUT_WEIGHT, [UP] = UP_WEIGHT, [DOWN] = DOWN_WEIGHT};  // a bias follows
    const CUdeviceptr* w = &k->weights[i / MATMULS * WEIGHTS + FIRST_OF[i % MATMULS]];
    k->products[i] = (LayerWeights){.weight = w[0], .bias = w[1]};
  }
  for (size_t i = last; i < all; i++) k->sparse[i - last] = at(input(k->api, context, i, NULL));
  k->layers = (int)layers;
  return 1;
}

// Begins a run, on the stream that ONNX Runtime has given it, behind what other runs still do in the buffers they share. 0 if that fails;
// `end` is due in any case.
static int begin(Encoder* k, void* context, int64_t hidden) {
  void* stream = NULL;
  ORT(k->api, KernelContext_GetGPUComputeStream, OrtStatus*, const void*, void**)(context, &stream);
  if (!k->device && !(k->device = acquire_state(hidden, k->inner, k->error, sizeof k->error))) return 0;
  DeviceState* h = k->device;
  pthread_mutex_lock(&h->lock);
  h->error[0] = 0;
  if (h->stream != stream) {
    if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: a run on stream %p, the last was on %p\n", stream, h->stream);
    CHECK(cu.StreamWaitEvent(stream, h->done, 0), "waiting for another run");
  }
  h->stream = stream;
  return 1;
}

static OrtStatus* end(Encoder* k, int ok) {
  if (!k->device) return failed(k->api, k->error);
  DeviceState* h = k->device;
  ok = check(h, cu.EventRecord(h->done, h->stream), "event") && ok;  // also after a failure: some of the run may be on its way
  OrtStatus* status = ok ? NULL : failed(k->api, h->error);
  pthread_mutex_unlock(&h->lock);
  return status;
}

// From a batch to vectors: everything is enqueued, nothing waited for.
static int compute(Encoder* k, const RunInputs* r) {
  DeviceState* h = k->device;
  size_t tokens_size = r->count * 16, tiles_size = r->tile_count * 16, pooled_size = r->texts * 8;
  if (k->fp8_layers && !make_fp8_weights(k)) return 0;
  Staging* staging = reserve_buffers(h, r->count < 256 ? 256 : r->count) ? next_staging(h, tokens_size + tiles_size + pooled_size) : NULL;
  if (!staging) return 0;
  memcpy(staging->memory, r->tokens, tokens_size);
  memcpy(staging->memory + tokens_size, r->tiles, tiles_size);
  if (r->texts) memcpy(staging->memory + tokens_size + tiles_size, r->pooled, pooled_size);
  CUdeviceptr from = at(staging->memory);
  int tokens = (int)r->count, count = (int)r->tile_count;
  Batch b = {.tokens = from,
             .tiles = from + tokens_size,
             .token_count = tokens,
             .tokens_filled = tokens,
             .tile_count = count,
             .tiles_filled = count};
  CUdeviceptr sum;
  int ok = replay_graph(k, b, (int)*r->queries, &sum);
  if (ok && !sum) {
    int first = (int)k->fp8_layers;
    ok = embed(k, b) && (first == 0 || enqueue_fp8_layers(k, tokens, count, (int)*r->queries)) &&
         (first == k->layers || enqueue_layers(k, first, tokens, count, (int)*r->queries));
    sum = h->sum;
  }
  CUdeviceptr dense = at(r->vectors);
  OutputHeads heads = {.states = k->states ? at(r->states) : 0,
                       .sparse_weight = k->sparse[0],
                       .sparse_bias = k->sparse[1],
                       .sparse = k->sparse[0] ? dense + r->texts * h->hidden * 4 : 0,
                       .rows = from + tokens_size + tiles_size,
                       .dense = dense,
                       .token_count = tokens,
                       .text_count = (int)r->texts};
  ok = ok && output_heads(k, sum, heads);
  return check(h, cu.EventRecord(staging->done, h->stream), "event") && ok;  // also after a failure: some of it may be on its way
}

#ifdef LUCIOLE_WITHOUT_DEVICE  // for a test of the interface: writes what it was handed
static const char* provider(const OrtCustomOp* op) { return (void)op, NULL; }

static OrtStatus* echo(Encoder* k, const RunInputs* r, int64_t hidden) {
  if ((*r->queries != 64 && *r->queries != 128) || r->tile_count < 1 || k->epsilon <= 0)
    return failed(k->api, "the interface is not as expected");
  float* vectors = r->vectors;
  for (int64_t i = 0; k->states && i < r->count * hidden; i++) ((uint16_t*)r->states)[i] = (uint16_t)r->tokens[i / hidden * 4];
  for (int64_t i = 0; i < r->texts * hidden; i++) *vectors++ = (float)r->pooled[i / hidden];
  for (int64_t i = 0; k->sparse[0] && i < r->count; i++) *vectors++ = (float)(r->tokens[i * 4 + 1] * 100 + r->tokens[i * 4 + 3]);
  return NULL;
}
#else
static const char* provider(const OrtCustomOp* op) { return (void)op, "CUDAExecutionProvider"; }
#endif

static OrtStatus* encode(void* kernel, void* context) {
  Encoder* k = kernel;
  if (!k->layers && !read_weights(k, context)) return failed(k->api, k->error);
  size_t inputs = 0;
  ORT(k->api, KernelContext_GetInputCount, OrtStatus*, void*, size_t*)(context, &inputs);
  int64_t hidden, sparse = (inputs - FIRST_WEIGHT - FIRST_LAYER) % WEIGHTS == 2;
  input(k->api, context, FIRST_WEIGHT + GAMMA, &hidden);
  RunInputs r;
  r.tokens = input(k->api, context, TOKENS, &r.count);
  r.tiles = input(k->api, context, TILES, &r.tile_count);
  r.queries = input(k->api, context, QUERIES, NULL);
  r.pooled = input(k->api, context, POOLED, &r.texts);
  OrtStatus* s = output(k->api, context, STATES, 2, k->states ? r.count : 0, hidden, &r.states);
  if (!s) s = output(k->api, context, VECTORS, 1, r.texts * hidden + (sparse ? r.count : 0), 0, &r.vectors);
  if (s) return s;
#ifdef LUCIOLE_WITHOUT_DEVICE
  return echo(k, &r, hidden);
#endif
  int ok = begin(k, context, hidden) && compute(k, &r);
  return end(k, ok);
}

static const char* name(const OrtCustomOp* op) { return (void)op, "Encoder"; }
static int input_type(const OrtCustomOp* op, size_t i) {
  return (void)op, i <= TILES ? ELEMENT_INT32 : i < FIRST_WEIGHT ? ELEMENT_INT64 : ELEMENT_FLOAT16;
}
static size_t input_count(const OrtCustomOp* op) { return (void)op, FIRST_WEIGHT + 1; }
static int input_characteristic(const OrtCustomOp* op, size_t i) {
  return (void)op, i == POOLED ? INPUT_OUTPUT_OPTIONAL : i == FIRST_WEIGHT ? INPUT_OUTPUT_VARIADIC : INPUT_OUTPUT_REQUIRED;
}
static int input_memory(const OrtCustomOp* op, size_t i) { return (void)op, i < FIRST_WEIGHT ? OrtMemTypeCPUInput : OrtMemTypeDefault; }
static int output_type(const OrtCustomOp* op, size_t i) { return (void)op, i == STATES ? ELEMENT_FLOAT16 : ELEMENT_FLOAT; }
static int output_characteristic(const OrtCustomOp* op, size_t i) { return (void)op, (void)i, INPUT_OUTPUT_REQUIRED; }
static size_t output_count(const OrtCustomOp* op) { return (void)op, OUTPUTS; }
static int one(const OrtCustomOp* op) { return (void)op, 1; }

static const OrtCustomOp ENCODER = {.version = ORT_API_VERSION,
                                    .GetName = name,
                                    .GetExecutionProviderType = provider,
                                    .GetInputType = input_type,
                                    .GetInputTypeCount = input_count,
                                    .GetOutputType = output_type,
                                    .GetOutputTypeCount = output_count,
                                    .KernelDestroy = destroy,
                                    .GetInputCharacteristic = input_characteristic,
                                    .GetOutputCharacteristic = output_characteristic,
                                    .GetInputMemoryType = input_memory,
                                    .GetVariadicInputMinArity = one,
                                    .GetVariadicInputHomogeneity = one,
                                    .GetVariadicOutputMinArity = one,
                                    .GetVariadicOutputHomogeneity = one,
                                    .CreateKernelV2 = create,
                                    .KernelComputeV2 = encode};

/** Called by ONNX Runtime when a session registers this library. Linked so that it is never unloaded: sessions outlive the options
    that registered it. */
__attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(void* options, const OrtApiBase* base) {
  static void* domain = NULL;
  return register_operator(options, base, ORT_API_VERSION, "luciole", (const OrtCustomOp*[]){&ENCODER, NULL}, &domain, &lock);
}
