// The layers of batches of up to 32 tokens (one query, mostly), for encoders of XLM-RoBERTa large's size on compute capability 9.0 or
// later. Reading the weights is all the work there. Hence there are four kernels a layer, so that there is little between them, and a
// block requests its weights before it waits for the kernel before it (programmatic dependent launch), so that the device's memory does
// not pause between two kernels.
//
// A layer's input is the sum before its layer normalisation. That is not computed but accounted for:
//   W·layer_norm(x) + b = rstd·(W·(gamma∘x) - mean·(W·gamma)) + (W·beta + b)
// W·gamma and W·beta + b come from the kernel fold_layernorm, mean and rstd from the same matrix instructions as the product.
#include "cluster.cuh"
#include "common.cuh"

namespace luciole {

constexpr int HIDDEN = SMALL_BATCH_HIDDEN;
constexpr int INNER = SMALL_BATCH_INNER;
constexpr int SPLIT_K = 8;  // warps of a block; each adds up its part of K
constexpr int K_STEP = 32;  // components of K that a warp takes at a time: 8 of each of the 4 threads of a row
static_assert(SPLIT_K * 32 == SMALL_BATCH_THREADS, "the host launches with params.h's number");

__device__ __forceinline__ void cp_async_16(uint32_t to, const void* from) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(from));
}
__device__ __forceinline__ uint4 load_shared_16(uint32_t from) {
  uint4 r;
  asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(r.x), "=r"(r.y), "=r"(r.z), "=r"(r.w) : "r"(from));
  return r;
}

// ---- Arithmetic.
__device__ __forceinline__ uint32_t hmul2(uint32_t a, uint32_t b) {
  __half2 r = __hmul2(*reinterpret_cast<__half2*>(&a), *reinterpret_cast<__half2*>(&b));
  return *reinterpret_cast<uint32_t*>(&r);
}
__device__ __forceinline__ float2 load_half2(const __half* from) { return __half22float2(*reinterpret_cast<const __half2*>(from)); }
__device__ __forceinline__ void store_half2(__half* to, float x, float y) { *reinterpret_cast<__half2*>(to) = __floats2half2_rn(x, y); }

// ---- The product that the four kernels share: x [8·HEIGHT, K] · weight [N, K]^T, of which a block computes N_TILES times 8 columns.
// The order in which components are added up is free. So thread c of the four of a row takes components 8c…8c+7 of every 32 from both
// sides, 16 bytes at a time, and no operand needs a detour: weights wait in shared memory at places that only the thread which reads them
// writes. HEIGHT 3 is not padded to 4: rows known to be absent take no registers, of which 32 rows need all there are.
template <int HEIGHT, int N_TILES_, int K>
struct Product {
  static constexpr int N_TILES = N_TILES_;
  static constexpr int M_TILES = (HEIGHT + 1) / 2;  // of 16 rows
  static constexpr int ROWS = 16 * M_TILES;
  static constexpr int STEPS = 1024 / K_STEP / SPLIT_K;  // of a warp; of K = 4096 a block of a cluster has a quarter
  static constexpr int PAIRS = ROWS * 4 * N_TILES;       // of outputs of a block
  static constexpr int ROUNDS = (PAIRS + SPLIT_K * 32 - 1) / (SPLIT_K * 32);  // in which the block's threads finish them
  static constexpr int ROW_STRIDE = N_TILES == 4 ? 40 : 8 * N_TILES;  // of partial sums: rows that half a warp writes lie in different banks

  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, row = lane >> 2;
  int first;              // the first component of K of this thread
  uint32_t sW;            // [STEPS, N_TILES, 32 lanes] 16 bytes each, of this warp
  float* partial;         // [SPLIT_K, ROWS, ROW_STRIDE], in the place of the weights when those have been read
  uint4 frag_x[M_TILES][2][STEPS];
  float acc[M_TILES][N_TILES][4] = {};

  __device__ __forceinline__ Product(char* memory, int k_part) {
    first = (warp + k_part * SPLIT_K) * STEPS * K_STEP + (lane & 3) * 8;
    sW = smem_address(memory) + (warp * STEPS * N_TILES * 32 + lane) * 16;
    partial = reinterpret_cast<float*>(memory);
  }

  // Requests the block's weights; `column` gives the first of the 8 columns of a tile.
  template <typename Column>
  __device__ __forceinline__ void prefetch_weights(const __half* weight, Column column) const {
#pragma unroll
    for (int i = 0; i < STEPS; i++)
#pragma unroll
      for (int j = 0; j < N_TILES; j++) cp_async_16(sW + (i * N_TILES + j) * 512, weight + (size_t)(column(j) + row) * K + first + i * K_STEP);
  }

  __device__ __forceinline__ void load_x(const __half* x, int rows) {
#pragma unroll
    for (int m = 0; m < M_TILES; m++)
#pragma unroll
      for (int h = 0; h < 2; h++)
#pragma unroll
        for (int i = 0; i < STEPS; i++) {
          int at = m * 16 + h * 8;
          bool present = 2 * m + h < HEIGHT && at < rows;
          frag_x[m][h][i] =
              present ? *reinterpret_cast<const uint4*>(x + (size_t)(at + row) * K + first + i * K_STEP) : uint4{0, 0, 0, 0};
        }
  }

  __device__ __forceinline__ void multiply_step(int i) {
#pragma unroll
    for (int j = 0; j < N_TILES; j++) {
      uint4 b = load_shared_16(sW + (i * N_TILES + j) * 512);
#pragma unroll
      for (int m = 0; m < M_TILES; m++) {
        uint4 u = frag_x[m][0][i], v = frag_x[m][1][i];
        mma_m16n8k16(acc[m][j], {u.x, v.x, u.y, v.y}, b.x, b.y);
        mma_m16n8k16(acc[m][j], {u.z, v.z, u.w, v.w}, b.z, b.w);
      }
    }
  }

  __device__ __forceinline__ void store_partial(int m) const {
#pragma unroll
    for (int j = 0; j < N_TILES; j++) {
      int at = j * 8 + (lane & 3) * 2;
      *reinterpret_cast<float2*>(partial + (warp * ROWS + m * 16 + row) * ROW_STRIDE + at) = {acc[m][j][0], acc[m][j][1]};
      *reinterpret_cast<float2*>(partial + (warp * ROWS + m * 16 + 8 + row) * ROW_STRIDE + at) = {acc[m][j][2], acc[m][j][3]};
    }
  }

  __device__ __forceinline__ void multiply_and_store() {
#pragma unroll
    for (int i = 0; i < STEPS; i++) multiply_step(i);
    __syncthreads();  // the weights have been read
#pragma unroll
    for (int m = 0; m < M_TILES; m++) store_partial(m);
    __syncthreads();
  }

  // The pair of outputs that this thread finishes in round t: tile, row, and the first of the two columns in the tile.
  __device__ __forceinline__ static int tile_of(int t) { return (threadIdx.x + t * SPLIT_K * 32) / (ROWS * 4); }
  __device__ __forceinline__ static int row_of(int t) { return (threadIdx.x + t * SPLIT_K * 32) / 4 % ROWS; }
  __device__ __forceinline__ static int column_of() { return threadIdx.x % 4 * 2; }

  // The block's sums of that pair.
  __device__ __forceinline__ float2 reduce(int t) const {
    float2 u = {0, 0};
#pragma unroll
    for (int w = 0; w < SPLIT_K; w++) {
      float2 s = *reinterpret_cast<const float2*>(partial + (w * ROWS + row_of(t)) * ROW_STRIDE + tile_of(t) * 8 + column_of());
      u = {u.x + s.x, u.y + s.y};
    }
    return u;
  }
};

// A product whose x is normalised, unless gamma is null: attn_qkv and ffn_up.
template <int HEIGHT, int N_TILES, int K>
struct NormalisedProduct : Product<HEIGHT, N_TILES, K> {
  using P = Product<HEIGHT, N_TILES, K>;
  using P::frag_x, P::lane, P::warp, P::row, P::M_TILES, P::ROWS, P::STEPS, P::ROUNDS;
  typedef float Moments[2][SPLIT_K][P::ROWS];  // sums, and sums of squares, of every warp's part of a row

  uint4* sGamma;  // [HIDDEN / 8]; a warp requests and reads its own part
  Moments& moments;
  float4 folded[P::ROUNDS];  // of this thread's pairs of outputs
  float sum[P::M_TILES][4] = {}, squares[P::M_TILES][2][4] = {};

  __device__ __forceinline__ NormalisedProduct(char* memory, uint4* gammas, Moments& shared_moments)
      : P(memory, 0), sGamma(gammas), moments(shared_moments) {}

  __device__ __forceinline__ void prefetch_gamma(const __half* gamma) const {
    if (gamma && lane < STEPS * 4) cp_async_16(smem_address(sGamma + warp * STEPS * 4 + lane), gamma + (warp * STEPS * 4 + lane) * 8);
  }
  template <typename Column>
  __device__ __forceinline__ void load_folded(const float2* from, Column column) {
#pragma unroll
    for (int t = 0; t < ROUNDS; t++)
      if (P::tile_of(t) < N_TILES) folded[t] = *reinterpret_cast<const float4*>(from + column(P::tile_of(t)) + P::column_of());
  }

  __device__ __forceinline__ void multiply(bool normalised) {
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
      if (normalised) {
        uint4 gamma = sGamma[(warp * STEPS + i) * 4 + (lane & 3)];
#pragma unroll
        for (int m = 0; m < M_TILES; m++) {
          uint4 &u = frag_x[m][0][i], &v = frag_x[m][1][i];
          constexpr uint32_t ones = 0x3c003c00;
          mma_m16n8k16(sum[m], {u.x, v.x, u.y, v.y}, ones, ones);
          mma_m16n8k16(sum[m], {u.z, v.z, u.w, v.w}, ones, ones);
          // x·x^T, of which only the diagonal is used: each row by itself.
          mma_m16n8k16(squares[m][0], {u.x, v.x, u.y, v.y}, u.x, u.y);
          mma_m16n8k16(squares[m][0], {u.z, v.z, u.w, v.w}, u.z, u.w);
          if (2 * m + 1 < HEIGHT) {
            mma_m16n8k16(squares[m][1], {u.x, v.x, u.y, v.y}, v.x, v.y);
            mma_m16n8k16(squares[m][1], {u.z, v.z, u.w, v.w}, v.z, v.w);
          }
          u = {hmul2(u.x, gamma.x), hmul2(u.y, gamma.y), hmul2(u.z, gamma.z), hmul2(u.w, gamma.w)};
          if (2 * m + 1 < HEIGHT) v = {hmul2(v.x, gamma.x), hmul2(v.y, gamma.y), hmul2(v.z, gamma.z), hmul2(v.w, gamma.w)};
        }
      }
      P::multiply_step(i);
    }
  }

  __device__ __forceinline__ void store() const {
    __syncthreads();  // the weights have been read
#pragma unroll
    for (int m = 0; m < M_TILES; m++) {
      P::store_partial(m);
      if ((lane & 3) == row >> 1) {
        moments[0][warp][m * 16 + row] = sum[m][0];
        moments[0][warp][m * 16 + 8 + row] = sum[m][2];
        moments[1][warp][m * 16 + row] = row & 1 ? squares[m][0][1] : squares[m][0][0];
        moments[1][warp][m * 16 + 8 + row] = row & 1 ? squares[m][1][3] : squares[m][1][2];
      }
    }
    __syncthreads();
  }

  // The outputs of round t; block 0 writes mean_rstd for the kernel after this one.
  __device__ __forceinline__ float2 finish(int t, const SmallBatchParams& p) const {
    float2 u = P::reduce(t);
    float mean = 0, rstd = 1;
    if (p.gamma) {
      float square = 0;
#pragma unroll
      for (int w = 0; w < SPLIT_K; w++) {
        mean += moments[0][w][P::row_of(t)];
        square += moments[1][w][P::row_of(t)];
      }
      mean /= HIDDEN;
      rstd = rsqrtf(fmaxf(square / HIDDEN - mean * mean, 0) + p.epsilon);
      if (blockIdx.x == 0 && P::tile_of(t) == 0 && P::column_of() == 0) p.mean_rstd[P::row_of(t)] = {mean, rstd};
    }
    return {rstd * (u.x - mean * folded[t].x) + folded[t].y, rstd * (u.y - mean * folded[t].z) + folded[t].w};
  }
};

// What a product with a residual adds to a pair of outputs: attn_out and ffn_down. The residual is normalised unless gamma is null.
struct Residual {
  float2 bias = {0, 0}, gamma = {1, 1}, beta = {0, 0}, residual = {0, 0}, mean_rstd = {0, 1};
  int row, column;
  bool stores;  // whether this thread has a pair

  __device__ __forceinline__ Residual(const SmallBatchParams& p, int block_rows, int first_column)
      : row(threadIdx.x / 4 % block_rows), column(first_column), stores(threadIdx.x < block_rows * 4 && row < p.rows) {
    if (stores) {
      bias = load_half2(p.bias + column);
      if (p.gamma) {
        gamma = load_half2(p.gamma + column);
        beta = load_half2(p.beta + column);
      }
    }
  }
  // What the kernels before this one wrote.
  __device__ __forceinline__ void load(const SmallBatchParams& p) {
    if (stores) {
      residual = load_half2(p.residual + (size_t)row * HIDDEN + column);
      if (p.gamma) mean_rstd = p.mean_rstd[row];
    }
  }
  __device__ __forceinline__ void add(float2 sum) { bias = {bias.x + sum.x, bias.y + sum.y}; }
  __device__ __forceinline__ void store(const SmallBatchParams& p) const {
    store_half2(p.y + (size_t)row * HIDDEN + column, (residual.x - mean_rstd.x) * mean_rstd.y * gamma.x + beta.x + bias.x,
                (residual.y - mean_rstd.x) * mean_rstd.y * gamma.y + beta.y + bias.y);
  }
};

// Query, key and value, and attention with them: y [M, HIDDEN]. A cluster of 8 blocks has a head; each block computes 8 components of its
// query, key and value and sends them to all, and attends with every eighth row.
template <int HEIGHT>
__device__ __forceinline__ void attn_qkv(const SmallBatchParams& p) {
  using Qkv = NormalisedProduct<HEIGHT, 3, HIDDEN>;
  constexpr int CLUSTER = HEAD_SIZE / 8, ROWS = Qkv::ROWS;
  constexpr int SLICE = 3 * ROWS * 4 + 4;  // 32-bit words of 8 components of Q, K, V [3, ROWS, 8], and 4 that keep slices in different banks
  extern __shared__ __align__(128) char memory[];
  __shared__ typename Qkv::Moments moments;
  __shared__ __align__(16) uint32_t sQKV[CLUSTER * SLICE];
  __shared__ __align__(8) uint64_t barrier;
  __shared__ __align__(16) uint4 gammas[HIDDEN / 8];
  int rank = cluster_rank(), head = blockIdx.x / CLUSTER;
  auto column = [&](int tile) { return tile * HIDDEN + head * HEAD_SIZE + rank * 8; };
  Qkv product(memory, gammas, moments);

  product.prefetch_weights(p.weight, column);
  product.prefetch_gamma(p.gamma);
  cp_async_commit();
  if (threadIdx.x == 0) mbarrier_init_expect_tx(smem_address(&barrier), CLUSTER * 3 * ROWS * 16);
  __syncthreads();
  cluster_arrive();
  product.load_folded(p.folded, column);
  launch_dependents();  // at once: asked for later, the next weights come too late
  wait_for_previous_kernel();

  product.load_x(p.x, p.rows);
  cp_async_wait<0>();
  __syncwarp();
  product.multiply(p.gamma);
  product.store();
  cluster_wait();  // all blocks have begun, and expect
#pragma unroll
  for (int t = 0; t < Qkv::ROUNDS; t++) {
    int tile = Qkv::tile_of(t), row = Qkv::row_of(t);
    if (tile < Qkv::N_TILES) {
      float2 u = product.finish(t, p);
      uint32_t both = pack_half2(u.x, u.y), to = smem_address(sQKV + rank * SLICE + (tile * ROWS + row) * 4 + Qkv::column_of() / 2);
#pragma unroll
      for (int c = 0; c < CLUSTER; c++) st_async(c, to, smem_address(&barrier), both);
    }
  }
  mbarrier_wait(smem_address(&barrier));

  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, query = rank + 8 * warp;  // a warp a row
  if (query >= p.rows) return;
  int2 span = p.spans[query];
  int keys = span.y - span.x;  // up to 32, a lane a key
  const uint4* slices = reinterpret_cast<const uint4*>(sQKV);  // [8, SLICE / 4]
  float score = -INFINITY;
  if (lane < keys) {
    float s = 0;
#pragma unroll
    for (int c = 0; c < CLUSTER; c++) {
      uint4 q = slices[c * (SLICE / 4) + query], k = slices[c * (SLICE / 4) + ROWS + span.x + lane];
      const __half2 *qp = reinterpret_cast<const __half2*>(&q), *kp = reinterpret_cast<const __half2*>(&k);
#pragma unroll
      for (int e = 0; e < 4; e++) {
        float2 f = __half22float2(qp[e]), g = __half22float2(kp[e]);
        s = fmaf(f.x, g.x, fmaf(f.y, g.y, s));
      }
    }
    score = s * (0.125f * 1.44269504f);  // log2(e)/sqrt(64): the exponentials are powers of 2
  }
  float row_max = score;
#pragma unroll
  for (int d = 16; d > 0; d /= 2) row_max = fmaxf(row_max, __shfl_xor_sync(~0u, row_max, d));
  score = exp2_approx(score - row_max);
  float row_sum = score;
#pragma unroll
  for (int d = 16; d > 0; d /= 2) row_sum += __shfl_xor_sync(~0u, row_sum, d);
  const uint32_t* values = sQKV + lane / 4 * SLICE + (2 * ROWS + span.x) * 4 + lane % 4;
  float2 o = {0, 0};
#pragma unroll 8
  for (int key = 0; key < keys; key++) {
    float share = __shfl_sync(~0u, score, key);
    float2 v = __half22float2(*reinterpret_cast<const __half2*>(values + key * 4));
    o = {fmaf(share, v.x, o.x), fmaf(share, v.y, o.y)};
  }
  if (keys > 0)
    reinterpret_cast<__half2*>(p.y + (size_t)query * HIDDEN + head * HEAD_SIZE)[lane] = __floats2half2_rn(o.x / row_sum, o.y / row_sum);
}

// The product behind attention and the residual: y [M, HIDDEN]. A block has 8 columns.
template <int HEIGHT>
__device__ __forceinline__ void attn_out(const SmallBatchParams& p) {
  using Out = Product<HEIGHT, 1, HIDDEN>;
  extern __shared__ __align__(128) char memory[];
  int block = blockIdx.x;
  Out product(memory, 0);

  product.prefetch_weights(p.weight, [&](int) { return block * 8; });
  cp_async_commit();
  Residual residual(p, Out::ROWS, block * 8 + Out::column_of());
  launch_dependents();
  wait_for_previous_kernel();

  product.load_x(p.x, p.rows);
  residual.load(p);
  cp_async_wait<0>();
  product.multiply_and_store();
  if (Out::tile_of(0) < Out::N_TILES) residual.add(product.reduce(0));
  if (residual.stores) residual.store(p);
}

// The first product of the feed-forward layer and its activation: y [M, INNER]. A block has 32 columns.
template <int HEIGHT>
__device__ __forceinline__ void ffn_up(const SmallBatchParams& p) {
  using Up = NormalisedProduct<HEIGHT, 4, HIDDEN>;
  extern __shared__ __align__(128) char memory[];
  __shared__ typename Up::Moments moments;
  __shared__ __align__(16) uint4 gammas[HIDDEN / 8];
  int block = blockIdx.x;
  auto column = [&](int tile) { return (block * Up::N_TILES + tile) * 8; };
  Up product(memory, gammas, moments);

  product.prefetch_weights(p.weight, column);
  product.prefetch_gamma(p.gamma);
  cp_async_commit();
  product.load_folded(p.folded, column);
  launch_dependents();
  wait_for_previous_kernel();

  product.load_x(p.x, p.rows);
  cp_async_wait<0>();
  __syncwarp();
  product.multiply(p.gamma);
  product.store();
#pragma unroll
  for (int t = 0; t < Up::ROUNDS; t++) {
    int tile = Up::tile_of(t);
    if (tile < Up::N_TILES) {
      float2 u = product.finish(t, p);
      float both[2] = {u.x, u.y};
      activate(both, p.activation);
      store_half2(p.y + (size_t)Up::row_of(t) * INNER + column(tile) + Up::column_of(), both[0], both[1]);
    }
  }
}

// The second product of the feed-forward layer and the residual: y [M, HIDDEN]. A cluster of 4 blocks has 32 columns; each block adds up a
// quarter of K for all of them, sends its sums to the block of the column, and finishes 8 columns.
template <int HEIGHT>
__device__ __forceinline__ void ffn_down(const SmallBatchParams& p) {
  using Down = Product<HEIGHT, 4, INNER>;
  constexpr int CLUSTER = INNER / HIDDEN, ROWS = Down::ROWS;
  extern __shared__ __align__(128) char memory[];
  __shared__ __align__(16) uint32_t received[CLUSTER * ROWS * 8];  // [CLUSTER, ROWS, 8] sums of a quarter of K
  __shared__ __align__(8) uint64_t barrier;
  int rank = cluster_rank(), group = blockIdx.x / CLUSTER;
  Down product(memory, rank);

  product.prefetch_weights(p.weight, [&](int tile) { return (group * Down::N_TILES + tile) * 8; });
  cp_async_commit();
  if (threadIdx.x == 0) mbarrier_init_expect_tx(smem_address(&barrier), CLUSTER * ROWS * 32);
  __syncthreads();
  cluster_arrive();
  Residual residual(p, ROWS, group * 32 + rank * 8 + Down::column_of());
  launch_dependents();
  wait_for_previous_kernel();

  product.load_x(p.x, p.rows);
  residual.load(p);
  cp_async_wait<0>();
  product.multiply_and_store();
  cluster_wait();  // all blocks have begun, and expect
#pragma unroll
  for (int t = 0; t < Down::ROUNDS; t++) {
    uint32_t to = smem_address(received + (rank * ROWS + Down::row_of(t)) * 8 + Down::column_of());
    if (Down::tile_of(t) < Down::N_TILES) st_async(Down::tile_of(t), to, smem_address(&barrier), product.reduce(t));
  }
  mbarrier_wait(smem_address(&barrier));
  if (residual.stores) {
#pragma unroll
    for (int c = 0; c < CLUSTER; c++)
      residual.add(*reinterpret_cast<const float2*>(received + (c * ROWS + Down::row_of(0)) * 8 + Down::column_of()));
    residual.store(p);
  }
}

}  // namespace luciole
using namespace luciole;

// NAME_M for M = 16, 24 and 32 rows. Two blocks fit a multiprocessor, so that the next kernel's can wait there.
#define SMALL_BATCH_KERNEL(NAME, M, CLUSTER)                                                     \
  extern "C" __global__ void __cluster_dims__(CLUSTER) __launch_bounds__(SMALL_BATCH_THREADS, 2) \
      NAME##_##M(const __grid_constant__ SmallBatchParams p) {                                   \
    NAME<M / 8>(p);                                                                              \
  }
#define SMALL_BATCH_KERNELS(M)                                          \
  SMALL_BATCH_KERNEL(attn_qkv, M, 8) SMALL_BATCH_KERNEL(attn_out, M, 1) \
  SMALL_BATCH_KERNEL(ffn_up, M, 1) SMALL_BATCH_KERNEL(ffn_down, M, 4)
SMALL_BATCH_KERNELS(16)
SMALL_BATCH_KERNELS(24)
SMALL_BATCH_KERNELS(32)

// folded [outputs] = W·gamma, W·beta + b, a warp an output. Without gamma there is nothing to account for: 0, b.
extern "C" __global__ void __launch_bounds__(256) fold_layernorm(const __half* weight, const __half* bias, const __half* gamma,
                                                                 const __half* beta, float2* folded, int outputs) {
  int o = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x & 31;
  if (o >= outputs) return;
  float g = 0, s = 0;
  for (int i = lane; gamma && i < HIDDEN; i += 32) {
    float w = __half2float(weight[(size_t)o * HIDDEN + i]);
    g = fmaf(w, __half2float(gamma[i]), g);
    s = fmaf(w, __half2float(beta[i]), s);
  }
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    g += __shfl_xor_sync(~0u, g, d);
    s += __shfl_xor_sync(~0u, s, d);
  }
  if (lane == 0) folded[o] = {g, s + __half2float(bias[o])};
}
