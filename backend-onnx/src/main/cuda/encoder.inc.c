// Part of luciole.c.
// ---- The encoder: embeddings, layers, heads.
enum { MAX_LAYERS = 128, GRAPHS = 7 };
// The weights of a layer, in the order of the operator's inputs.
enum {
  QKV_WEIGHT, QKV_BIAS, OUT_WEIGHT, OUT_BIAS, ATTENTION_GAMMA, ATTENTION_BETA, UP_WEIGHT, UP_BIAS, DOWN_WEIGHT, DOWN_BIAS, OUTPUT_GAMMA,
  OUTPUT_BETA, WEIGHTS
};
enum { QKV, OUT, UP, DOWN, MATMULS };

// Batches of up to so many tokens run as CUDA graphs: the smallest by the kernels of small_batch.cu, those of up to 128 by medium_batch.cu,
// where there are such, and else by cuBLASLt, which has powers of 2 only.
static const int GRAPH_TOKENS[GRAPHS] = {8, 16, 24, 32, 64, 128, 256};
typedef struct { void* graph; int version; } EncoderGraph;

typedef struct {
  const OrtApi* api;
  DeviceState* device;
  int64_t heads, activation, inner, tune, graphs, states;
  float epsilon;
  int layers;
  CUdeviceptr words, positions, type, sparse[2];
  LayerNorm norm;  // of the embeddings
  CUdeviceptr weights[MAX_LAYERS * WEIGHTS];
  EncoderGraph graph[GRAPHS];
  int is_folded;                // whether `folded` has its values
  CUdeviceptr folded;           // of small_batch.cu and medium_batch.cu, made with the first graph that needs it
  CUdeviceptr mean_rstd;        // of small_batch.cu
  CUdeviceptr scaled, moments;  // of medium_batch.cu: of h->state, then of h->sum
  char error[512];
} Encoder;

static int epilogue(Encoder* k) { return k->activation == ACTIVATION_RELU ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_GELU_BIAS; }

static LayerNorm norm(const Encoder* k, const CUdeviceptr* gamma_and_beta) {
  return (LayerNorm){.gamma = gamma_and_beta[0], .beta = gamma_and_beta[1], .epsilon = k->epsilon};
}

// All layers over `tokens` tokens and `count` tiles of up to `queries`, from h->state. Leaves the sum before the last normalisation in h->sum.
static int enqueue_layers(Encoder* k, int tokens, int count, int queries) {
  DeviceState* h = k->device;
  const CUdeviceptr* w = k->weights;
  Matmul p[MATMULS];
  memset(p, 0, sizeof p);
  MatmulOperands qkv = {h->state, &w[QKV_WEIGHT], &w[QKV_BIAS], k->layers, WEIGHTS, 0, h->qkv};
  MatmulOperands out = {h->context, &w[OUT_WEIGHT], &w[OUT_BIAS], k->layers, WEIGHTS, h->state, h->sum};
  MatmulOperands up = {h->context, &w[UP_WEIGHT], &w[UP_BIAS], k->layers, WEIGHTS, 0, h->mid};
  MatmulOperands down = {h->mid, &w[DOWN_WEIGHT], &w[DOWN_BIAS], k->layers, WEIGHTS, h->context, h->sum};
  int tune = (int)k->tune;
  int ok = plan_matmul(h, &p[QKV], tokens, h->hidden, 3 * h->hidden, CUBLASLT_EPILOGUE_BIAS, 0, tune, &qkv) &&
           plan_matmul(h, &p[OUT], tokens, h->hidden, h->hidden, CUBLASLT_EPILOGUE_BIAS, 1, tune, &out) &&
           plan_matmul(h, &p[UP], tokens, h->hidden, h->inner, epilogue(k), 0, tune, &up) &&
           plan_matmul(h, &p[DOWN], tokens, h->inner, h->hidden, CUBLASLT_EPILOGUE_BIAS, 1, tune, &down);
  TensorMap map;
  TensorMap* hopper = queries == 128 && hopper_map(&h->hopper, &map, h->qkv, tokens, 3 * h->hidden) ? &map : NULL;
  for (int i = 0; ok && i < k->layers; i++, w += WEIGHTS) {
    ok = matmul(h, &p[QKV], h->state, w[QKV_WEIGHT], w[QKV_BIAS], 0, h->qkv) && attention(h, hopper, (int)k->heads, count, queries) &&
         matmul(h, &p[OUT], h->context, w[OUT_WEIGHT], w[OUT_BIAS], h->state, h->sum) &&
         layer_norm(h, h->sum, h->context, norm(k, &w[ATTENTION_GAMMA]), tokens) && matmul(h, &p[UP], h->context, w[UP_WEIGHT], w[UP_BIAS], 0, h->mid) &&
         matmul(h, &p[DOWN], h->mid, w[DOWN_WEIGHT], w[DOWN_BIAS], h->context, h->sum) &&
         (i + 1 == k->layers || layer_norm(h, h->sum, h->state, norm(k, &w[OUTPUT_GAMMA]), tokens));
  }
  for (int i = 0; i < MATMULS; i++) destroy_matmul(&p[i]);
  return ok;
}

// Before the layers: embeddings to h->state, spans and tiles to the device; of each as many as are to be filled.
static int embed(Encoder* k, Batch b) {
  DeviceState* h = k->device;
  void* arguments[] = {&b, &k->words, &k->positions, &k->type, &k->norm, &h->state, &h->spans, &h->tiles};
  return launch_rows(h, h->embed, b.tokens_filled, arguments, "embeddings");
}

// Behind the layers, from the sum before the last normalisation.
static int output_heads(Encoder* k, CUdeviceptr sum, OutputHeads heads) {
  LayerNorm last = norm(k, &k->weights[(k->layers - 1) * WEIGHTS + OUTPUT_GAMMA]);
  if (!heads.states && !heads.sparse) heads.token_count = 0;
  int64_t rows = (int64_t)heads.token_count + heads.text_count;
  void* arguments[] = {&sum, &last, &heads};
  return rows == 0 || launch_rows(k->device, k->device->output_heads, rows, arguments, "heads");
}
