// Part of luciole.c.
// ---- Small batches, as CUDA graphs.
// A kernel of small.ptx, which may begin before the one before it has ended.
static int begin_early(Shared* h, int kind, FewArguments arguments) {
  int height = few_height(arguments.rows);
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

// All layers over `rows` rows by small.cu, from h->state; leaves the sum before the last normalisation there.
static int enqueue_few(Kernel* k, int rows) {
  Shared* h = k->shared;
  int ok = 1;
  Device gain = 0, shift = 0;  // of h->state; the embeddings' are normalised already
  for (int i = 0; ok && i < k->layers; i++) {
    const Device* w = &k->weights[i * WEIGHTS];
    Device folded = k->folded + (size_t)i * FOLDED * 8;
    FewArguments a = {.moments = k->moments, .rows = rows, .activation = (int)k->activation, .epsilon = k->epsilon};
    a.gain = gain, a.shift = shift;
    a.x = h->state, a.weight = w[WQKV], a.folded = folded, a.spans = h->spans, a.y = h->context;
    ok = begin_early(h, ATTEND, a);
    a.x = h->context, a.weight = w[WO], a.bias = w[BO], a.residual = h->state, a.y = h->sum;
    ok = ok && begin_early(h, LEAVE, a);
    a.gain = w[G1], a.shift = w[B1];
    a.x = h->sum, a.weight = w[WI], a.folded = folded + FOLDED_QKV * 8, a.y = h->mid;
    ok = ok && begin_early(h, ENTER, a);
    a.x = h->mid, a.weight = w[WF], a.bias = w[BF], a.residual = h->sum, a.y = h->state;
    ok = ok && begin_early(h, BACK, a);
    gain = w[G2], shift = w[B2];
  }
  return ok;
}

static void forget(Graph* g) {
  if (g->graph) cu.GraphExecDestroy(g->graph);
  g->graph = NULL;
}

static int by_few(const Kernel* k, int most) { return k->shared->few.fold && most <= FEW_ROWS; }

// Enqueues what the graph of a size does.
static int enqueue_graph(Kernel* k, int most) { return by_few(k, most) ? enqueue_few(k, most) : enqueue(k, most, most / 16, 64); }

static int make(Kernel* k, Graph* g, int most) {
  Shared* h = k->shared;
  if (by_few(k, most) && !k->folded && !fold(k)) return 0;
  CHECK(cu.MemsetD8Async(h->state, 0, most * h->hidden * 2, h->stream), "graph");
  CHECK(cu.MemsetD8Async(h->tiles, 0, most * 16, h->stream), "graph");
  CHECK(cu.MemsetD8Async(h->spans, 0, most * 8, h->stream), "graph");
  // Once outside of a graph: cuBLASLt loads kernels at first use, and algorithms are tried, which a capture does not allow.
  if (!enqueue_graph(k, most)) return 0;
  CHECK(cu.StreamSynchronize(h->stream), "graph");
  void *graph = NULL, *made = NULL;
  CHECK(cu.StreamBeginCapture(h->stream, CAPTURE_RELAXED), "capture");
  int ok = enqueue_graph(k, most);
  int ended = cu.StreamEndCapture(h->stream, &graph);
  if (!ok) return 0;
  CHECK(ended, "capture");
  int result = cu.GraphInstantiate(&made, graph, 0);
  cu.GraphDestroy(graph);
  CHECK(result, "graph");
  g->graph = made;
  g->version = h->version;
  return 1;
}

// Runs a batch as the smallest graph that holds it, made when the first of its size comes. *sum is where the sum before the last
// normalisation will be; 0, and nothing done, where no graph holds it.
static int replay(Kernel* k, Batch b, int queries, Device* sum) {
  Shared* h = k->shared;
  *sum = 0;
  for (int i = 0; i < GRAPHS && k->graphs && queries == 64; i++) {
    int most = GRAPH_TOKENS[i];
    int holds = by_few(k, most) || (most % 16 == 0 && b.tiles_count <= most / 16 && (most & (most - 1)) == 0);
    if (b.tokens_count > most || !holds) continue;
    Graph* g = &k->graph[i];
    if (g->graph && g->version != h->version) {
      CHECK(cu.StreamSynchronize(h->stream), "graph");
      forget(g);
    }
    if (!g->graph && !make(k, g, most)) return 0;
    b.tokens_filled = b.tiles_filled = most;
    if (!embed(k, b)) return 0;
    CHECK(cu.GraphLaunch(g->graph, h->stream), "graph");
    *sum = by_few(k, most) ? h->state : h->sum;
    return 1;
  }
  return 1;
}
