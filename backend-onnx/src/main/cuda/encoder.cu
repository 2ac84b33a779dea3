// Kernels that no library has in this form, for compute capability 8.0 or later: attention over texts laid end to end, which reads the
// fused query-key-value product in place; embeddings; layer normalisation; the output heads. Inputs and outputs are 16-bit floats, sums
// are 32-bit floats. T: tokens of the batch; H: hidden size.
#include "attention.cuh"

namespace luciole {

// ---- Kernels with a warp a row
// W 16-bit floats that a thread reads or writes at once.
template <int W>
struct Vector;
template <>
struct Vector<8> { using type = uint4; };
template <>
struct Vector<4> { using type = uint2; };

// A row of H components, a multiple of 128, held by a warp: of every 32·W, lane l has those from W·l on. W is 8, or 4 where 256 does not
// divide H.
template <int H>
struct Row {
  static constexpr int W = H % 256 == 0 ? 8 : 4, V = H / (32 * W);
  static_assert(H % 128 == 0, "a row has a multiple of 128 components");
  using Chunk = typename Vector<W>::type;
  float value[V][W];

  __device__ __forceinline__ static const Chunk& chunk(const __half* x, int i) {
    return reinterpret_cast<const Chunk*>(x)[(threadIdx.x & 31) + 32 * i];
  }
  __device__ __forceinline__ void load(const __half* x) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      Chunk raw = chunk(x, i);
      const __half2* pair = reinterpret_cast<const __half2*>(&raw);
#pragma unroll
      for (int j = 0; j < W / 2; j++) {
        float2 f = __half22float2(pair[j]);
        value[i][2 * j] = f.x;
        value[i][2 * j + 1] = f.y;
      }
    }
  }
  __device__ __forceinline__ void add(const Row& other) {
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < W; j++) value[i][j] += other.value[i][j];
  }
  __device__ __forceinline__ float dot(const Row& other) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < W; j++) sum = fmaf(value[i][j], other.value[i][j], sum);
    return warp_sum(sum);
  }
  __device__ __forceinline__ void layer_norm(const LayerNorm& n) {
    float sum = 0, square = 0;
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < W; j++) sum += value[i][j];
    float mean = warp_sum(sum) / H;
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < W; j++) {
        float d = value[i][j] - mean;
        square += d * d;
      }
    float rstd = rsqrtf(warp_sum(square) / H + n.epsilon);
#pragma unroll
    for (int i = 0; i < V; i++) {
      Chunk g = chunk(n.gamma, i), b = chunk(n.beta, i);
      const __half2 *gp = reinterpret_cast<const __half2*>(&g), *bp = reinterpret_cast<const __half2*>(&b);
#pragma unroll
      for (int j = 0; j < W / 2; j++) {
        float2 gf = __half22float2(gp[j]), bf = __half22float2(bp[j]);
        value[i][2 * j] = (value[i][2 * j] - mean) * rstd * gf.x + bf.x;
        value[i][2 * j + 1] = (value[i][2 * j + 1] - mean) * rstd * gf.y + bf.y;
      }
    }
  }
  __device__ __forceinline__ void store(__half* y) const {
#pragma unroll
    for (int i = 0; i < V; i++) {
      Chunk raw;
#pragma unroll
      for (int j = 0; j < W / 2; j++) reinterpret_cast<uint32_t*>(&raw)[j] = pack_half2(value[i][2 * j], value[i][2 * j + 1]);
      reinterpret_cast<Chunk*>(y)[(threadIdx.x & 31) + 32 * i] = raw;
    }
  }
  __device__ __forceinline__ void store(float* y) const {
#pragma unroll
    for (int i = 0; i < V; i++) {
      float4* to = reinterpret_cast<float4*>(y + i * 32 * W) + (threadIdx.x & 31) * (W / 4);
#pragma unroll
      for (int j = 0; j < W; j += 4) to[j / 4] = {value[i][j], value[i][j + 1], value[i][j + 2], value[i][j + 3]};
    }
  }
  __device__ __forceinline__ static void store_zeros(__half* y) {
#pragma unroll
    for (int i = 0; i < V; i++) reinterpret_cast<Chunk*>(y)[(threadIdx.x & 31) + 32 * i] = {};
  }

 private:
  __device__ __forceinline__ static float warp_sum(float x) {
#pragma unroll
    for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(~0u, x, d);
    return x;
  }
};

__device__ __forceinline__ int warp_index() { return blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; }

// states [T, H] = layer_norm(words[id] + positions[position] + type), a warp a token. Copies the batch's spans and tiles to the device, too.
template <int H>
__device__ __forceinline__ void embed(const Batch& b, const __half* words, const __half* positions, const __half* type, const LayerNorm& n,
                                      __half* states, int2* spans, int4* tiles) {
  int token = warp_index(), thread = blockIdx.x * blockDim.x + threadIdx.x;
  if (thread < b.tiles_filled) tiles[thread] = thread < b.tile_count ? b.tiles[thread] : int4{0, 0, 0, 0};
  if (token >= b.tokens_filled) return;
  int4 t = token < b.token_count ? b.tokens[token] : int4{0, 0, 0, 0};
  if ((threadIdx.x & 31) == 0) spans[token] = {t.z, t.w};
  if (token >= b.token_count) {
    Row<H>::store_zeros(states + (size_t)token * H);
    return;
  }
  Row<H> row, other;
  row.load(words + (size_t)t.x * H);
  other.load(positions + (size_t)t.y * H);
  row.add(other);
  other.load(type);
  row.add(other);
  row.layer_norm(n);
  row.store(states + (size_t)token * H);
}

// The last layer normalisation, of x [T, H], and what OutputHeads wants of it: a warp a token, if those are wanted, and then a text.
template <int H>
__device__ __forceinline__ void output_heads(const __half* x, const LayerNorm& n, const OutputHeads& heads) {
  int index = warp_index();
  bool is_token = index < heads.token_count;
  if (!is_token && (index -= heads.token_count) >= heads.text_count) return;
  int64_t row_index = is_token ? index : heads.rows[index];
  Row<H> row;
  row.load(x + row_index * H);
  row.layer_norm(n);
  if (!is_token) {
    row.store(heads.dense + (size_t)index * H);
    return;
  }
  if (heads.states) row.store(heads.states + row_index * H);
  if (heads.sparse) {
    Row<H> weight;
    weight.load(heads.sparse_weight);
    float sum = row.dot(weight);
    if ((threadIdx.x & 31) == 0) heads.sparse[row_index] = fmaxf(sum + __half2float(*heads.sparse_bias), 0);
  }
}

}  // namespace luciole
using namespace luciole;

// attention_ROWSxHEAD, for tiles [n] of up to ROWS queries and heads of HEAD components: launched as [heads, tiles] blocks of 128 threads.
#define ATTENTION(ROWS, HEAD)                                                                          \
  extern "C" __global__ void __launch_bounds__(WARPS * 32) attention_##ROWS##x##HEAD(                  \
      const __half* qkv, __half* out, const int4* tiles, const int2* spans, int hidden, float scale) { \
    int4 tile = tiles[blockIdx.y];                                                                     \
    if (tile.y > 0) attention<ROWS / 64, HEAD>(qkv, out, tile, spans, hidden, scale);                  \
  }
ATTENTION(64, 32)
ATTENTION(128, 32)
ATTENTION(64, 64)
ATTENTION(128, 64)

// layer_norm_H, embed_H, output_heads_H: blocks of 256 threads, 8 rows each.
#define ROW_KERNELS(H)                                                                                                     \
  extern "C" __global__ void __launch_bounds__(256) layer_norm_##H(const __half* x, __half* y, const LayerNorm n, int rows) { \
    if (warp_index() >= rows) return;                                                                                      \
    Row<H> row;                                                                                                      \
    row.load(x + (size_t)warp_index() * H);                                                                                \
    row.layer_norm(n);                                                                                                     \
    row.store(y + (size_t)warp_index() * H);                                                                               \
  }                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                                        \
      embed_##H(const Batch b, const __half* words, const __half* positions, const __half* type, const LayerNorm n,        \
                __half* states, int2* spans, int4* tiles) {                                                                \
    embed<H>(b, words, positions, type, n, states, spans, tiles);                                                    \
  }                                                                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                                        \
      output_heads_##H(const __half* x, const LayerNorm n, const OutputHeads heads) {                                      \
    output_heads<H>(x, n, heads);                                                                                    \
  }
ROW_KERNELS(256)
ROW_KERNELS(384)
ROW_KERNELS(512)
ROW_KERNELS(768)
ROW_KERNELS(1024)
