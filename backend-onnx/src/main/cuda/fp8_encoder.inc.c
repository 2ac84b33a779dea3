// Part of luciole.c.
// ---- Layers whose products are of e4m3, for batches that no graph holds. Attention, normalisation and what is added up stay in 16 bits.
enum { FP8_CAPABILITY = 90 };

// Runs a kernel of fp8.cu that makes weights, with so many threads.
static int launch_fp8(DeviceState* h, int kernel, int64_t threads, void** arguments) {
  CHECK(cu.LaunchKernel(h->fp8.of_model[kernel], (unsigned)((threads + 255) / 256), 1, 1, 256, 1, 1, 0, h->stream, arguments, NULL), "weights in FP8");
  return 1;
}

static int fp8_state_scales(DeviceState* h, LayerNorm norm, CUdeviceptr scales) {
  int hidden = (int)h->hidden;
  return launch_fp8(h, FP8_STATE_SCALES, hidden, (void*[]){&norm, &scales, &hidden});
}
static int fp8_output_bounds(DeviceState* h, CUdeviceptr weight, CUdeviceptr bias, LayerNorm norm, CUdeviceptr bounds, int outputs) {
  int inputs = (int)h->hidden;
  return launch_fp8(h, FP8_OUTPUT_BOUNDS, 32ll * outputs, (void*[]){&weight, &bias, &norm, &bounds, &outputs, &inputs});
}
static int fp8_value_scales(DeviceState* h, CUdeviceptr bounds, CUdeviceptr bias, CUdeviceptr scales, CUdeviceptr scaled_bias) {
  int hidden = (int)h->hidden;
  return launch_fp8(h, FP8_VALUE_SCALES, 3ll * hidden, (void*[]){&bounds, &bias, &scales, &scaled_bias, &hidden});
}
static int fp8_inner_scales(DeviceState* h, CUdeviceptr bounds, CUdeviceptr scale, CUdeviceptr scales, int inner) {
  return launch_fp8(h, FP8_INNER_SCALES, 256, (void*[]){&bounds, &scale, &scales, &inner});
}
// `largest` is room for a float. The inputs come in the order of heads of so many components as attention writes them; 0: in their own.
static int fp8_quantize_weight(DeviceState* h, CUdeviceptr weight, CUdeviceptr input_scales, CUdeviceptr output_scales, CUdeviceptr largest,
                               const LayerWeights* to, int outputs, int inputs, int head) {
  CUdeviceptr e4m3 = to->weight, scale = to->scale;
  CHECK(cu.MemsetD8Async(largest, 0, 4, h->stream), "weights in FP8");
  return launch_fp8(h, FP8_LARGEST, 32ll * outputs, (void*[]){&weight, &input_scales, &output_scales, &largest, &outputs, &inputs, &head}) &&
         launch_fp8(h, FP8_QUANTIZE_WEIGHT, 32ll * outputs,
                    (void*[]){&weight, &input_scales, &output_scales, &largest, &e4m3, &scale, &outputs, &inputs, &head});
}

static CUdeviceptr take(CUdeviceptr* at, int64_t bytes) {
  CUdeviceptr from = *at;
  *at += (CUdeviceptr)(bytes + 255) / 256 * 256;
  return from;
}

// Notes where everything is in memory that begins at `from`; where it ends.
static CUdeviceptr place_fp8_weights(Encoder* k, CUdeviceptr from) {
  Fp8Weights* f = &k->fp8;
  int64_t hidden = k->device->hidden, inner = k->inner;
  CUdeviceptr at = from;
  for (int i = 0; i < k->fp8_layers; i++) {
    LayerWeights* to = &f->products[i * MATMULS];
    const LayerWeights* w = &k->products[i * MATMULS];
    const int64_t sizes[MATMULS] = {[QKV] = 3 * hidden * hidden, [OUT] = hidden * hidden, [UP] = hidden * inner, [DOWN] = hidden * inner};
    for (int j = 0; j < MATMULS; j++) to[j] = (LayerWeights){.weight = take(&at, sizes[j]), .bias = w[j].bias, .scale = take(&at, 4)};
    to[QKV].bias = take(&at, 3 * hidden * 2);
    to[UP].output_scale = take(&at, 4);
    f->state_scales[i] = take(&at, hidden * 2);
    f->attended_scales[i] = take(&at, hidden * 2);
  }
  f->value_scales = take(&at, 3 * hidden * 2);
  f->inner_scales = take(&at, inner * 2);
  f->bounds = take(&at, (hidden > inner ? hidden : inner) * 4);
  f->largest = take(&at, 4);
  return at;
}

static int make_fp8_layer(Encoder* k, int i) {
  DeviceState* h = k->device;
  Fp8Weights* f = &k->fp8;
  const LayerWeights *w = &k->products[i * MATMULS], *to = &f->products[i * MATMULS];
  const CUdeviceptr* weights = &k->weights[i * WEIGHTS];
  int hidden = (int)h->hidden, inner = (int)k->inner;
  CUdeviceptr values = (CUdeviceptr)hidden * hidden * 2 * 2, value_biases = (CUdeviceptr)hidden * 2 * 2;  // bytes before those of the values
  LayerNorm before = i ? norm(k, &weights[OUTPUT_GAMMA - WEIGHTS]) : k->norm, attended = norm(k, &weights[ATTENTION_GAMMA]);
  return fp8_state_scales(h, before, f->state_scales[i]) && fp8_state_scales(h, attended, f->attended_scales[i]) &&
         fp8_output_bounds(h, w[QKV].weight + values, w[QKV].bias + value_biases, before, f->bounds, hidden) &&
         fp8_value_scales(h, f->bounds, w[QKV].bias, f->value_scales, to[QKV].bias) &&
         fp8_output_bounds(h, w[UP].weight, w[UP].bias, attended, f->bounds, inner) &&
         fp8_inner_scales(h, f->bounds, to[UP].output_scale, f->inner_scales, inner) &&
         fp8_quantize_weight(h, w[QKV].weight, f->state_scales[i], f->value_scales, f->largest, &to[QKV], 3 * hidden, hidden, 0) &&
         fp8_quantize_weight(h, w[OUT].weight, f->value_scales + value_biases, 0, f->largest, &to[OUT], hidden, hidden, hidden / (int)k->heads) &&
         fp8_quantize_weight(h, w[UP].weight, f->attended_scales[i], 0, f->largest, &to[UP], inner, hidden, 0) &&
         fp8_quantize_weight(h, w[DOWN].weight, f->inner_scales, 0, f->largest, &to[DOWN], hidden, inner, 0);
}

// Makes the weights in e4m3, once; those in 16 bits stay for the graphs of small batches.
static int make_fp8_weights(Encoder* k) {
  DeviceState* h = k->device;
  if (k->fp8.memory) return 1;
  int capability = compute_capability();
  if (k->fp8_layers > k->layers) return fail(h, "%d layers in FP8 were asked for, of %d", (int)k->fp8_layers, k->layers);
  if (capability < FP8_CAPABILITY)
    return fail(h, "FP8 needs a device of compute capability 9.0 or later (H100, H200), this one has %d.%d", capability / 10, capability % 10);
  if (!fp8_load(&h->fp8, (int)h->hidden)) return fail(h, "the kernels for FP8 did not load: the driver is older than CUDA 12.0's");
  size_t size = (size_t)place_fp8_weights(k, 0);
  CHECK(cu.MemAlloc(&k->fp8.memory, size), "weights in FP8");
  place_fp8_weights(k, k->fp8.memory);
  for (int i = 0; i < k->fp8_layers; i++) {
    if (!make_fp8_layer(k, i)) return free_device(&k->fp8.memory), 0;
  }
  return 1;
}

// y = layer_norm(x), and y∘scales as e4m3.
static int layer_norm_fp8(DeviceState* h, CUdeviceptr x, CUdeviceptr y, CUdeviceptr e4m3, LayerNorm norm, CUdeviceptr scales, int tokens) {
  return launch_rows(h, h->fp8.layer_norm, tokens, (void*[]){&x, &y, &e4m3, &norm, &scales, &tokens}, "normalisation");
}
static int quantize(DeviceState* h, CUdeviceptr x, CUdeviceptr e4m3, CUdeviceptr scales, int tokens) {
  return launch_rows(h, h->fp8.quantize, tokens, (void*[]){&x, &e4m3, &scales, &tokens}, "quantisation");
}

// The first fp8_layers layers over `tokens` tokens and `count` tiles of up to `queries`, from h->state. Leaves the next layer's input there; of
// the last of all layers, the sum before its normalisation in h->sum.
static int enqueue_fp8_layers(Encoder* k, int tokens, int count, int queries) {
  DeviceState* h = k->device;
  const Fp8Weights* f = &k->fp8;
  int layers = (int)k->fp8_layers;
  Matmul p[MATMULS];
  memset(p, 0, sizeof p);
  if (!h->e4m3) CHECK(cu.MemAlloc(&h->e4m3, (size_t)(h->capacity * h->hidden)), "inputs in FP8");
  const MatmulOperands operands[MATMULS] = {{h->e4m3, &f->products[QKV], layers, MATMULS, 0, h->qkv},
                                            {h->e4m3, &f->products[OUT], layers, MATMULS, h->state, h->sum},
                                            {h->e4m3, &f->products[UP], layers, MATMULS, 0, h->mid},
                                            {h->mid, &f->products[DOWN], layers, MATMULS, h->context, h->sum}};
  int ok = plan_layers(k, p, tokens, FP8, operands) && quantize(h, h->state, h->e4m3, f->state_scales[0], tokens);
  TensorMap map;
  TensorMap* hopper = queries == 128 && hopper_map(&h->hopper, &map, h->qkv, tokens, 3 * h->hidden, (int)(h->hidden / k->heads)) ? &map : NULL;
  for (int i = 0; ok && i < layers; i++) {
    const LayerWeights* w = &f->products[i * MATMULS];
    const CUdeviceptr* norms = &k->weights[i * WEIGHTS];
    LayerNorm attended = norm(k, &norms[ATTENTION_GAMMA]), last = norm(k, &norms[OUTPUT_GAMMA]);
    ok = matmul(h, &p[QKV], h->e4m3, &w[QKV], 0, h->qkv) && attention(h, hopper, (int)k->heads, count, queries, FP8) &&
         matmul(h, &p[OUT], h->e4m3, &w[OUT], h->state, h->sum) &&
         layer_norm_fp8(h, h->sum, h->context, h->e4m3, attended, f->attended_scales[i], tokens) &&
         matmul(h, &p[UP], h->e4m3, &w[UP], 0, h->mid) && matmul(h, &p[DOWN], h->mid, &w[DOWN], h->context, h->sum);
    if (!ok || i + 1 == k->layers) break;
    ok = i + 1 == layers ? layer_norm(h, h->sum, h->state, last, tokens)
                         : layer_norm_fp8(h, h->sum, h->state, h->e4m3, last, f->state_scales[i + 1], tokens);
  }
  for (int i = 0; i < MATMULS; i++) destroy_matmul(&p[i]);
  return ok;
}
