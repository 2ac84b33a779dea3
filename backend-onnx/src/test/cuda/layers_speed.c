// How long the layers of an encoder of BGE-M3's size take on a GPU, with random weights, without Java and without ONNX Runtime: to compare a
// kernel with its next version in half a minute. Not part of the product and not run by any test.
//   src/main/cuda/build.sh --program src/test/cuda/layers_speed.c OUT -O2      here, with the PTX of each version in turn
//   LD_LIBRARY_PATH=…/nvidia/cublas/lib OUT WHAT…                               on the machine with the GPU
// WHAT, any number of them, one after another:
//   graph:TOKENS           24 layers as a CUDA graph of so many tokens, seven eighths of them filled with texts of 20; median and 10th percentile of 300 ms
//   blas:TOKENS            likewise, by cuBLASLt's products in place of kernels of our own
//   fp16:TOKENS:LENGTH     24 layers over so many tokens in texts of LENGTH; median of 20
//   fp8:TOKENS:LENGTH      likewise, all layers in e4m3
//   attention:TOKENS:LENGTH   attention of one layer alone, 16 heads
// "sum" and "check" are of the results, to tell whether two versions compute the same. LUCIOLE_CUDA_VERBOSE=1 shows the algorithms.
#define main harness_main
#include "kernel_harness.c"
#undef main
#include <math.h>

enum { HIDDEN_SIZE = 1024, INNER_SIZE = 4096, HEAD_COUNT = 16, LAYER_COUNT = 24, MOST_RUNS = 300 };
static Encoder encoder;
static float ms[MOST_RUNS];

static int ordered(const void* a, const void* b) { return (*(float*)a > *(float*)b) - (*(float*)a < *(float*)b); }

// About normal, of mean 0 and deviation 1; the same in every process.
static float random_value(void) {
  static uint64_t state = 88172645463325252u;
  float sum = 0;
  for (int i = 0; i < 4; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    sum += (float)(state >> 40) / (1 << 24) - 0.5f;
  }
  return sum * 1.73f;
}

#define must(call) do { if (!(call)) printf("line %d: %s failed: %s\n", __LINE__, #call, h->error), exit(1); } while (0)

static void fill(CUdeviceptr to, size_t count, float deviation, float mean) {
  _Float16* values = malloc(count * 2);
  for (size_t i = 0; i < count; i++) values[i] = (_Float16)(random_value() * deviation + mean);
  must(more.MemcpyHtoD(to, values, count * 2) == 0);
  free(values);
}

static CUdeviceptr filled(size_t count, float deviation, float mean) {
  CUdeviceptr at;
  must(cu.MemAlloc(&at, count * 2) == 0);
  fill(at, count, deviation, mean);
  return at;
}

static void make_weights(void) {
  enum { H = HIDDEN_SIZE, F = INNER_SIZE };
  static const size_t SIZES[WEIGHTS] = {3 * H * H, 3 * H, H * H, H, H, H, F * H, F, H * F, H, H, H};
  encoder = (Encoder){.device = h, .heads = HEAD_COUNT, .inner = F, .tune = 1, .graphs = 1, .epsilon = 1e-5f, .layers = LAYER_COUNT};
  encoder.norm = (LayerNorm){.gamma = filled(H, 0.1f, 1), .beta = filled(H, 0.1f, 0), .epsilon = 1e-5f};
  CUdeviceptr first[WEIGHTS];
  _Float16* copy = malloc(F * H * 2);
  for (int i = 0; i < LAYER_COUNT * WEIGHTS; i++) {
    int which = i % WEIGHTS, norm = which == ATTENTION_GAMMA || which == OUTPUT_GAMMA;
    if (SIZES[which] <= F) {
      encoder.weights[i] = filled(SIZES[which], norm ? 0.1f : 0.02f, norm ? 1 : 0);
    } else if (i < WEIGHTS) {
      encoder.weights[i] = first[which] = filled(SIZES[which], 0.03f, 0);
    } else {  // the first layer's values, in memory of their own
      must(cu.MemAlloc(&encoder.weights[i], SIZES[which] * 2) == 0 && more.MemcpyDtoH(copy, first[which], SIZES[which] * 2) == 0 &&
           more.MemcpyHtoD(encoder.weights[i], copy, SIZES[which] * 2) == 0);
    }
  }
  free(copy);
  for (int i = 0; i < LAYER_COUNT * MATMULS; i++) {
    static const int OF[MATMULS] = {QKV_WEIGHT, OUT_WEIGHT, UP_WEIGHT, DOWN_WEIGHT};
    const CUdeviceptr* w = &encoder.weights[i / MATMULS * WEIGHTS + OF[i % MATMULS]];
    encoder.products[i] = (LayerWeights){.weight = w[0], .bias = w[1]};
  }
}

// Texts of `length` in the first `filled` tokens, in tiles of up to `queries`; returns the number of tiles.
static int put_texts(int filled, int length, int queries) {
  int *tiles = malloc((size_t)filled * 16), *spans = malloc((size_t)filled * 8), count = 0, together = length < queries ? queries / length * length : length;
  for (int t = 0; t < filled; t++) {
    spans[2 * t] = t / length * length;
    spans[2 * t + 1] = spans[2 * t] + length < filled ? spans[2 * t] + length : filled;
  }
  for (int keys = 0; keys < filled; keys += together) {
    int seen = keys + together < filled ? together : filled - keys;
    for (int t = keys; t < keys + seen; t += queries, count++) {
      int rows = keys + seen - t < queries ? keys + seen - t : queries;
      memcpy(&tiles[4 * count], (int[]){t, rows, keys, seen}, 16);
    }
  }
  must(more.MemcpyHtoD(h->tiles, tiles, (size_t)count * 16) == 0 && more.MemcpyHtoD(h->spans, spans, (size_t)filled * 8) == 0);
  free(tiles), free(spans);
  return count;
}

static void print_sums(const char* what, CUdeviceptr y, int rows) {
  size_t count = (size_t)rows * HIDDEN_SIZE;
  _Float16* values = malloc(count * 2);
  double sum = 0, check = 0;
  must(more.MemcpyDtoH(values, y, count * 2) == 0);
  for (size_t i = 0; i < count; i++) sum += fabs((double)values[i]), check += (double)values[i] * (double)(i % 977);
  free(values);
  printf("%s: sum %.6f, check %.3f", what, sum / rows, check / rows);
}

static int tokens, tile_count;
static EncoderGraph graph;
static int enqueue_the_graph(void) { return cu.GraphLaunch(graph.graph, stream) == 0; }
static int enqueue_in_fp16(void) { return enqueue_layers(&encoder, 0, tokens, tile_count, 128); }
static int enqueue_in_fp8(void) { return enqueue_fp8_layers(&encoder, tokens, tile_count, 128); }
static int enqueue_attention_alone(void) {
  TensorMap map;
  return hopper_map(&h->hopper, &map, h->qkv, tokens, 3 * HIDDEN_SIZE, HEAD_SIZE) && attention(h, &map, HEAD_COUNT, tile_count, 128, FP16);
}

// `rows` of `result` are computed from random states; what is timed goes on from what the run before has left, which takes as long.
static void measure(const char* what, int (*enqueue)(void), int runs, CUdeviceptr result, int rows) {
  enum { MOST = 1 << 15 };
  for (int t = 0; t < tokens; t += MOST) {
    size_t some = (size_t)(tokens - t < MOST ? tokens - t : MOST);
    fill(h->state + (CUdeviceptr)t * HIDDEN_SIZE * 2, some * HIDDEN_SIZE, 1, 0);
    if (enqueue == enqueue_attention_alone) fill(h->qkv + (CUdeviceptr)t * 3 * HIDDEN_SIZE * 2, some * 3 * HIDDEN_SIZE, 1, 0);
  }
  must(enqueue() && cu.StreamSynchronize(stream) == 0);
  print_sums(what, result, rows);
  for (int i = -3; i < runs; i++) {
    must(cu.EventRecord(from, stream) == 0 && enqueue() && cu.EventRecord(to, stream) == 0 && cu.StreamSynchronize(stream) == 0);
    if (i >= 0) must(cu.EventElapsedTime(&ms[i], from, to) == 0);
  }
  qsort(ms, (size_t)runs, sizeof *ms, ordered);
  printf("; median %.4f ms, p10 %.4f, %.0f tokens/s\n", ms[runs / 2], ms[runs / 10], rows / ms[runs / 2] * 1000);
  fflush(stdout);
}

static void run_what(const char* what) {
  int length = 0;
  tokens = 0;
  int blas = sscanf(what, "blas:%d", &tokens) == 1;
  if (blas || sscanf(what, "graph:%d", &tokens) == 1) {
    void *large_batch = h->large_batch.sum, *fold_layernorm = h->small_batch.fold_layernorm;  // the smaller sizes' kernels need the latter
    if (blas) h->large_batch.sum = h->small_batch.fold_layernorm = NULL;
    must(reserve_buffers(h, 1024) && capture_graph(&encoder, &graph, tokens));
    int filled_tokens = tokens * 7 / 8;
    must(put_texts(filled_tokens, 20, 64) <= (tokens + 15) / 16);
    measure(what, enqueue_the_graph, MOST_RUNS, uses_small_batch(&encoder, tokens) || uses_medium_batch(&encoder, tokens) ? h->state : h->sum, filled_tokens);
    destroy_graph(&graph);
    h->large_batch.sum = large_batch, h->small_batch.fold_layernorm = fold_layernorm;
    return;
  }
  const char* sizes = strchr(what, ':');
  if (!sizes || sscanf(sizes, ":%d:%d", &tokens, &length) != 2 || tokens < 1 || length < 1)
    printf("expected graph:TOKENS, blas:TOKENS, or fp16, fp8 or attention:TOKENS:LENGTH, found %s\n", what), exit(2);
  must(reserve_buffers(h, tokens));
  tile_count = put_texts(tokens, length, 128);
  if (!strncmp(what, "fp16:", 5)) {
    measure(what, enqueue_in_fp16, 20, h->sum, tokens);
  } else if (!strncmp(what, "fp8:", 4)) {
    encoder.fp8_layers = LAYER_COUNT;
    must(make_fp8_weights(&encoder));
    measure(what, enqueue_in_fp8, 20, h->sum, tokens);
    encoder.fp8_layers = 0;
  } else if (!strncmp(what, "attention:", 10)) {
    measure(what, enqueue_attention_alone, 20, h->context, tokens);
  } else {
    printf("not understood: %s\n", what), exit(2);
  }
}

int main(int argc, char** argv) {
  const char* problem = open_device();
  char error[512];
  if (problem) return printf("none %s\n", problem), 3;
  if (!(h = acquire_state(HIDDEN_SIZE, INNER_SIZE, error, sizeof error))) return printf("no state: %s\n", error), 1;
  h->stream = stream;
  make_weights();
  for (int i = 1; i < argc; i++) run_what(argv[i]);
  return 0;
}
