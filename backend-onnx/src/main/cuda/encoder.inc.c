// Part of luciole.c.
// ---- The encoder: embeddings, layers, heads.
enum { MAX_LAYERS = 128, GRAPHS = 13, FP8_GRAPHS = 11 };
// The weights of a layer, in the order of the operator's inputs.
enum {
  QKV_WEIGHT, QKV_BIAS, OUT_WEIGHT, OUT_BIAS, ATTENTION_GAMMA, ATTENTION_BETA, UP_WEIGHT, UP_BIAS, DOWN_WEIGHT, DOWN_BIAS, OUTPUT_GAMMA,
  OUTPUT_BETA, WEIGHTS
};
enum { QKV, OUT, UP, DOWN, MATMULS };

// Batches of up to so many tokens run as CUDA graphs: the smallest by the kernels of small_batch.cu, those of 64 and 128 by medium_batch.cu and those
// of up to 512 by large_batch.cu, where there are such, and else by cuBLASLt's products. Encoders in FP8 have the first FP8_GRAPHS of them: theirs are in 16 bits.
static const int GRAPH_TOKENS[GRAPHS] = {8, 16, 24, 32, 64, 128, 192, 256, 320, 384, 512, 768, 1024};
typedef struct { void* graph; int version; } EncoderGraph;

// Weights in e4m3; see fp8.cu.
typedef struct {
  CUdeviceptr memory;                               // of all that follows; 0 until they are made
  LayerWeights products[MAX_LAYERS * MATMULS];
  CUdeviceptr state_scales[MAX_LAYERS];             // [H] of the layer's input, whose product is the first
  CUdeviceptr attended_scales[MAX_LAYERS];          // [H] of the feed-forward layer's input
  CUdeviceptr value_scales, inner_scales;           // [3H], [inner]: of the layer whose weights are being made
  CUdeviceptr bounds, largest;                      // [H or inner, the larger], [1]: likewise
} Fp8Weights;

typedef struct {
  const OrtApi* api;
  DeviceState* device;
  int64_t heads, activation, inner, tune, graphs, states, fp8_layers;
  float epsilon;
  int layers;
  CUdeviceptr words, positions, type, sparse[2];
  LayerNorm norm;  // of the embeddings
  CUdeviceptr weights[MAX_LAYERS * WEIGHTS];
  LayerWeights products[MAX_LAYERS * MATMULS];  // the same weights, as products take them
  Fp8Weights fp8;                               // of the first fp8_layers layers
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

// The products of a layer over `tokens` tokens, in this order, each with what it reads and writes.
static int plan_layers(Encoder* k, Matmul p[MATMULS], int tokens, Format format, const MatmulOperands operands[MATMULS]) {
  int64_t hidden = k->device->hidden, inner = k->inner;
  Format middle = format == FP16 ? FP16 : FP8_TO_FP8;
  const Product of[MATMULS] = {{hidden, 3 * hidden, CUBLASLT_EPILOGUE_BIAS, 0, format},
                               {hidden, hidden, CUBLASLT_EPILOGUE_BIAS, 1, format},
                               {hidden, inner, epilogue(k), 0, middle},
                               {inner, hidden, CUBLASLT_EPILOGUE_BIAS, 1, format}};
  int ok = 1;
  for (int i = 0; ok && i < MATMULS; i++) ok = plan_matmul(k->device, &p[i], tokens, of[i], (int)k->tune, &operands[i]);
  return ok;
}

// The layers from `first` on over `tokens` tokens and `count` tiles of up to `queries`, from h->state. Leaves the sum before the last
// normalisation in h->sum.
static int enqueue_layers(Encoder* k, int first, int tokens, int count, int queries) {
  DeviceState* h = k->device;
  const LayerWeights* of = k->products;
  Matmul p[MATMULS];
  memset(p, 0, sizeof p);
  const MatmulOperands operands[MATMULS] = {{h->state, &of[QKV], k->layers, MATMULS, 0, h->qkv},
                                            {h->context, &of[OUT], k->layers, MATMULS, h->state, h->sum},
                                            {h->context, &of[UP], k->layers, MATMULS, 0, h->mid},
                                            {h->mid, &of[DOWN], k->layers, MATMULS, h->context, h->sum}};
  int ok = plan_layers(k, p, tokens, FP16, operands);
  TensorMap map;
  TensorMap* hopper = queries == 128 && hopper_map(&h->hopper, &map, h->qkv, tokens, 3 * h->hidden, (int)(h->hidden / k->heads)) ? &map : NULL;
  for (int i = first; ok && i < k->layers; i++) {
    const LayerWeights* w = &of[i * MATMULS];
    const CUdeviceptr* norms = &k->weights[i * WEIGHTS];
    ok = matmul(h, &p[QKV], h->state, &w[QKV], 0, h->qkv) && attention(h, hopper, (int)k->heads, count, queries, FP16) &&
         matmul(h, &p[OUT], h->context, &w[OUT], h->state, h->sum) && layer_norm(h, h->sum, h->context, norm(k, &norms[ATTENTION_GAMMA]), tokens) &&
         matmul(h, &p[UP], h->context, &w[UP], 0, h->mid) && matmul(h, &p[DOWN], h->mid, &w[DOWN], h->context, h->sum) &&
         (i + 1 == k->layers || layer_norm(h, h->sum, h->state, norm(k, &norms[OUTPUT_GAMMA]), tokens));
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
