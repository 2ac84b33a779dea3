// The products of batches of 129 to 512 tokens (the queries of many callers at once), for encoders of XLM-RoBERTa large's size on Hopper (compute
// capability 9.0). A batch is four tiles of tokens, and a block has 128 outputs of one of them, so that the blocks of a product are about as many
// as multiprocessors. Two blocks with the same outputs are a cluster: each copies half of the weights to both. Products with few outputs are cut
// into parts of K, and the kernel that normalises adds those up. As in medium_batch.cu, a block asks for its first weights before the kernel
// before it has ended.
#include "cluster.cuh"
#include "wgmma.cuh"

namespace luciole {

constexpr int OUTPUTS = LARGE_BATCH_OUTPUTS;  // of a block, 64 for each of two warpgroups
constexpr int CHUNK = 64;                  // components of K of a step
constexpr int CONSUMER_WARPS = 8;          // that multiply; the warp behind them copies
constexpr int CLUSTER = LARGE_BATCH_CLUSTER;
constexpr int SLICE = OUTPUTS / CLUSTER;   // rows of a tile of weights that each block of a cluster copies
constexpr int W_BYTES = OUTPUTS * SWIZZLED_ROW, SLICE_BYTES = SLICE * SWIZZLED_ROW;
constexpr uint16_t EVERY_BLOCK = (1 << CLUSTER) - 1;
constexpr int HIDDEN = LARGE_BATCH_HIDDEN;
static_assert(CONSUMER_WARPS * 32 + 32 == LARGE_BATCH_THREADS, "the host launches with params.h's number");

// y^T [128 outputs, TOKENS] = W [128, K] · x^T [K, TOKENS] of this block; of K, `chunks` times 64 components from first_chunk() on.
template <int TOKENS>
struct LargeProduct {
  static constexpr int GROUPS = TOKENS / 8, X_BYTES = TOKENS * SWIZZLED_ROW, STAGE_BYTES = W_BYTES + X_BYTES, STAGES = LARGE_BATCH_STAGES(TOKENS);
  // Shared memory: [STAGES] of sW [128, 64] and sX [TOKENS, 64], barriers.
  static constexpr int FULL = STAGES * STAGE_BYTES, EMPTY = FULL + 8 * STAGES;
  static_assert(EMPTY + 8 * STAGES <= LARGE_BATCH_SHARED_MEMORY(TOKENS), "shared memory");
  static_assert(STAGE_BYTES % 1024 == 0, "tiles begin where the pattern of the swizzle does");

  const uint32_t base;
  const int warp = __shfl_sync(~0u, (int)threadIdx.x / 32, 0), lane = threadIdx.x & 31;
  const int rank = (int)cluster_rank(), chunks;
  float acc[TOKENS / 2];

  __device__ __forceinline__ LargeProduct(char* memory, int chunks_) : base(smem_address(memory)), chunks(chunks_) {}

  __device__ __forceinline__ int first_chunk() const { return (int)blockIdx.z * chunks; }
  // This thread's first output, and the second is 8 further; and of transposed pairs the first, of which there are two 8 apart, too.
  __device__ __forceinline__ int output() const { return (int)blockIdx.x * OUTPUTS + warp * 16 + lane / 4; }
  __device__ __forceinline__ int transposed_output() const { return (int)blockIdx.x * OUTPUTS + warp * 16 + lane % 4 * 2; }
  __device__ __forceinline__ int first_token() const { return (int)blockIdx.y * TOKENS; }

  // For all threads; false for those that only copy, and have done so when it returns.
  __device__ __forceinline__ bool begin(const TensorMap* weight, const TensorMap* x) const {
    if (threadIdx.x == 0) {
      for (int i = 0; i < STAGES; i++) mbarrier_init(base + FULL + 8 * i, 1), mbarrier_init(base + EMPTY + 8 * i, CONSUMER_WARPS * CLUSTER);
      asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    }
    __syncthreads();
    launch_dependents();
    cluster_arrive();
    cluster_wait();  // all blocks have their barriers
    if (warp == CONSUMER_WARPS) copy(weight, x);
    return warp < CONSUMER_WARPS;
  }

  __device__ __forceinline__ void multiply() {
    uint32_t w_of_warpgroup = base + warp / 4 * (W_BYTES / 2);
    int stage = 0, parity = 0;
#pragma unroll 1
    for (int i = 0; i < chunks; i++) {
      mbarrier_wait(base + FULL + 8 * stage, parity);
      uint64_t w = matrix_descriptor(w_of_warpgroup + stage * STAGE_BYTES), t = matrix_descriptor(base + stage * STAGE_BYTES + W_BYTES);
      wgmma_fence();
#pragma unroll
      for (int d = 0; d < CHUNK / 16; d++) wgmma_abt(acc, w + 2 * d, t + 2 * d, i + d > 0);
      wgmma_commit();
      wgmma_wait<1>(acc);
      // The stage of the step before is wanted again, unless nobody waits for it: a block must not get arrivals after its end.
      if (i > 0 && i - 1 + STAGES < chunks && lane < CLUSTER) mbarrier_arrive_at(lane, base + EMPTY + 8 * (stage ? stage - 1 : STAGES - 1));
      if (++stage == STAGES) stage = 0, parity ^= 1;
    }
    wgmma_wait<0>(acc);
  }

 private:
  __device__ __forceinline__ void copy_weights(const TensorMap* weight, int i, int stage) const {
    mbarrier_expect_tx(base + FULL + 8 * stage, STAGE_BYTES);
    tma_load_to(EVERY_BLOCK, base + stage * STAGE_BYTES + rank * SLICE_BYTES, weight, (first_chunk() + i) * CHUNK, (int)blockIdx.x * OUTPUTS + rank * SLICE,
                        base + FULL + 8 * stage);
  }
  __device__ __forceinline__ void copy_x(const TensorMap* x, int i, int stage) const {
    tma_load(base + stage * STAGE_BYTES + W_BYTES, x, (first_chunk() + i) * CHUNK, first_token(), base + FULL + 8 * stage);
  }
  // The steps' weights and x; weights of the first steps before the kernel before this one has ended.
  __device__ __forceinline__ void copy(const TensorMap* weight, const TensorMap* x) const {
    if (lane > 0) return;
    int first = chunks < STAGES ? chunks : STAGES;
    for (int i = 0; i < first; i++) copy_weights(weight, i, i);
    wait_for_previous_kernel();
    for (int i = 0; i < first; i++) copy_x(x, i, i);
    int stage = 0, parity = 0;
    for (int i = STAGES; i < chunks; i++) {
      mbarrier_wait(base + EMPTY + 8 * stage, parity);
      copy_weights(weight, i, stage);
      copy_x(x, i, stage);
      if (++stage == STAGES) stage = 0, parity ^= 1;
    }
  }
};

// y [T, N], with bias, and an activation where that is wanted.
template <int TOKENS, bool ACTIVATED>
__device__ __forceinline__ void large_product(const TensorMap* weight, const TensorMap* x, const LargeBatchParams& p) {
  extern __shared__ __align__(1024) char memory[];
  LargeProduct<TOKENS> product(memory, p.chunks);
  if (!product.begin(weight, x)) return;
  float bias[2] = {__half2float(p.bias[product.output()]), __half2float(p.bias[product.output() + 8])};
  product.multiply();
  __half* to = p.y + (size_t)(product.first_token() + product.lane / 4) * p.outputs + product.transposed_output();
#pragma unroll
  for (int g = 0; g < product.GROUPS; g++) {
    float v[4] = {product.acc[4 * g] + bias[0], product.acc[4 * g + 1] + bias[0], product.acc[4 * g + 2] + bias[1], product.acc[4 * g + 3] + bias[1]};
    if (ACTIVATED) activate(v, p.activation);
    uint32_t* at = reinterpret_cast<uint32_t*>(to + (size_t)g * 8 * p.outputs);
    at[0] = transpose_8x8(pack_half2(v[0], v[1]));
    at[4] = transpose_8x8(pack_half2(v[2], v[3]));
  }
}

// parts [LARGE_BATCH_PARTS, T, N]: of x · W^T, of this block's part of K.
template <int TOKENS>
__device__ __forceinline__ void large_part(const TensorMap* weight, const TensorMap* x, const LargeBatchParams& p) {
  extern __shared__ __align__(1024) char memory[];
  LargeProduct<TOKENS> product(memory, p.chunks);
  if (!product.begin(weight, x)) return;
  product.multiply();
  size_t row = (size_t)blockIdx.z * gridDim.y * TOKENS + product.first_token() + product.lane % 4 * 2;
  float* to = p.parts + row * p.outputs + product.output();
#pragma unroll
  for (int g = 0; g < product.GROUPS; g++) {
    float* at = to + (size_t)g * 8 * p.outputs;
    at[0] = product.acc[4 * g], at[p.outputs] = product.acc[4 * g + 1];
    at[8] = product.acc[4 * g + 2], at[p.outputs + 8] = product.acc[4 * g + 3];
  }
}

// Eight side by side.
__device__ __forceinline__ void load_halfs(const __half* x, float (&to)[8]) {
  uint4 raw = *reinterpret_cast<const uint4*>(x);
  const __half2* pair = reinterpret_cast<const __half2*>(&raw);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    float2 f = __half22float2(pair[i]);
    to[2 * i] = f.x, to[2 * i + 1] = f.y;
  }
}
// Of the values of a block's threads.
__device__ __forceinline__ float sum_of_block(float x, float (&shared)[LARGE_SUM_THREADS / 32]) {
#pragma unroll
  for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(~0u, x, d);
  if ((threadIdx.x & 31) == 0) shared[threadIdx.x / 32] = x;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int i = 0; i < LARGE_SUM_THREADS / 32; i++) sum += shared[i];
  return sum;
}

}  // namespace luciole
using namespace luciole;

// Launched as [outputs / 128, 4, parts] blocks, for 4 · T tokens.
#define LARGE_BATCH_KERNEL(NAME, T, ...)                                                                                                      \
  extern "C" __global__ void __cluster_dims__(1, LARGE_BATCH_CLUSTER, 1) __launch_bounds__(LARGE_BATCH_THREADS)                               \
      NAME##_##T(const __grid_constant__ TensorMap weight, const __grid_constant__ TensorMap x, const __grid_constant__ LargeBatchParams p) { \
    __VA_ARGS__(&weight, &x, p);                                                                                                              \
  }
#define LARGE_BATCH_KERNELS(T)                                   \
  LARGE_BATCH_KERNEL(large_bias, T, large_product<T, false>)     \
  LARGE_BATCH_KERNEL(large_activated, T, large_product<T, true>) \
  LARGE_BATCH_KERNEL(large_part, T, large_part<T>)
LARGE_BATCH_KERNELS(48)
LARGE_BATCH_KERNELS(64)
LARGE_BATCH_KERNELS(80)
LARGE_BATCH_KERNELS(96)
LARGE_BATCH_KERNELS(128)

// y [rows, H] = the sum of parts [LARGE_BATCH_PARTS, rows, H], bias and residual, normalised where there is a gamma.
extern "C" __global__ void __launch_bounds__(LARGE_SUM_THREADS)
    large_sum(const float* parts, const __half* bias, const __half* residual, const LayerNorm n, __half* y, int rows) {
  constexpr int EACH = HIDDEN / LARGE_SUM_THREADS;  // components of a thread, side by side
  using Values = float[EACH];
  __shared__ float sums[LARGE_SUM_THREADS / 32], squares[LARGE_SUM_THREADS / 32];
  launch_dependents();
  int column = threadIdx.x * EACH;
  size_t at = (size_t)blockIdx.x * HIDDEN + column;
  Values x, gamma, beta, added;
  load_halfs(bias + column, x);
  if (n.gamma) load_halfs(n.gamma + column, gamma), load_halfs(n.beta + column, beta);
  wait_for_previous_kernel();
  load_halfs(residual + at, added);
#pragma unroll
  for (int part = 0; part < LARGE_BATCH_PARTS; part++) {
    const float4* from = reinterpret_cast<const float4*>(parts + (size_t)part * rows * HIDDEN + at);
    float4 a = from[0], b = from[1];
    x[0] += a.x, x[1] += a.y, x[2] += a.z, x[3] += a.w, x[4] += b.x, x[5] += b.y, x[6] += b.z, x[7] += b.w;
  }
  float sum = 0, square = 0;
#pragma unroll
  for (int i = 0; i < EACH; i++) x[i] += added[i], sum += x[i];
  if (n.gamma) {
    float mean = sum_of_block(sum, sums) / HIDDEN;
#pragma unroll
    for (int i = 0; i < EACH; i++) square += (x[i] - mean) * (x[i] - mean);
    float rstd = rsqrtf(sum_of_block(square, squares) / HIDDEN + n.epsilon);
#pragma unroll
    for (int i = 0; i < EACH; i++) x[i] = (x[i] - mean) * rstd * gamma[i] + beta[i];
  }
  *reinterpret_cast<uint4*>(y + at) = {pack_half2(x[0], x[1]), pack_half2(x[2], x[3]), pack_half2(x[4], x[5]), pack_half2(x[6], x[7])};
}
