// The layers of batches of 25 to 128 tokens (a longer query, or the queries of a few callers), for encoders of XLM-RoBERTa large's size on Hopper
// (compute capability 9.0). At the end are attention, which serves larger batches too, and normalisation between cuBLASLt's products.
// As in small_batch.cu, reading the weights and the steps between kernels are most of the work. Hence the means are the same: a block requests its
// weights before it waits for the kernel before it, and layer normalisations are folded into the products around them. Here the products are
// wgmma's, of 64 outputs by 64 tokens a block. That all multiprocessors have a block, and that the next kernel's find room beside them, is a matter
// of how much shared memory a block asks for, and all of it must be there at once: MEDIUM_BATCH_PRODUCTS, and README.md.
//
//   W·layer_norm(x) + b = rstd·(W·(gamma∘x) - mean·(W·gamma)) + (W·beta + b)
// The kernel that computes x also writes gamma∘x, and what its outputs add to the moments of each token; the kernel that normalises adds
// those up.
#include "attention.cuh"
#include "cluster.cuh"
#include "rows.cuh"
#include "wgmma.cuh"

namespace luciole {

constexpr int OUTPUTS = 64;     // rows of the weights that a block has
constexpr int CHUNK = 64;       // components of K of a step
constexpr int CONSUMERS = 128;  // threads that multiply; behind them a warp copies, and one adds up moments
constexpr int HIDDEN = MEDIUM_BATCH_HIDDEN;
constexpr int TILES_OF_HIDDEN = HIDDEN / OUTPUTS;
constexpr int MATRIX_BYTES = 64 * SWIZZLED_ROW;  // of 64 rows by 64 columns
static_assert(CONSUMERS + 64 == MEDIUM_BATCH_THREADS, "the host launches with params.h's number");

__device__ __forceinline__ void consumers_sync() { asm volatile("bar.sync 1, %0;" ::"n"(CONSUMERS) : "memory"); }
// The consumers wait for the moments.
__device__ __forceinline__ void moments_ready() { asm volatile("bar.arrive 2, %0;" ::"n"(CONSUMERS + 32) : "memory"); }
__device__ __forceinline__ void await_moments() { asm volatile("bar.sync 2, %0;" ::"n"(CONSUMERS + 32) : "memory"); }

// How a product is cut; see MEDIUM_BATCH_PRODUCTS.
template <int TOKENS_, int K, int PARTS_, int SLOTS_, int STAGES_, int MEMORY_>
struct Cut {
  static constexpr int TOKENS = TOKENS_, TILES = TOKENS / 64, PARTS = PARTS_, CLUSTER = PARTS * TILES, STEPS = K / CHUNK / PARTS, MEMORY = MEMORY_;
  static constexpr int SLOTS = SLOTS_ < STEPS ? SLOTS_ : STEPS, STAGES = STAGES_ < STEPS ? STAGES_ : STEPS;
  static_assert(TILES == 1 || TILES == 2, "copy_weights names the blocks of two tiles");
};

// y^T [64 outputs, 64 tokens] = W [64, K] · x^T [K, 64] of a block, of whose cluster PARTS blocks have a part of K each. They send their sums to
// each other, so that each finishes GROUPS times 8 tokens. Of the sums of a group, thread (warp, lane) has outputs warp·16 + lane/4 and 8 further,
// tokens lane%4·2 and the next: {o, t}, {o, t + 1}, {o + 8, t}, {o + 8, t + 1}. Where there are two tiles of tokens, the cluster has them both, and
// each block copies half of a step's weights to both.
template <class C, bool LEAVES_MOMENTS>
struct WideProduct {
  static constexpr int TOKENS = C::TOKENS, TILES = C::TILES, PARTS = C::PARTS, STEPS = C::STEPS, SLOTS = C::SLOTS, STAGES = C::STAGES;
  static constexpr int GROUPS = 8 / PARTS;
  static constexpr int SUM_BYTES = GROUPS * CONSUMERS * 16;  // for one of the other parts' blocks
  static constexpr int RECEIVED_BYTES = (PARTS - 1) * SUM_BYTES;
  // Shared memory: sW [SLOTS, 64, 64], sX [STAGES, 64, 64], received [PARTS - 1, GROUPS, CONSUMERS] float4, mean and reciprocal
  // standard deviation [GROUPS·8] float2, parts of the next moments [4, GROUPS·8] float2, barriers, each of which completes once at most.
  static constexpr int X_OFFSET = SLOTS * MATRIX_BYTES;
  static constexpr int RECEIVED = X_OFFSET + STAGES * MATRIX_BYTES, MOMENTS = RECEIVED + RECEIVED_BYTES, PARTS_OF_MOMENTS = MOMENTS + GROUPS * 8 * 8;
  static constexpr int W_FULL = PARTS_OF_MOMENTS + (LEAVES_MOMENTS ? 4 : 0) * GROUPS * 8 * 8, X_FULL = W_FULL + 8 * STEPS, READ = X_FULL + 8 * STEPS;
  static constexpr int ARRIVED = READ + 8 * STEPS;
  static_assert(ARRIVED + 8 <= C::MEMORY, "shared memory");

  char* const memory;
  const uint32_t base;
  const int warp = __shfl_sync(~0u, (int)threadIdx.x / 32, 0), lane = threadIdx.x & 31;
  const int rank = (int)cluster_rank(), part = rank % PARTS, token_tile = rank / PARTS, tile = blockIdx.x / C::CLUSTER;
  const int first_token = token_tile * 64 + part * GROUPS * 8;  // of those that this block finishes
  float acc[64 / 2];

  __device__ __forceinline__ WideProduct(char* shared) : memory(shared), base(smem_address(shared)) {}

  // Barriers, and the request for the weights. For all threads, of which the consumers have `multiply` and `exchange` to do next. False
  // for others, which have done their part when it returns.
  __device__ __forceinline__ bool begin(const TensorMap* weight, const TensorMap* x, const MediumBatchParams& p) const {
    if (threadIdx.x == CONSUMERS) {
      for (int i = 0; i < STEPS; i++) {
        mbarrier_init(base + W_FULL + 8 * i, 1), mbarrier_init(base + X_FULL + 8 * i, 1);
        mbarrier_init(base + READ + 8 * i, CONSUMERS / 32 * TILES);
      }
      mbarrier_init_expect_tx(base + ARRIVED, RECEIVED_BYTES);  // its fence is behind all of them
      for (int i = 0; i < STEPS; i++) mbarrier_expect_tx(base + W_FULL + 8 * i, MATRIX_BYTES), mbarrier_expect_tx(base + X_FULL + 8 * i, MATRIX_BYTES);
      for (int i = 0; TILES == 1 && i < SLOTS; i++) copy_weights(weight, i);
    }
    __syncthreads();
    launch_dependents();
    cluster_arrive();
    cluster_wait();  // all blocks expect what others send
    if (warp == CONSUMERS / 32) copy(weight, x);
    if (warp == CONSUMERS / 32 + 1) add_moments(p);
    return warp < CONSUMERS / 32;
  }

  __device__ __forceinline__ void multiply() {
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
      mbarrier_wait(base + W_FULL + 8 * i, 0);
      mbarrier_wait(base + X_FULL + 8 * i, 0);
      uint64_t w = matrix_descriptor(base + i % SLOTS * MATRIX_BYTES), t = matrix_descriptor(base + X_OFFSET + i % STAGES * MATRIX_BYTES);
      wgmma_fence();
#pragma unroll
      for (int d = 0; d < CHUNK / 16; d++) wgmma_abt(acc, w + 2 * d, t + 2 * d, i + d > 0);
      wgmma_commit();
      if (i > 0 && is_read_for_others(i - 1)) {
        wgmma_wait<1>(acc);
        if (lane < TILES) mbarrier_arrive_at(part + PARTS * lane, base + READ + 8 * (i - 1));
      }
    }
    wgmma_wait<0>(acc);
  }

  // The sums of this block's tokens.
  __device__ __forceinline__ void exchange(float4 (&sum)[GROUPS]) const {
    __syncwarp();
#pragma unroll
    for (int c = 0; c < PARTS; c++)
#pragma unroll
      for (int g = 0; g < GROUPS; g++) {
        const float* from = &acc[(c * GROUPS + g) * 4];
        float4 value = {from[0], from[1], from[2], from[3]};
        if (c == part) {
          sum[g] = value;
        } else {
          int slot = part < c ? part : part - 1;
          st_async(rank - part + c, base + RECEIVED + slot * SUM_BYTES + (g * CONSUMERS + threadIdx.x) * 16, base + ARRIVED, value);
        }
      }
    mbarrier_wait(base + ARRIVED);
#pragma unroll
    for (int s = 0; s < PARTS - 1; s++)
#pragma unroll
      for (int g = 0; g < GROUPS; g++) {
        float4 v;
        asm volatile("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];"
                     : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "r"(base + RECEIVED + s * SUM_BYTES + (g * CONSUMERS + threadIdx.x) * 16) : "memory");
        sum[g] = {sum[g].x + v.x, sum[g].y + v.y, sum[g].z + v.z, sum[g].w + v.w};
      }
  }

  // Mean and reciprocal standard deviation of this thread's two tokens of a group. Behind `await_moments`.
  __device__ __forceinline__ float4 moments(int group) const {
    return reinterpret_cast<const float4*>(memory + MOMENTS)[group * 4 + lane % 4];
  }
  __device__ __forceinline__ float2* parts_of_moments() const { return reinterpret_cast<float2*>(memory + PARTS_OF_MOMENTS); }

  // This thread's first output, and the second is 8 further; and of transposed pairs the first, of which there are two 8 apart, too.
  __device__ __forceinline__ int output() const { return tile * OUTPUTS + warp * 16 + lane / 4; }
  __device__ __forceinline__ int transposed_output() const { return tile * OUTPUTS + warp * 16 + lane % 4 * 2; }

 private:
  // Whether another step has the place of a step's weights or of its x.
  __device__ static constexpr bool is_read_for_others(int step) { return step + SLOTS < STEPS || step + STAGES < STEPS; }

  __device__ __forceinline__ void copy_weights(const TensorMap* weight, int step) const {
    constexpr int ROWS = OUTPUTS / TILES;
    uint32_t to = base + step % SLOTS * MATRIX_BYTES + token_tile * ROWS * SWIZZLED_ROW, barrier = base + W_FULL + 8 * step;
    int column = (part * STEPS + step) * CHUNK, row = tile * OUTPUTS + token_tile * ROWS;
    if (TILES == 1) tma_load(to, weight, column, row, barrier);
    else tma_load_to((1 | 1 << PARTS) << part, to, weight, column, row, barrier);
  }
  __device__ __forceinline__ void copy_x(const TensorMap* x, int step) const {
    tma_load(base + X_OFFSET + step % STAGES * MATRIX_BYTES, x, (part * STEPS + step) * CHUNK, token_tile * 64, base + X_FULL + 8 * step);
  }

  // Copies x, and weights that have not been requested yet, step by step.
  __device__ __forceinline__ void copy(const TensorMap* weight, const TensorMap* x) const {
    if (lane > 0) return;
    for (int i = 0; TILES > 1 && i < SLOTS; i++) copy_weights(weight, i);
    wait_for_previous_kernel();
#pragma unroll
    for (int i = 0; i < STAGES; i++) copy_x(x, i);
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
      if (!is_read_for_others(i)) continue;
      mbarrier_wait(base + READ + 8 * i, 0);
      if (i + SLOTS < STEPS) copy_weights(weight, i + SLOTS);
      if (i + STAGES < STEPS) copy_x(x, i + STAGES);
    }
  }

  // Mean and reciprocal standard deviation of this block's tokens: 0 and 1 where nothing is normalised.
  __device__ __forceinline__ void add_moments(const MediumBatchParams& p) const {
    wait_for_previous_kernel();
    for (int token = lane; token < GROUPS * 8; token += 32) {
      float2 m = {0, 1};
      if (p.moments) {
        m.y = 0;
#pragma unroll
        for (int i = 0; i < TILES_OF_HIDDEN; i++) {
          float2 of_tile = p.moments[i * TOKENS + first_token + token];
          m = {m.x + of_tile.x, m.y + of_tile.y};
        }
        float mean = m.x / HIDDEN;
        m = {mean, rsqrtf(fmaxf(m.y / HIDDEN - mean * mean, 0) + p.epsilon)};
      }
      reinterpret_cast<float2*>(memory + MOMENTS)[token] = m;
    }
    moments_ready();
  }
};

// A product of a normalised x: query, key and value, or the first of the feed-forward layer with its activation. y [T, N].
template <class C, bool ACTIVATED = false>
__device__ __forceinline__ void wide_normalised(const TensorMap* weight, const TensorMap* x, const MediumBatchParams& p) {
  using Wide = WideProduct<C, false>;
  extern __shared__ __align__(1024) char memory[];
  Wide product(memory);
  if (!product.begin(weight, x, p)) return;

  float2 folded[2] = {p.folded[product.output()], p.folded[product.output() + 8]};
  product.multiply();
  float4 sum[Wide::GROUPS];
  product.exchange(sum);
  await_moments();
#pragma unroll
  for (int g = 0; g < Wide::GROUPS; g++) {
    float4 m = product.moments(g);
    float v[4] = {m.y * (sum[g].x - m.x * folded[0].x) + folded[0].y, m.w * (sum[g].y - m.z * folded[0].x) + folded[0].y,
                  m.y * (sum[g].z - m.x * folded[1].x) + folded[1].y, m.w * (sum[g].w - m.z * folded[1].x) + folded[1].y};
    if (ACTIVATED) activate(v, p.activation);
    size_t token = product.first_token + g * 8 + product.lane / 4;
    uint32_t* to = reinterpret_cast<uint32_t*>(p.y + token * p.outputs + product.transposed_output());
    to[0] = transpose_8x8(pack_half2(v[0], v[1]));
    to[4] = transpose_8x8(pack_half2(v[2], v[3]));
  }
}

template <class C>
__device__ __forceinline__ void wide_activated(const TensorMap* weight, const TensorMap* x, const MediumBatchParams& p) {
  wide_normalised<C, true>(weight, x, p);
}

// A product with a residual, which is normalised where there are moments: the one behind attention, or the second of the feed-forward
// layer. y [T, H], scaled [T, H] and the moments of y.
template <class C>
__device__ __forceinline__ void wide_residual(const TensorMap* weight, const TensorMap* x, const MediumBatchParams& p) {
  using Wide = WideProduct<C, true>;
  extern __shared__ __align__(1024) char memory[];
  Wide product(memory);
  if (!product.begin(weight, x, p)) return;

  int output = product.output(), pair = product.transposed_output(), lane = product.lane;
  float bias[2], gamma[2] = {1, 1};
  __half2 next_gamma[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    bias[h] = __half2float(p.bias[output + 8 * h]);
    if (p.moments) gamma[h] = __half2float(p.gamma[output + 8 * h]), bias[h] += __half2float(p.beta[output + 8 * h]);
    next_gamma[h] = *reinterpret_cast<const __half2*>(p.next_gamma + pair + 8 * h);
  }
  wait_for_previous_kernel();
  __half residual[Wide::GROUPS][2][2];  // arrives while the product is computed
#pragma unroll
  for (int g = 0; g < Wide::GROUPS; g++)
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int e = 0; e < 2; e++)
        residual[g][h][e] = p.residual[(size_t)(product.first_token + g * 8 + lane % 4 * 2 + e) * HIDDEN + output + 8 * h];
  product.multiply();
  float4 sum[Wide::GROUPS];
  product.exchange(sum);
  await_moments();
#pragma unroll
  for (int g = 0; g < Wide::GROUPS; g++) {
    float4 m = product.moments(g);
    float v[2][2] = {{sum[g].x, sum[g].y}, {sum[g].z, sum[g].w}};
    float2 part = {0, 0};
    size_t token = product.first_token + g * 8 + lane / 4;
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float a = v[h][0] + bias[h] + (__half2float(residual[g][h][0]) - m.x) * m.y * gamma[h];
      float b = v[h][1] + bias[h] + (__half2float(residual[g][h][1]) - m.z) * m.w * gamma[h];
      uint32_t raw = transpose_8x8(pack_half2(a, b));
      __half2 y = *reinterpret_cast<__half2*>(&raw);
      size_t to = token * HIDDEN + pair + 8 * h;
      *reinterpret_cast<__half2*>(p.y + to) = y;
      *reinterpret_cast<__half2*>(p.scaled + to) = __hmul2(y, next_gamma[h]);
      float2 f = __half22float2(y);
      part = {part.x + f.x + f.y, part.y + f.x * f.x + f.y * f.y};
    }
#pragma unroll
    for (int d = 1; d < 4; d *= 2) part = {part.x + __shfl_xor_sync(~0u, part.x, d), part.y + __shfl_xor_sync(~0u, part.y, d)};
    if (lane % 4 == 0) product.parts_of_moments()[(product.warp * Wide::GROUPS + g) * 8 + lane / 4] = part;
  }
  consumers_sync();
  int token = threadIdx.x;
  if (token < Wide::GROUPS * 8) {
    float2 all = {0, 0};
#pragma unroll
    for (int w = 0; w < CONSUMERS / 32; w++) {
      float2 part = product.parts_of_moments()[w * Wide::GROUPS * 8 + token];
      all = {all.x + part.x, all.y + part.y};
    }
    p.next_moments[product.tile * Wide::TOKENS + product.first_token + token] = all;
  }
}

}  // namespace luciole
using namespace luciole;

// Launched as outputs / 64 · CLUSTER blocks.
#define MEDIUM_BATCH_KERNEL(NAME, TOKENS, COMPUTE, K, PARTS, SLOTS, STAGES, MEMORY)                                                     \
  extern "C" __global__ void __cluster_dims__(PARTS * TOKENS / 64) __launch_bounds__(MEDIUM_BATCH_THREADS)                               \
      medium_##NAME##_##TOKENS(const __grid_constant__ TensorMap weight, const __grid_constant__ TensorMap x,                            \
                               const __grid_constant__ MediumBatchParams p) {                                                            \
    wide_##COMPUTE<Cut<TOKENS, K, PARTS, SLOTS, STAGES, MEMORY>>(&weight, &x, p);                                                        \
  }
MEDIUM_BATCH_PRODUCTS(MEDIUM_BATCH_KERNEL)

// attention_64x64 of encoder.cu, which may begin before the kernel before it has ended: once between this file's products, with whose blocks it shares
// multiprocessors, and once for larger batches, where the cache serves it better.
#define EARLY_ATTENTION(NAME)                                                                                               \
  extern "C" __global__ void __launch_bounds__(WARPS * 32)                                                                  \
      NAME(const __half* qkv, __half* out, const int4* tiles, const int2* spans, int hidden, float scale) {                 \
    launch_dependents();                                                                                                    \
    int4 tile = tiles[blockIdx.y]; /* of the embeddings' kernel, which the first of the layers' waits for */                \
    wait_for_previous_kernel();    /* every block: a grid that ends does so behind the one before it */                     \
    if (tile.y == 0) return;                                                                                                \
    attention<1, HEAD_SIZE>(qkv, out, tile, spans, hidden, scale);                                                          \
  }
EARLY_ATTENTION(medium_attention)
EARLY_ATTENTION(large_attention)

// layer_norm_1024 of encoder.cu, likewise, with fewer rows a block, since few rows are to be spread over the device.
extern "C" __global__ void __launch_bounds__(MEDIUM_NORM_ROWS * 32) medium_layer_norm(const __half* x, __half* y, const LayerNorm n, int rows) {
  using Wide = Row<HIDDEN>;
  launch_dependents();
  Wide::Chunk gamma[Wide::V], beta[Wide::V];
#pragma unroll
  for (int i = 0; i < Wide::V; i++) gamma[i] = Wide::chunk(n.gamma, i), beta[i] = Wide::chunk(n.beta, i);
  wait_for_previous_kernel();
  if (warp_index() >= rows) return;
  Wide row;
  row.load(x + (size_t)warp_index() * HIDDEN);
  row.layer_norm(gamma, beta, n.epsilon);
  row.store(y + (size_t)warp_index() * HIDDEN);
}
