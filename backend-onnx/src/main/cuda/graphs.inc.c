// Part of luciole.c.
// ---- Small batches, as CUDA graphs.
// Enqueues a kernel of small_batch.cu.
static int launch_small_batch(DeviceState* h, int kind, SmallBatchParams arguments) {
  int height = small_batch_height(arguments.rows);
  void* all[] = {&arguments};
  return launch_early(h, h->small_batch.kernel[kind][height], SMALL_BATCH_BLOCKS, 1, SMALL_BATCH_THREADS,
                      small_batch_shared_memory(kind, height), all, "small batch");
}

enum { MEDIUM_BATCH_MOMENTS = MEDIUM_BATCH_HIDDEN / 64 * MEDIUM_BATCH_ROWS * 8 };  // bytes
enum { FOLDED_QKV = 3 * SMALL_BATCH_HIDDEN, FOLDED = FOLDED_QKV + SMALL_BATCH_INNER };  // outputs of a layer

static int fold_layernorm(DeviceState* h, const CUdeviceptr* weight, const CUdeviceptr* bias, const CUdeviceptr* gamma,
                          const CUdeviceptr* beta, CUdeviceptr folded, int outputs) {
  void* arguments[] = {(void*)weight, (void*)bias, (void*)gamma, (void*)beta, &folded, &outputs};
  CHECK(cu.LaunchKernel(h->small_batch.fold_layernorm, (unsigned)outputs / 8, 1, 1, 256, 1, 1, 0, h->stream, arguments, NULL), "fold_layernorm");
  return 1;
}

// Computes what normalised inputs add to products, for all layers, once; see small_batch.cu.
static int fold_layernorms(Encoder* k) {
  DeviceState* h = k->device;
  if (k->is_folded) return 1;
  if (!k->folded) CHECK(cu.MemAlloc(&k->folded, (size_t)k->layers * FOLDED * 8), "small batches");
  if (!k->mean_rstd) CHECK(cu.MemAlloc(&k->mean_rstd, SMALL_BATCH_ROWS * 8), "small batches");
  for (int i = 0; i < k->layers; i++) {
    const CUdeviceptr* w = &k->weights[i * WEIGHTS];
    CUdeviceptr none = 0, qkv = k->folded + (size_t)i * FOLDED * 8, up = qkv + FOLDED_QKV * 8;
    // The input of a layer's first product is normalised by the layer before.
    const CUdeviceptr *gamma = i ? &w[OUTPUT_GAMMA - WEIGHTS] : &none, *beta = i ? &w[OUTPUT_BETA - WEIGHTS] : &none;
    if (!fold_layernorm(h, &w[QKV_WEIGHT], &w[QKV_BIAS], gamma, beta, qkv, FOLDED_QKV) ||
        !fold_layernorm(h, &w[UP_WEIGHT], &w[UP_BIAS], &w[ATTENTION_GAMMA], &w[ATTENTION_BETA], up, SMALL_BATCH_INNER))
      return 0;
  }
  return k->is_folded = 1;
}

// All layers over `rows` rows by small_batch.cu, from h->state. Leaves the sum before the last normalisation there.
static int enqueue_small_batch(Encoder* k, int rows) {
  DeviceState* h = k->device;
  int ok = 1;
  CUdeviceptr gamma = 0, beta = 0;  // of h->state; the embeddings' are normalised already
  for (int i = 0; ok && i < k->layers; i++) {
    const CUdeviceptr* w = &k->weights[i * WEIGHTS];
    CUdeviceptr folded = k->folded + (size_t)i * FOLDED * 8;
    SmallBatchParams a = {.mean_rstd = k->mean_rstd, .rows = rows, .activation = (int)k->activation, .epsilon = k->epsilon};
    a.gamma = gamma, a.beta = beta;
    a.x = h->state, a.weight = w[QKV_WEIGHT], a.folded = folded, a.spans = h->spans, a.y = h->context;
    ok = launch_small_batch(h, ATTN_QKV, a);
    a.x = h->context, a.weight = w[OUT_WEIGHT], a.bias = w[OUT_BIAS], a.residual = h->state, a.y = h->sum;
    ok = ok && launch_small_batch(h, ATTN_OUT, a);
    a.gamma = w[ATTENTION_GAMMA], a.beta = w[ATTENTION_BETA];
    a.x = h->sum, a.weight = w[UP_WEIGHT], a.folded = folded + FOLDED_QKV * 8, a.y = h->mid;
    ok = ok && launch_small_batch(h, FFN_UP, a);
    a.x = h->mid, a.weight = w[DOWN_WEIGHT], a.bias = w[DOWN_BIAS], a.residual = h->sum, a.y = h->state;
    ok = ok && launch_small_batch(h, FFN_DOWN, a);
    gamma = w[OUTPUT_GAMMA], beta = w[OUTPUT_BETA];
  }
  return ok;
}

// A product of medium_batch.cu, with weights [outputs, in], over x [tokens, in].
static int launch_medium_batch(DeviceState* h, int kind, CUdeviceptr weight, CUdeviceptr x, int tokens, int in, int outputs, MediumBatchParams p) {
  int tiles = tokens / 64, kernel = (tiles - 1) * MEDIUM_BATCH_KINDS + kind;
  const MediumBatchKernel* of = &MEDIUM_BATCH_KERNELS[kernel];
  TensorMap weight_map, x_map;
  p.outputs = outputs;
  void* all[] = {&weight_map, &x_map, &p};
  if (!tensor_map(&h->hopper, &weight_map, weight, outputs, in, 64 / tiles, 64) || !tensor_map(&h->hopper, &x_map, x, tokens, in, 64, 64))
    return fail(h, "medium batch: no tensor map of [%d, %d] or [%d, %d]", outputs, in, tokens, in);
  return launch_early(h, h->medium_batch.kernel[kernel], (unsigned)(outputs / 64 * of->parts * tiles), 1, MEDIUM_BATCH_THREADS, (unsigned)of->memory, all,
                      of->name);
}

static int reserve_medium_batch(Encoder* k) {
  DeviceState* h = k->device;  // short of memory, what there is already is kept for the next try
  if (!k->scaled) CHECK(cu.MemAlloc(&k->scaled, 2 * MEDIUM_BATCH_ROWS * MEDIUM_BATCH_HIDDEN * 2), "medium batches");
  if (!k->moments) CHECK(cu.MemAlloc(&k->moments, 2 * MEDIUM_BATCH_MOMENTS), "medium batches");
  return 1;
}

// All layers over `tokens` tokens, 64 or 128, and `count` tiles of up to 64 by medium_batch.cu, from h->state. Leaves the sum before the last
// normalisation there.
static int enqueue_medium_batch(Encoder* k, int tokens, int count) {
  DeviceState* h = k->device;
  int ok = 1;
  CUdeviceptr scaled_sum = k->scaled + MEDIUM_BATCH_ROWS * MEDIUM_BATCH_HIDDEN * 2, sum_moments = k->moments + MEDIUM_BATCH_MOMENTS;
  CUdeviceptr x = h->state, gamma = 0, beta = 0, moments = 0;  // of h->state; the embeddings' are normalised already
  for (int i = 0; ok && i < k->layers; i++) {
    const CUdeviceptr* w = &k->weights[i * WEIGHTS];
    CUdeviceptr folded = k->folded + (size_t)i * FOLDED * 8;
    MediumBatchParams a = {.activation = (int)k->activation, .epsilon = k->epsilon};
    a.folded = folded, a.moments = moments, a.y = h->qkv;
    ok = launch_medium_batch(h, MEDIUM_QKV, w[QKV_WEIGHT], x, tokens, MEDIUM_BATCH_HIDDEN, 3 * MEDIUM_BATCH_HIDDEN, a) &&
         attention(h, NULL, (int)k->heads, count, 64, FP16);
    a.bias = w[OUT_BIAS], a.gamma = gamma, a.beta = beta, a.residual = h->state, a.y = h->sum;
    a.next_gamma = w[ATTENTION_GAMMA], a.scaled = scaled_sum, a.next_moments = sum_moments;
    ok = ok && launch_medium_batch(h, MEDIUM_OUT, w[OUT_WEIGHT], h->context, tokens, MEDIUM_BATCH_HIDDEN, MEDIUM_BATCH_HIDDEN, a);
    a.folded = folded + FOLDED_QKV * 8, a.moments = sum_moments, a.y = h->mid;
    ok = ok && launch_medium_batch(h, MEDIUM_UP, w[UP_WEIGHT], scaled_sum, tokens, MEDIUM_BATCH_HIDDEN, MEDIUM_BATCH_INNER, a);
    a.bias = w[DOWN_BIAS], a.gamma = w[ATTENTION_GAMMA], a.beta = w[ATTENTION_BETA], a.residual = h->sum, a.y = h->state;
    a.next_gamma = w[OUTPUT_GAMMA], a.scaled = k->scaled, a.next_moments = k->moments;
    ok = ok && launch_medium_batch(h, MEDIUM_DOWN, w[DOWN_WEIGHT], h->mid, tokens, MEDIUM_BATCH_INNER, MEDIUM_BATCH_HIDDEN, a);
    x = k->scaled, gamma = w[OUTPUT_GAMMA], beta = w[OUTPUT_BETA], moments = k->moments;
  }
  return ok;
}

// A product of large_batch.cu, with weights [outputs, in], over x [tokens, in].
static int launch_large_batch(DeviceState* h, int kind, CUdeviceptr weight, CUdeviceptr x, int tokens, int in, int outputs, LargeBatchParams p) {
  int size = large_batch_size(tokens), block_tokens = tokens / LARGE_BATCH_TILES, parts = kind == LARGE_PART ? LARGE_BATCH_PARTS : 1;
  TensorMap weight_map, x_map;
  p.outputs = outputs, p.chunks = in / 64 / parts;
  void* all[] = {&weight_map, &x_map, &p};
  if (size < 0) return fail(h, "large batch: no kernel for %d tokens", tokens);
  if (!tensor_map(&h->hopper, &weight_map, weight, outputs, in, LARGE_BATCH_OUTPUTS / LARGE_BATCH_CLUSTER, 64) ||
      !tensor_map(&h->hopper, &x_map, x, tokens, in, block_tokens, 64))
    return fail(h, "large batch: no tensor map of [%d, %d] or [%d, %d]", outputs, in, tokens, in);
  const unsigned grid[] = {(unsigned)outputs / LARGE_BATCH_OUTPUTS, LARGE_BATCH_TILES, (unsigned)parts};
  return launch_early_3d(h, h->large_batch.kernel[kind][size], grid, LARGE_BATCH_THREADS, LARGE_BATCH_SHARED_MEMORY(block_tokens), all, "large batch");
}

// y [tokens, H] = the sum of the parts, the bias and the residual, normalised where `norm` has a gamma.
static int launch_large_sum(DeviceState* h, CUdeviceptr parts, CUdeviceptr bias, CUdeviceptr residual, LayerNorm norm, CUdeviceptr y, int tokens) {
  void* all[] = {&parts, &bias, &residual, &norm, &y, &tokens};
  return launch_early(h, h->large_batch.sum, (unsigned)tokens, 1, LARGE_SUM_THREADS, 0, all, "large batch's sum");
}

// All layers over `tokens` tokens and `count` tiles of up to 64 by large_batch.cu, from h->state. Leaves the sum before the last normalisation
// in h->sum.
static int enqueue_large_batch(Encoder* k, int tokens, int count) {
  DeviceState* h = k->device;
  enum { H = LARGE_BATCH_HIDDEN, F = LARGE_BATCH_INNER };
  int ok = 1;
  for (int i = 0; ok && i < k->layers; i++) {
    const CUdeviceptr* w = &k->weights[i * WEIGHTS];
    int is_last = i + 1 == k->layers;
    LargeBatchParams qkv = {.bias = w[QKV_BIAS], .y = h->qkv}, up = {.bias = w[UP_BIAS], .y = h->mid, .activation = (int)k->activation},
                     part = {.parts = h->parts};
    ok = launch_large_batch(h, LARGE_BIAS, w[QKV_WEIGHT], h->state, tokens, H, 3 * H, qkv) && attention(h, NULL, (int)k->heads, count, 64, FP16) &&
         launch_large_batch(h, LARGE_PART, w[OUT_WEIGHT], h->context, tokens, H, H, part) &&
         launch_large_sum(h, h->parts, w[OUT_BIAS], h->state, norm(k, &w[ATTENTION_GAMMA]), h->context, tokens) &&
         launch_large_batch(h, LARGE_ACTIVATED, w[UP_WEIGHT], h->context, tokens, H, F, up) &&
         launch_large_batch(h, LARGE_PART, w[DOWN_WEIGHT], h->mid, tokens, F, H, part) &&
         launch_large_sum(h, h->parts, w[DOWN_BIAS], h->context, is_last ? (LayerNorm){0} : norm(k, &w[OUTPUT_GAMMA]), is_last ? h->sum : h->state, tokens);
  }
  return ok;
}

static int reserve_large_batch(DeviceState* h) {
  if (!h->parts) CHECK(cu.MemAlloc(&h->parts, (size_t)LARGE_BATCH_PARTS * LARGE_BATCH_ROWS * LARGE_BATCH_HIDDEN * 4), "large batches");
  return 1;
}

static void destroy_graph(EncoderGraph* g) {
  if (g->graph) cu.GraphExecDestroy(g->graph);
  g->graph = NULL;
}

static int uses_small_batch(const Encoder* k, int tokens) {
  enum { FASTEST = 24 };  // beyond, medium_batch.cu is faster
  return k->device->small_batch.fold_layernorm && tokens <= (k->device->medium_batch.attention ? FASTEST : SMALL_BATCH_ROWS) &&
         k->heads * HEAD_SIZE == SMALL_BATCH_HIDDEN;
}

static int has_medium_batch(const Encoder* k) {
  return k->device->medium_batch.attention && k->device->small_batch.fold_layernorm && k->heads * HEAD_SIZE == MEDIUM_BATCH_HIDDEN;
}

static int uses_medium_batch(const Encoder* k, int tokens) {
  return has_medium_batch(k) && (tokens == 64 || tokens == 128);
}

static int uses_large_batch(const Encoder* k, int tokens) {
  return k->device->large_batch.sum && large_batch_size(tokens) >= 0 && k->heads * HEAD_SIZE == LARGE_BATCH_HIDDEN;
}

// Whether a batch can run as the graph of so many tokens.
static int holds(const Encoder* k, const Batch* b, int tokens) {
  if (b->token_count > tokens) return 0;
  if (uses_small_batch(k, tokens)) return 1;
  if (tokens < 64 && has_medium_batch(k)) return 0;  // 64 are faster there than fewer by cuBLASLt
  if (tokens == 192 && !uses_large_batch(k, tokens)) return 0;  // cuBLASLt's products take as long for the next size
  return tokens % 16 == 0 && b->tile_count <= tokens / 16;
}

// Enqueues what the graph of a size does.
static int enqueue_graph_work(Encoder* k, int tokens) {
  if (uses_small_batch(k, tokens)) return enqueue_small_batch(k, tokens);
  if (uses_medium_batch(k, tokens)) return enqueue_medium_batch(k, tokens, tokens / 16);
  if (uses_large_batch(k, tokens)) return enqueue_large_batch(k, tokens, tokens / 16);
  return enqueue_layers(k, 0, tokens, tokens / 16, 64);
}

static int capture_graph(Encoder* k, EncoderGraph* g, int tokens) {
  DeviceState* h = k->device;
  if ((uses_small_batch(k, tokens) || uses_medium_batch(k, tokens)) && !fold_layernorms(k)) return 0;
  if (uses_medium_batch(k, tokens) && !reserve_medium_batch(k)) return 0;
  if (uses_large_batch(k, tokens) && !reserve_large_batch(h)) return 0;
  CHECK(cu.MemsetD8Async(h->state, 0, tokens * h->hidden * 2, h->stream), "graph");
  CHECK(cu.MemsetD8Async(h->tiles, 0, tokens * 16, h->stream), "graph");
  CHECK(cu.MemsetD8Async(h->spans, 0, tokens * 8, h->stream), "graph");
  // Once outside of a graph: cuBLASLt loads kernels at first use, and algorithms are tried, which a capture does not allow.
  if (!enqueue_graph_work(k, tokens)) return 0;
  CHECK(cu.StreamSynchronize(h->stream), "graph");
  void *graph = NULL, *executable = NULL;
  CHECK(cu.StreamBeginCapture(h->stream, CU_STREAM_CAPTURE_MODE_RELAXED), "capture");
  int ok = enqueue_graph_work(k, tokens);
  int ended = cu.StreamEndCapture(h->stream, &graph);
  if (!ok && graph) cu.GraphDestroy(graph);
  if (!ok) return 0;
  CHECK(ended, "capture");
  int result = cu.GraphInstantiate(&executable, graph, 0);
  cu.GraphDestroy(graph);
  CHECK(result, "graph");
  g->graph = executable;
  g->version = h->version;
  return 1;
}

// Runs a batch as the smallest graph that holds it, executable when the first of its size comes. *sum is where the sum before the last
// normalisation will be; 0, and nothing done, where no graph holds it.
static int replay_graph(Encoder* k, Batch b, int queries, CUdeviceptr* sum) {
  DeviceState* h = k->device;
  *sum = 0;
  for (int i = 0, most = k->fp8_layers ? FP8_GRAPHS : GRAPHS; i < most && k->graphs && queries == 64; i++) {
    int tokens = GRAPH_TOKENS[i];
    if (!holds(k, &b, tokens)) continue;
    EncoderGraph* g = &k->graph[i];
    if (g->graph && g->version != h->version) {
      CHECK(cu.StreamSynchronize(h->stream), "graph");
      destroy_graph(g);
    }
    if (!g->graph && !capture_graph(k, g, tokens)) return 0;
    b.tokens_filled = b.tiles_filled = tokens;
    if (!embed(k, b)) return 0;
    CHECK(cu.GraphLaunch(g->graph, h->stream), "graph");
    *sum = uses_small_batch(k, tokens) || uses_medium_batch(k, tokens) ? h->state : h->sum;
    return 1;
  }
  return 1;
}
