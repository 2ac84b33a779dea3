// Part of luciole.c.
// ---- The encoder: embeddings, layers, heads.
enum { MOST_LAYERS = 128, GRAPHS = 7 };
enum { WQKV, BQKV, WO, BO, G1, B1, WI, BI, WF, BF, G2, B2, WEIGHTS };
enum { QKV, OUT, INNER, OUTER, PRODUCTS };

// Batches of up to so many tokens run as CUDA graphs: those of up to 32 by the kernels of small.cu where there are such, in more sizes.
static const int GRAPH_TOKENS[GRAPHS] = {8, 16, 24, 32, 64, 128, 256};
typedef struct { void* graph; int version; } Graph;

typedef struct {
  const OrtApi* api;
  Shared* shared;
  int64_t heads, activation, inner, tune, graphs, states;
  float epsilon;
  int layers;
  Device words, positions, type, sparse[2];
  Norm norm;  // of the embeddings
  Device weights[MOST_LAYERS * WEIGHTS];
  Graph graph[GRAPHS];
  Device folded, moments;  // of small.cu, made with the first graph that needs them
  char error[512];
} Kernel;

static int epilogue(Kernel* k) { return k->activation == 2 ? RELU_BIAS : GELU_BIAS; }

static Norm norm(const Kernel* k, const Device* gain) { return (Norm){.gain = gain[0], .shift = gain[1], .epsilon = k->epsilon}; }

// All layers, from h->state; leaves the sum before the last normalisation in h->sum.
static int enqueue(Kernel* k, int tokens, int count, int queries) {
  Shared* h = k->shared;
  const Device* w = k->weights;
  int layers = k->tune ? k->layers : 0;
  Product p[PRODUCTS];
  memset(p, 0, sizeof p);
  int ok = plan(h, &p[QKV], tokens, h->hidden, 3 * h->hidden, BIAS, 0, h->state, &w[WQKV], &w[BQKV], layers, WEIGHTS, 0, h->qkv) &&
           plan(h, &p[OUT], tokens, h->hidden, h->hidden, BIAS, 1, h->context, &w[WO], &w[BO], layers, WEIGHTS, h->state, h->sum) &&
           plan(h, &p[INNER], tokens, h->hidden, h->inner, epilogue(k), 0, h->context, &w[WI], &w[BI], layers, WEIGHTS, 0, h->mid) &&
           plan(h, &p[OUTER], tokens, h->inner, h->hidden, BIAS, 1, h->mid, &w[WF], &w[BF], layers, WEIGHTS, h->context, h->sum);
  TensorMap map;
  TensorMap* hopper = queries == 128 && hopper_map(&h->hopper, &map, h->qkv, tokens, 3 * h->hidden) ? &map : NULL;
  for (int i = 0; ok && i < k->layers; i++, w += WEIGHTS) {
    ok = multiply(h, &p[QKV], h->state, w[WQKV], w[BQKV], 0, h->qkv) && attend(h, hopper, (int)k->heads, count, queries) &&
         multiply(h, &p[OUT], h->context, w[WO], w[BO], h->state, h->sum) &&
         normalise(h, h->sum, h->context, norm(k, &w[G1]), tokens) && multiply(h, &p[INNER], h->context, w[WI], w[BI], 0, h->mid) &&
         multiply(h, &p[OUTER], h->mid, w[WF], w[BF], h->context, h->sum) &&
         (i + 1 == k->layers || normalise(h, h->sum, h->state, norm(k, &w[G2]), tokens));
  }
  for (int i = 0; i < PRODUCTS; i++) unplan(&p[i]);
  return ok;
}

// What comes before the layers: embeddings to h->state, spans and tiles to the device; of each so many as are to be filled.
static int embed(Kernel* k, Batch b) {
  Shared* h = k->shared;
  void* arguments[] = {&b, &k->words, &k->positions, &k->type, &k->norm, &h->state, &h->spans, &h->tiles};
  return by_rows(h, h->embed, b.tokens_filled, arguments, "embeddings");
}

// What comes behind them, from the sum before the last normalisation.
static int finish(Kernel* k, Device sum, Leaving l) {
  Norm last = norm(k, &k->weights[(k->layers - 1) * WEIGHTS + G2]);
  if (!l.states && !l.sparse) l.tokens = 0;
  void* arguments[] = {&sum, &last, &l};
  return l.tokens + l.texts == 0 || by_rows(k->shared, k->shared->finish, (int64_t)l.tokens + l.texts, arguments, "heads");
}
