// Part of luciole.c.
// ---- What the operators on a device share: buffers, and which algorithms were found fastest. Runs on different streams, which ONNX
// Runtime gives to different threads, use the buffers one after another.
enum { WORKSPACE = 64 << 20, MAX_TUNED = 512, MAX_ALGORITHMS = 12, TRIALS = 24 };
enum { STAGINGS = 4 };  // runs that may be under way at once without waiting for each other; an engine has two

// What a matrix product reads and writes: 16-bit floats; or inputs and weights in e4m3, and outputs in 16-bit floats or in e4m3 too.
typedef enum { FP16, FP8, FP8_TO_FP8 } Format;

// What a matrix product is, but for its number of tokens: y = epilogue(x·Wᵀ + b), a residual added before where there is one.
typedef struct { int64_t in, out; int epilogue, residual; Format format; } Product;

// A matrix product of so many tokens, ready to run.
typedef struct { void *operation, *a, *b, *c, *d; Heuristic found; Product product; int64_t tokens; } Matmul;

// The fastest algorithm for a product of about so many tokens.
typedef struct { int64_t token_bucket; Product product; uint64_t algorithm[8]; } TunedMatmul;

// What the host hands to a run, read by kernels where it is, in memory of the host that does not move. Used again when that run is over.
typedef struct { char* memory; size_t size; void* done; } Staging;

typedef struct DeviceState DeviceState;
struct DeviceState {
  void *cuda_context, *stream, *done;  // the stream is that of the run under way; `done` is an event behind the last run's work
  pthread_mutex_t lock;                // held by a run, which only enqueues
  int users;
  int64_t hidden, inner, capacity;
  int version;  // changes with the buffers
  void *attention[2][2];  // [heads of 64 components; of 32], [tiles of 64 rows; of 128]
  void *blas, *module, *layer_norm, *embed, *output_heads;
  Hopper hopper;
  SmallBatch small_batch;
  MediumBatch medium_batch;
  LargeBatch large_batch;
  Fp8Kernels fp8;
  CUdeviceptr workspace;
  // Of a batch; T: tokens. In encoder.cu's terms: the states between layers, and what a layer computes from them.
  CUdeviceptr qkv;           // [T, 3H]
  CUdeviceptr context;       // [T, H] what attention gives; later the normalised input of the feed-forward layer
  CUdeviceptr mid;           // [T, inner]
  CUdeviceptr sum;           // [T, H] before a layer normalisation
  CUdeviceptr state;         // [T, H]
  CUdeviceptr e4m3;          // [T, H] of an encoder in FP8: the input of the next product of H components; null until there is one
  CUdeviceptr spans, tiles;  // [T] int2, [n] int4
  CUdeviceptr parts;         // of large_batch.cu: [LARGE_BATCH_PARTS, LARGE_BATCH_ROWS, H] floats; null until a graph needs it
  Staging staging[STAGINGS];
  unsigned turn;  // of `staging`
  TunedMatmul tuned[MAX_TUNED];
  int tuned_count;
  char error[512];
  DeviceState* next;
};

static DeviceState* all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;  // of the list

static int fail(DeviceState* h, const char* format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(h->error, sizeof h->error, format, list);
  va_end(list);
  return 0;
}

static int check(DeviceState* h, int result, const char* what) {
  if (result == 0) return 1;
  const char* name = "unknown";
  cu.GetErrorName(result, &name);
  return fail(h, "%s: %s%s", what, name, result == CUDA_ERROR_OUT_OF_MEMORY ? " (out of memory)" : "");
}
#define CHECK(call, what) do { if (!check(h, call, what)) return 0; } while (0)
#define CHECK_LT(call, what) do { int r = call; if (r) return fail(h, "%s: cuBLASLt status %d", what, r); } while (0)

static void free_device(CUdeviceptr* at) {
  if (*at) cu.MemFree(*at);
  *at = 0;
}

static void free_buffers(DeviceState* h) {
  free_device(&h->qkv), free_device(&h->context), free_device(&h->mid), free_device(&h->sum), free_device(&h->state),
      free_device(&h->e4m3), free_device(&h->spans), free_device(&h->tiles);
}

static int prepare(DeviceState* h) {
  CHECK(cu.EventCreate(&h->done, CU_EVENT_DISABLE_TIMING), "event");
  CHECK(cu.ModuleLoadData(&h->module, encoder_ptx), "compiling the kernels");
  for (int i = 0; i < 4; i++) {
    const char* name = (const char*[]){"attention_64x64", "attention_128x64", "attention_64x32", "attention_128x32"}[i];
    CHECK(cu.ModuleGetFunction(&h->attention[i / 2][i % 2], h->module, name), name);
  }
  void** kernels[] = {&h->layer_norm, &h->embed, &h->output_heads};
  for (int i = 0; i < 3; i++) {
    char name[32];
    snprintf(name, sizeof name, "%s_%d", (const char*[]){"layer_norm", "embed", "output_heads"}[i], (int)h->hidden);
    CHECK(cu.ModuleGetFunction(kernels[i], h->module, name), name);
  }
  for (int i = 0; i < STAGINGS; i++) CHECK(cu.EventCreate(&h->staging[i].done, CU_EVENT_DISABLE_TIMING), "event");
  hopper_load(&h->hopper);
  if (h->hidden == SMALL_BATCH_HIDDEN && h->inner == SMALL_BATCH_INNER) small_batch_load(&h->small_batch);
  if (h->hidden == MEDIUM_BATCH_HIDDEN && h->inner == MEDIUM_BATCH_INNER) medium_batch_load(&h->medium_batch, &h->hopper);
  if (h->hidden == LARGE_BATCH_HIDDEN && h->inner == LARGE_BATCH_INNER) large_batch_load(&h->large_batch, &h->hopper);
  CHECK_LT(lt.Create(&h->blas), "cublasLtCreate");
  CHECK(cu.MemAlloc(&h->workspace, WORKSPACE), "workspace");
  return 1;
}

// Under the list's lock.
static void release_state(DeviceState* h) {
  if (--h->users > 0) return;
  for (DeviceState** at = &all; *at; at = &(*at)->next) {
    if (*at == h) {
      *at = h->next;
      break;
    }
  }
  void* before;
  int entered = h->cuda_context && cu.CtxPushCurrent(h->cuda_context) == 0;  // a session may be closed by any thread
  free_device(&h->workspace), free_device(&h->parts), free_buffers(h);
  for (int i = 0; i < STAGINGS; i++) {
    if (h->staging[i].memory) cu.MemFreeHost(h->staging[i].memory);
    if (h->staging[i].done) cu.EventDestroy(h->staging[i].done);
  }
  if (h->blas) lt.Destroy(h->blas);
  if (h->module) cu.ModuleUnload(h->module);
  hopper_unload(&h->hopper);
  small_batch_unload(&h->small_batch);
  medium_batch_unload(&h->medium_batch);
  large_batch_unload(&h->large_batch);
  fp8_unload(&h->fp8);
  if (h->done) cu.EventDestroy(h->done);
  if (entered) cu.CtxPopCurrent(&before);
  pthread_mutex_destroy(&h->lock);
  free(h);
}

// What belongs to the current device; made when first asked for. Null, with the reason, where there is none to be had.
static DeviceState* acquire_state(int64_t hidden, int64_t inner, char* error, size_t most) {
  const char* problem = load_libraries();
  void* device = NULL;
  if (problem || cu.CtxGetCurrent(&device) || !device) {
    snprintf(error, most, "%s", problem ? problem : "no current device");
    return NULL;
  }
  pthread_mutex_lock(&lock);
  DeviceState* h = all;
  while (h && (h->cuda_context != device || h->hidden != hidden || h->inner != inner)) h = h->next;
  if (h) {
    h->users++;
  } else if ((h = calloc(1, sizeof *h))) {
    h->cuda_context = device, h->hidden = hidden, h->inner = inner, h->users = 1, h->next = all;
    pthread_mutex_init(&h->lock, NULL);
    all = h;
    if (!prepare(h)) {
      snprintf(error, most, "%s", h->error);
      release_state(h);
      h = NULL;
    }
  } else {
    snprintf(error, most, "no memory");
  }
  pthread_mutex_unlock(&lock);
  return h;
}

static int reserve_buffers(DeviceState* h, int64_t tokens) {
  if (tokens <= h->capacity) return 1;
  CHECK(cu.EventSynchronize(h->done), "waiting for another run");
  free_buffers(h);
  h->capacity = 0;
  h->version++;
  int64_t rows = (tokens + 1023) / 1024 * 1024, row = rows * h->hidden * 2;
  CHECK(cu.MemAlloc(&h->qkv, 3 * row), "query, key and value");
  CHECK(cu.MemAlloc(&h->context, row), "context");
  CHECK(cu.MemAlloc(&h->mid, rows * h->inner * 2), "feed-forward");
  CHECK(cu.MemAlloc(&h->sum, row), "sum");
  CHECK(cu.MemAlloc(&h->state, row), "state");
  CHECK(cu.MemAlloc(&h->spans, rows * 8), "spans");
  CHECK(cu.MemAlloc(&h->tiles, rows * 16), "tiles");
  h->capacity = rows;
  return 1;
}

// Memory for what the host hands to this run; `done` is to be recorded behind the last kernel that reads it. Null if there is none.
static Staging* next_staging(DeviceState* h, size_t bytes) {
  enum { PORTABLE_AND_MAPPED = 3 };
  Staging* s = &h->staging[h->turn++ % STAGINGS];
  if (!check(h, cu.EventSynchronize(s->done), "waiting for another run")) return NULL;
  if (bytes > s->size) {
    if (s->memory) cu.MemFreeHost(s->memory);
    s->memory = NULL, s->size = 0;
    size_t size = 64 << 10;
    while (size < bytes) size *= 2;
    if (!check(h, cu.MemHostAlloc((void**)&s->memory, size, PORTABLE_AND_MAPPED), "memory of the host")) return NULL;
    s->size = size;
  }
  return s;
}

static void destroy_matmul(Matmul* p) {
  if (p->operation) lt.MatmulDescDestroy(p->operation);
  if (p->a) lt.MatrixLayoutDestroy(p->a);
  if (p->b) lt.MatrixLayoutDestroy(p->b);
  if (p->c) lt.MatrixLayoutDestroy(p->c);
  if (p->d) lt.MatrixLayoutDestroy(p->d);
  memset(p, 0, sizeof *p);
}

// A layer's part in a product. Scales are floats on the device, of FP8 only: what x·Wᵀ is multiplied by, and what y is where it is in e4m3.
typedef struct { CUdeviceptr weight, bias, scale, output_scale; } LayerWeights;

static int set_weights(DeviceState* h, Matmul* p, const LayerWeights* w) {
  Format format = p->product.format;
  CHECK_LT(lt.MatmulDescSetAttribute(p->operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &w->bias, sizeof w->bias), "bias");
  if (format != FP16) CHECK_LT(lt.MatmulDescSetAttribute(p->operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &w->scale, sizeof w->scale), "scale");
  if (format == FP8_TO_FP8)
    CHECK_LT(lt.MatmulDescSetAttribute(p->operation, CUBLASLT_MATMUL_DESC_D_SCALE_POINTER, &w->output_scale, sizeof w->output_scale), "output's scale");
  return 1;
}

static int matmul(DeviceState* h, Matmul* p, CUdeviceptr x, const LayerWeights* w, CUdeviceptr residual, CUdeviceptr y) {
  float one = 1, beta = p->product.residual ? 1 : 0;
  if (!set_weights(h, p, w)) return 0;
  // Without a residual, the third operand is not read; it must not be y where the types differ.
  CUdeviceptr added = p->product.residual ? residual : p->product.format == FP8_TO_FP8 ? h->workspace : y;
  CHECK_LT(lt.Matmul(h->blas, p->operation, &one, (void*)w->weight, p->a, (void*)x, p->b, &beta, (void*)added, p->c,
                     (void*)y, p->d, p->found.algorithm, (void*)h->workspace, WORKSPACE, h->stream), "matrix product");
  return 1;
}

// Products of how many tokens share an algorithm: up to a power of 2 where graphs of cuBLASLt's products have no other sizes, and a quarter of one beyond. An
// algorithm's tiles may fit one number of tokens and waste a third of the device at 4/3 of it.
static int64_t token_bucket(int64_t tokens) {
  int64_t b = 16;
  while (b < tokens) b *= 2;
  int64_t step = b > 256 ? b / 8 : b;
  return (tokens + step - 1) / step * step;
}

// Describes a product of so many tokens, with the weights of any layer. Rows of ours are columns of cuBLAS's: Yᵀ [out×T] = W [in×out]ᵀ · Xᵀ [in×T].
static int describe_matmul(DeviceState* h, Matmul* p, int64_t tokens, const Product* of, const LayerWeights* w) {
  int transposed = CUBLAS_OP_T, inputs = of->format == FP16 ? CUDA_R_16F : CUDA_R_8F_E4M3;
  int8_t fast = 1;  // sums in the tensor cores' own registers, exact enough for products of e4m3
  p->tokens = tokens, p->product = *of;
  CHECK_LT(lt.MatmulDescCreate(&p->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), "operation");
  CHECK_LT(lt.MatmulDescSetAttribute(p->operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed), "transpose");
  CHECK_LT(lt.MatmulDescSetAttribute(p->operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &of->epilogue, sizeof of->epilogue), "epilogue");
  if (of->format != FP16) CHECK_LT(lt.MatmulDescSetAttribute(p->operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &fast, sizeof fast), "FP8");
  CHECK_LT(lt.MatrixLayoutCreate(&p->a, inputs, of->in, of->out, of->in), "weights");
  CHECK_LT(lt.MatrixLayoutCreate(&p->b, inputs, of->in, tokens, of->in), "input");
  CHECK_LT(lt.MatrixLayoutCreate(&p->c, CUDA_R_16F, of->out, tokens, of->out), "residual");
  CHECK_LT(lt.MatrixLayoutCreate(&p->d, of->format == FP8_TO_FP8 ? CUDA_R_8F_E4M3 : CUDA_R_16F, of->out, tokens, of->out), "output");
  return set_weights(h, p, w);
}

// The algorithms that cuBLASLt proposes for a product, at most `most`, the likely best first; 0, with the error, where there are none.
static int propose(DeviceState* h, const Matmul* p, Heuristic* proposed, int most) {
  void* preference;
  size_t workspace = WORKSPACE;
  int count = 0;
  CHECK_LT(lt.MatmulPreferenceCreate(&preference), "preference");
  lt.MatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
  int r = lt.MatmulAlgoGetHeuristic(h->blas, p->operation, p->a, p->b, p->c, p->d, preference, most, proposed, &count);
  lt.MatmulPreferenceDestroy(preference);
  return r || !count ? fail(h, "no matrix product of %lld tokens: status %d", (long long)p->tokens, r) : count;
}

// Where a product of many layers reads and writes: `weights` are of successive layers, `apart` from each other.
typedef struct { CUdeviceptr x; const LayerWeights* weights; int layers, apart; CUdeviceptr residual, y; } MatmulOperands;

// A product of the i-th of the layers.
static int matmul_of_layer(DeviceState* h, Matmul* p, const MatmulOperands* o, int i) {
  return matmul(h, p, o->x, &o->weights[i % o->layers * o->apart], o->residual, o->y);
}

// Products of `trials` successive layers, whose weights come from memory in use too.
static int enqueue_trials(DeviceState* h, Matmul* p, const MatmulOperands* o, int trials) {
  int ok = 1;
  for (int i = 0; ok && i < trials; i++) ok = matmul_of_layer(h, p, o, i);
  return ok;
}

// Those as a graph; null if they cannot be one.
static void* capture_trials(DeviceState* h, Matmul* p, const MatmulOperands* o, int trials) {
  void *graph = NULL, *executable = NULL;
  if (cu.StreamBeginCapture(h->stream, CU_STREAM_CAPTURE_MODE_RELAXED)) return NULL;
  int ok = enqueue_trials(h, p, o, trials);
  if (cu.StreamEndCapture(h->stream, &graph)) return NULL;
  if (ok && cu.GraphInstantiate(&executable, graph, 0)) executable = NULL;
  cu.GraphDestroy(graph);
  return executable;
}

// How long a product takes, ms; negative if it cannot be computed. Up to GRAPHED tokens as a graph, where that can be: starting a product by
// itself takes the host longer than such a product takes the device.
static float time_matmul(DeviceState* h, Matmul* p, const MatmulOperands* o, int trials, void* from, void* to) {
  enum { GRAPHED = 1024 };
  float ms = -1;
  if (!enqueue_trials(h, p, o, 2)) return -1;  // outside of a graph: cuBLASLt loads kernels at first use, which a capture does not allow
  void* graph = p->tokens <= GRAPHED ? capture_trials(h, p, o, trials) : NULL;
  int ok = (!graph || cu.GraphLaunch(graph, h->stream) == 0) && cu.EventRecord(from, h->stream) == 0 &&
           (graph ? cu.GraphLaunch(graph, h->stream) == 0 : enqueue_trials(h, p, o, trials)) && cu.EventRecord(to, h->stream) == 0 &&
           cu.EventSynchronize(to) == 0 && cu.EventElapsedTime(&ms, from, to) == 0;
  if (graph) cu.GraphExecDestroy(graph);
  return ok ? ms / (float)trials : -1;
}

// Tries the algorithms proposed for `t->token_bucket` tokens, which need no more time for fewer, and notes the fastest.
static int tune_matmul(DeviceState* h, Matmul* p, TunedMatmul* t, const MatmulOperands* o) {
  Heuristic proposed[MAX_ALGORITHMS];
  void *from = NULL, *to = NULL;
  float best = 0;
  int count = propose(h, p, proposed, MAX_ALGORITHMS), chosen = 0;
  if (!count) return 0;
  CHECK(cu.EventCreate(&from, 0), "event");
  CHECK(cu.EventCreate(&to, 0), "event");
  for (int i = 0; i < count; i++) {
    p->found = proposed[i];
    float ms = time_matmul(h, p, o, p->tokens > 2048 ? TRIALS / 4 : TRIALS, from, to);
    if (ms > 0 && (best == 0 || ms < best * 0.99f)) {  // within the noise the first proposal wins
      best = ms;
      chosen = i;
    }
  }
  cu.EventDestroy(from);
  cu.EventDestroy(to);
  if (getenv("LUCIOLE_CUDA_VERBOSE"))
    fprintf(stderr, "luciole: %lldx%lldx%lld epilogue %d residual %d format %d: algorithm %d of %d, %.1f us\n", (long long)p->tokens,
            (long long)t->product.in, (long long)t->product.out, t->product.epilogue, t->product.residual, t->product.format, chosen, count, best * 1000);
  memcpy(t->algorithm, proposed[chosen].algorithm, sizeof t->algorithm);
  return 1;
}

static int same_product(const Product* a, const Product* b) {
  return a->in == b->in && a->out == b->out && a->epilogue == b->epilogue && a->residual == b->residual && a->format == b->format;
}

// Plans a product. The first time that one of about this size comes and `tunes`, the algorithms proposed are tried.
static int plan_matmul(DeviceState* h, Matmul* p, int64_t tokens, Product of, int tunes, const MatmulOperands* o) {
  if (!describe_matmul(h, p, tokens, &of, o->weights)) return 0;
  TunedMatmul wanted = {.token_bucket = token_bucket(tokens), .product = of};
  TunedMatmul* t = h->tuned;
  while (t < h->tuned + h->tuned_count && (t->token_bucket != wanted.token_bucket || !same_product(&t->product, &of))) t++;
  if (t == h->tuned + h->tuned_count) {
    if (!tunes || h->tuned_count == MAX_TUNED) return propose(h, p, &p->found, 1);
    int64_t most = wanted.token_bucket < h->capacity ? wanted.token_bucket : h->capacity;  // as many as the buffers hold
    Matmul largest = {0};
    int ok = describe_matmul(h, &largest, most, &of, o->weights) && tune_matmul(h, &largest, &wanted, o);
    destroy_matmul(&largest);
    if (!ok) return 0;
    *t = wanted;
    h->tuned_count++;
  }
  memcpy(p->found.algorithm, t->algorithm, sizeof t->algorithm);
  return 1;
}

// 1/sqrt(head), for powers of 2.
static float attention_scale(int head) { return (head == SMALL_HEAD_SIZE ? 0.176776695f : 0.125f) * 1.44269504f; }

// Enqueues a kernel that may begin before the one before it has ended (programmatic dependent launch).
static int launch_early_3d(DeviceState* h, void* kernel, const unsigned grid[3], unsigned threads, unsigned shared, void** arguments, const char* what) {
  LaunchAttribute early = {.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION, .value.allowed = 1};
  LaunchConfig launch = {.grid = {grid[0], grid[1], grid[2]}, .block = {threads, 1, 1}, .shared = shared, .stream = h->stream, .attributes = &early, .count = 1};
  CHECK(cu.LaunchKernelEx(&launch, kernel, arguments, NULL), what);
  return 1;
}
static int launch_early(DeviceState* h, void* kernel, unsigned width, unsigned height, unsigned threads, unsigned shared, void** arguments,
                        const char* what) {
  return launch_early_3d(h, kernel, (const unsigned[]){width, height, 1}, threads, shared, arguments, what);
}

// Attention over the texts in h->qkv, to h->context as 16-bit floats or to h->e4m3; see attention.cuh. Tiles have up to `queries` rows, 64 or 128.
// `map` describes h->qkv to Hopper's kernel; null if that is not to be used. Those of medium_batch.cu, where there are such, begin early; the first is for batches of that file's products.
static int attention(DeviceState* h, TensorMap* map, int heads, int count, int queries, Format output) {
  int hidden = (int)h->hidden, small = hidden == heads * SMALL_HEAD_SIZE;
  float scale = attention_scale(small ? SMALL_HEAD_SIZE : HEAD_SIZE);
  if (!small && hidden != heads * HEAD_SIZE)
    return fail(h, "expected heads of %d or %d components, found %d heads in %d", SMALL_HEAD_SIZE, HEAD_SIZE, heads, hidden);
  CUdeviceptr* to = output == FP16 ? &h->context : &h->e4m3;
  if (map) {
    void* kernel = (output == FP16 ? h->hopper.attention : h->hopper.attention_fp8)[small];
    void* arguments[] = {map, to, &h->tiles, &h->spans, &hidden, &scale};
    unsigned blocks = (unsigned)heads * (unsigned)count, shared = (unsigned)hopper_shared_memory(small);
    CHECK(cu.LaunchKernel(kernel, blocks, 1, 1, HOPPER_THREADS, 1, 1, shared, h->stream, arguments, NULL), "attention");
  } else {
    void* kernel = (output == FP16 ? h->attention : h->fp8.attention)[small][queries == 128];
    void* arguments[] = {&h->qkv, to, &h->tiles, &h->spans, &hidden, &scale};
    if (h->medium_batch.attention && !small && queries == 64 && output == FP16)
      return launch_early(h, count <= MEDIUM_BATCH_ROWS / 16 ? h->medium_batch.attention : h->medium_batch.large_attention, (unsigned)heads, (unsigned)count, 128, 0, arguments, "attention");
    CHECK(cu.LaunchKernel(kernel, heads, count, 1, 128, 1, 1, 0, h->stream, arguments, NULL), "attention");
  }
  return 1;
}

// Kernels that have a warp for each of so many rows.
static int launch_rows(DeviceState* h, void* kernel, int64_t rows, void** arguments, const char* what) {
  CHECK(cu.LaunchKernel(kernel, (unsigned)((rows + 7) / 8), 1, 1, 256, 1, 1, 0, h->stream, arguments, NULL), what);
  return 1;
}

static int layer_norm(DeviceState* h, CUdeviceptr x, CUdeviceptr y, LayerNorm norm, int tokens) {
  void* arguments[] = {&x, &y, &norm, &tokens};
  if (h->medium_batch.layer_norm)
    return launch_early(h, h->medium_batch.layer_norm, (unsigned)((tokens + MEDIUM_NORM_ROWS - 1) / MEDIUM_NORM_ROWS), 1, MEDIUM_NORM_ROWS * 32, 0,
                        arguments, "normalisation");
  return launch_rows(h, h->layer_norm, tokens, arguments, "normalisation");
}
