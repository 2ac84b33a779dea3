// Runs single kernels of the CUDA operator for CudaKernelsTest.java, through the functions with which the operator launches them. Not part
// of the product. Reads commands from standard input, a line each, and answers each with a line: "ok …" or "error …".
//   state HIDDEN INNER          what the operator has for encoders of this size; later commands run with it
//   alloc NAME BYTES            a buffer on the device, every byte 0xFF: NaN as a float of 16 or 32 bits
//   write NAME                  as many bytes as the buffer has follow the line
//   read NAME                   "ok BYTES", then the bytes
//   free                        all buffers
//   KERNEL ARGUMENT…            see COMMANDS; buffers by name, "-" for null. "ok MICROSECONDS": the mean of REPEAT runs
// `repeat N` sets how often kernels run. Ends with status 3 and a line on standard output where there is no device.
#include "luciole.c"

typedef struct { char name[32]; CUdeviceptr at; size_t size; } Buffer;
enum { MAX_BUFFERS = 64, MAX_WORDS = 20 };
static Buffer buffers[MAX_BUFFERS];
static int buffer_count, repeat = 1;
static DeviceState* h;
static void *from, *to, *stream;
static char* word[MAX_WORDS];

static struct {
  int (*Init)(unsigned);
  int (*DeviceGet)(int*, int);
  int (*DeviceGetName)(char*, int, int);
  int (*DevicePrimaryCtxRetain)(void**, int);
  int (*CtxSetCurrent)(void*);
  int (*StreamCreate)(void**, unsigned);
  int (*MemcpyHtoD)(CUdeviceptr, const void*, size_t);
  int (*MemcpyDtoH)(void*, CUdeviceptr, size_t);
  int (*MemsetD8)(CUdeviceptr, unsigned char, size_t);
  int (*CtxSynchronize)(void);
} more;

static const char* open_device(void) {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) return "libcuda.so.1, the NVIDIA driver's library, is missing";
  int ok = symbol(driver, "cuInit", (void**)&more.Init) && symbol(driver, "cuDeviceGet", (void**)&more.DeviceGet) &&
           symbol(driver, "cuDeviceGetName", (void**)&more.DeviceGetName) &&
           symbol(driver, "cuDevicePrimaryCtxRetain", (void**)&more.DevicePrimaryCtxRetain) &&
           symbol(driver, "cuCtxSetCurrent", (void**)&more.CtxSetCurrent) && symbol(driver, "cuStreamCreate", (void**)&more.StreamCreate) &&
           symbol(driver, "cuMemcpyHtoD_v2", (void**)&more.MemcpyHtoD) && symbol(driver, "cuMemcpyDtoH_v2", (void**)&more.MemcpyDtoH) &&
           symbol(driver, "cuMemsetD8_v2", (void**)&more.MemsetD8) && symbol(driver, "cuCtxSynchronize", (void**)&more.CtxSynchronize);
  int device;
  void* context;
  static char name[128];
  if (!ok || more.Init(0) || more.DeviceGet(&device, 0)) return "the driver finds no device";
  if (more.DevicePrimaryCtxRetain(&context, device) || more.CtxSetCurrent(context)) return "the device gives no context";
  const char* problem = load_libraries();
  if (problem) return problem;
  if (more.StreamCreate(&stream, 1) || cu.EventCreate(&from, 0) || cu.EventCreate(&to, 0)) return "the device makes no stream";
  more.DeviceGetName(name, sizeof name, device);
  printf("ok %d %s\n", compute_capability(), name);
  return NULL;
}

static int refuse(const char* what, const char* detail) { return printf("error %s %s\n", what, detail), 0; }

static Buffer* find(const char* name) {
  for (int i = 0; i < buffer_count; i++) {
    if (!strcmp(buffers[i].name, name)) return &buffers[i];
  }
  return NULL;
}

// The address of the buffer that word i names; 0 for "-".
static CUdeviceptr address(int i) {
  Buffer* b = word[i] ? find(word[i]) : NULL;
  if (!b && word[i] && strcmp(word[i], "-")) fprintf(stderr, "kernel_harness: no buffer is called %s\n", word[i]), exit(2);
  return b ? b->at : 0;
}
static int number(int i) { return word[i] ? atoi(word[i]) : 0; }

// Takes the kernels of medium_batch.cu from the operator, which takes them in place of others where it has them; returns what is to be put back.
static MediumBatch hide_medium_batch(void) {
  MediumBatch hidden = h->medium_batch;
  h->medium_batch.attention = h->medium_batch.layer_norm = NULL;
  return hidden;
}

static int layer_norm_of_words(void) {  // x y gamma beta epsilon rows
  return layer_norm(h, address(1), address(2), (LayerNorm){.gamma = address(3), .beta = address(4), .epsilon = strtof(word[5], NULL)}, number(6));
}
static int run_medium_layer_norm(void) { return h->medium_batch.layer_norm ? layer_norm_of_words() : fail(h, "medium_layer_norm did not load"); }
static int run_layer_norm(void) {
  MediumBatch medium_batch = hide_medium_batch();
  int ok = layer_norm_of_words();
  h->medium_batch = medium_batch;
  return ok;
}
static int run_embed(void) {  // tokens tiles token_count tokens_filled tile_count tiles_filled words positions type gamma beta epsilon states spans out_tiles
  static Encoder k;
  k = (Encoder){.device = h, .words = address(7), .positions = address(8), .type = address(9),
                .norm = {.gamma = address(10), .beta = address(11), .epsilon = strtof(word[12], NULL)}};
  h->state = address(13), h->spans = address(14), h->tiles = address(15);
  return embed(&k, (Batch){.tokens = address(1), .tiles = address(2), .token_count = number(3), .tokens_filled = number(4),
                           .tile_count = number(5), .tiles_filled = number(6)});
}
static int run_output_heads(void) {  // x gamma beta epsilon states sparse_weight sparse_bias sparse rows dense token_count text_count
  static Encoder k;
  k = (Encoder){.device = h, .layers = 1, .epsilon = strtof(word[4], NULL)};
  k.weights[OUTPUT_GAMMA] = address(2), k.weights[OUTPUT_BETA] = address(3);
  return output_heads(&k, address(1), (OutputHeads){.states = address(5), .sparse_weight = address(6), .sparse_bias = address(7),
                                                    .sparse = address(8), .rows = address(9), .dense = address(10),
                                                    .token_count = number(11), .text_count = number(12)});
}
static int has_fp8(void) { return fp8_load(&h->fp8, (int)h->hidden) || fail(h, "the kernels for FP8 did not load"); }

static int run_attention(void) {  // KERNEL (64, 128, hopper, fp8_64, fp8_128, fp8_hopper or medium) qkv out tiles spans heads tile_count tokens
  Format output = strncmp(word[1], "fp8_", 4) ? FP16 : FP8;
  const char* kernel = output == FP16 ? word[1] : word[1] + 4;
  int hopper = !strcmp(kernel, "hopper");
  h->qkv = address(2), h->context = address(3), h->e4m3 = address(3), h->tiles = address(4), h->spans = address(5);
  if (!strcmp(kernel, "medium"))
    return h->medium_batch.attention ? attention(h, NULL, number(6), number(7), 64, FP16) : fail(h, "medium_attention did not load");
  TensorMap map;
  if (hopper && !hopper_map(&h->hopper, &map, h->qkv, number(8), 3 * h->hidden, (int)h->hidden / number(6))) return fail(h, "attention_hopper did not load");
  if (output == FP8 && !has_fp8()) return 0;
  MediumBatch medium_batch = hide_medium_batch();
  int ok = attention(h, hopper ? &map : NULL, number(6), number(7), hopper ? 128 : atoi(kernel), output);
  h->medium_batch = medium_batch;
  return ok;
}
static int run_layer_norm_fp8(void) {  // x y e4m3 gamma beta epsilon scales rows
  LayerNorm norm = {.gamma = address(4), .beta = address(5), .epsilon = strtof(word[6], NULL)};
  return has_fp8() && layer_norm_fp8(h, address(1), address(2), address(3), norm, address(7), number(8));
}
static int run_quantize(void) {  // x e4m3 scales rows
  return has_fp8() && quantize(h, address(1), address(2), address(3), number(4));
}
static int run_fp8_state_scales(void) {  // gamma beta scales
  return has_fp8() && fp8_state_scales(h, (LayerNorm){.gamma = address(1), .beta = address(2)}, address(3));
}
static int run_fp8_output_bounds(void) {  // weight bias gamma beta bounds outputs
  return has_fp8() && fp8_output_bounds(h, address(1), address(2), (LayerNorm){.gamma = address(3), .beta = address(4)}, address(5), number(6));
}
static int run_fp8_value_scales(void) {  // bounds bias scales scaled_bias
  return has_fp8() && fp8_value_scales(h, address(1), address(2), address(3), address(4));
}
static int run_fp8_inner_scales(void) {  // bounds scale scales inner
  return has_fp8() && fp8_inner_scales(h, address(1), address(2), address(3), number(4));
}
static int run_fp8_quantize_weight(void) {  // weight input_scales output_scales largest e4m3 scale outputs inputs head
  LayerWeights to = {.weight = address(5), .scale = address(6)};
  return has_fp8() && fp8_quantize_weight(h, address(1), address(2), address(3), address(4), &to, number(7), number(8), number(9));
}
static int run_fp8_product(void) {  // x weight bias scale output_scale residual y tokens inputs outputs activation (-1: none)
  LayerWeights w = {.weight = address(2), .bias = address(3), .scale = address(4), .output_scale = address(5)};
  Product of = {.in = number(9), .out = number(10), .residual = address(6) != 0, .format = address(5) ? FP8_TO_FP8 : FP8};
  of.epilogue = number(11) < 0 ? CUBLASLT_EPILOGUE_BIAS : epilogue(&(Encoder){.activation = number(11)});
  MatmulOperands o = {address(1), &w, 1, 1, address(6), address(7)};
  Matmul p = {0};
  int ok = plan_matmul(h, &p, number(8), of, 0, &o) && matmul(h, &p, o.x, &w, o.residual, o.y);
  destroy_matmul(&p);
  return ok;
}
static int run_fold_layernorm(void) {  // weight bias gamma beta folded outputs
  CUdeviceptr a[] = {address(1), address(2), address(3), address(4)};
  return fold_layernorm(h, &a[0], &a[1], &a[2], &a[3], address(5), number(6));
}
static int run_small_batch(void) {  // KERNEL x weight folded bias gamma beta mean_rstd residual spans y rows activation epsilon
  static const char* const NAMES[] = {"attn_qkv", "attn_out", "ffn_up", "ffn_down"};
  int kind = 0;
  while (kind < SMALL_BATCH_KERNELS && strcmp(NAMES[kind], word[1])) kind++;
  if (kind == SMALL_BATCH_KERNELS || !h->small_batch.fold_layernorm) return fail(h, "%s did not load", word[1]);
  return launch_small_batch(h, kind, (SmallBatchParams){.x = address(2), .weight = address(3), .folded = address(4), .bias = address(5),
                                                        .gamma = address(6), .beta = address(7), .mean_rstd = address(8),
                                                        .residual = address(9), .spans = address(10), .y = address(11),
                                                        .rows = number(12), .activation = number(13), .epsilon = strtof(word[14], NULL)});
}

static int run_medium_batch(void) {  // KERNEL x weight folded bias gamma beta moments residual y next_gamma scaled next_moments in outputs activation epsilon
  int i = 0;
  while (i < MEDIUM_BATCH_SIZES * MEDIUM_BATCH_KINDS && strcmp(MEDIUM_BATCH_KERNELS[i].name, word[1])) i++;
  if (i == MEDIUM_BATCH_SIZES * MEDIUM_BATCH_KINDS || !h->medium_batch.attention) return fail(h, "%s did not load", word[1]);
  MediumBatchParams p = {.folded = address(4), .bias = address(5), .gamma = address(6), .beta = address(7), .moments = address(8),
                         .residual = address(9), .y = address(10), .next_gamma = address(11), .scaled = address(12),
                         .next_moments = address(13), .activation = number(16), .epsilon = strtof(word[17], NULL)};
  int tokens = i < MEDIUM_BATCH_KINDS ? 64 : 128;
  return launch_medium_batch(h, i % MEDIUM_BATCH_KINDS, address(3), address(2), tokens, number(14), number(15), p);
}

static int run_large_batch(void) {  // KERNEL x weight bias y parts tokens in outputs activation
  int kind = 0;
  while (kind < LARGE_BATCH_KINDS && strcmp(LARGE_BATCH_NAMES[kind], word[1])) kind++;
  if (kind == LARGE_BATCH_KINDS || !h->large_batch.sum) return fail(h, "%s did not load", word[1]);
  LargeBatchParams p = {.bias = address(4), .y = address(5), .parts = address(6), .activation = number(10)};
  return launch_large_batch(h, kind, address(3), address(2), number(7), number(8), number(9), p);
}
static int run_large_sum(void) {  // parts bias residual gamma beta y tokens epsilon
  LayerNorm norm = {.gamma = address(4), .beta = address(5), .epsilon = strtof(word[8], NULL)};
  return h->large_batch.sum ? launch_large_sum(h, address(1), address(2), address(3), norm, address(6), number(7)) : fail(h, "large_sum did not load");
}

static const struct { const char* name; int words; int (*run)(void); } COMMANDS[] = {
    {"layer_norm", 7, run_layer_norm},     {"embed", 16, run_embed},
    {"output_heads", 13, run_output_heads}, {"attention", 9, run_attention},
    {"fold_layernorm", 7, run_fold_layernorm}, {"small_batch", 15, run_small_batch},
    {"medium_batch", 18, run_medium_batch}, {"medium_layer_norm", 7, run_medium_layer_norm},
    {"large_batch", 11, run_large_batch},  {"large_sum", 9, run_large_sum},
    {"layer_norm_fp8", 9, run_layer_norm_fp8}, {"quantize", 5, run_quantize},
    {"fp8_state_scales", 4, run_fp8_state_scales}, {"fp8_output_bounds", 7, run_fp8_output_bounds},
    {"fp8_value_scales", 5, run_fp8_value_scales}, {"fp8_inner_scales", 5, run_fp8_inner_scales},
    {"fp8_quantize_weight", 10, run_fp8_quantize_weight}, {"fp8_product", 12, run_fp8_product}};

// Once for its result, then `repeat` times for its speed.
static int run(int (*kernel)(void)) {
  float ms = 0;
  h->stream = stream;
  for (int i = -1; i < repeat; i++) {
    if (i == 0) CHECK(cu.EventRecord(from, stream), "event");
    if (!kernel()) return 0;
    if (i < 0) CHECK(cu.StreamSynchronize(stream), "kernel");
  }
  CHECK(cu.EventRecord(to, stream), "event");
  CHECK(cu.StreamSynchronize(stream), "kernel");
  CHECK(cu.EventElapsedTime(&ms, from, to), "event");
  printf("ok %.3f\n", ms * 1000 / (float)repeat);
  return 1;
}

static int transfer(int write) {
  Buffer* b = find(word[1]);
  if (!b) return refuse("no buffer is called", word[1]);
  char* bytes = malloc(b->size);
  int ok = bytes != NULL;
  if (ok && write) ok = fread(bytes, 1, b->size, stdin) == b->size && more.MemcpyHtoD(b->at, bytes, b->size) == 0 && more.CtxSynchronize() == 0;
  if (ok && !write) ok = more.MemcpyDtoH(bytes, b->at, b->size) == 0;
  if (ok) printf("ok %zu\n", b->size);
  if (ok && !write) fwrite(bytes, 1, b->size, stdout);
  free(bytes);
  return ok || refuse("cannot copy", word[1]);
}

static int allocate(void) {
  Buffer* b = &buffers[buffer_count];
  if (buffer_count == MAX_BUFFERS) return refuse("too many buffers at", word[1]);
  b->size = strtoull(word[2], NULL, 10);
  snprintf(b->name, sizeof b->name, "%s", word[1]);
  if (cu.MemAlloc(&b->at, b->size) || more.MemsetD8(b->at, 0xFF, b->size) || more.CtxSynchronize()) return refuse("no memory for", word[1]);
  buffer_count++;
  return printf("ok\n"), 1;
}

static int state(void) {
  static char problem[512];
  h = acquire_state(number(1), number(2), problem, sizeof problem);
  return h ? (printf("ok\n"), 1) : refuse("no state:", problem);
}

static int command(int words) {
  if (words == 3 && !strcmp(word[0], "state")) return state();
  if (words == 3 && !strcmp(word[0], "alloc")) return allocate();
  if (words == 2 && !strcmp(word[0], "write")) return transfer(1);
  if (words == 2 && !strcmp(word[0], "read")) return transfer(0);
  if (words == 2 && !strcmp(word[0], "repeat")) return repeat = number(1), printf("ok\n"), 1;
  if (words == 1 && !strcmp(word[0], "free")) {
    while (buffer_count > 0) cu.MemFree(buffers[--buffer_count].at);
    return printf("ok\n"), 1;
  }
  for (size_t i = 0; h && i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
    if (!strcmp(word[0], COMMANDS[i].name) && words == COMMANDS[i].words) return run(COMMANDS[i].run) || refuse(word[0], h->error);
  }
  return refuse("not understood:", word[0]);
}

int main(void) {
  static char line[2048];
  const char* problem = open_device();
  if (problem) return printf("none %s\n", problem), 3;
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    int words = 0;
    memset(word, 0, sizeof word);
    for (char* w = strtok(line, " \n"); w && words < MAX_WORDS; w = strtok(NULL, " \n")) word[words++] = w;
    if (words) command(words);
    fflush(stdout);
  }
  return 0;
}
