// Kernels that no library has in this form, for compute capability 8.0 or later: attention over texts laid end to end, which reads the
// fused query-key-value product in place; embeddings; layer normalisation; the output heads. Inputs and outputs are 16-bit floats, sums
// are 32-bit floats. T: tokens of the batch; H: hidden size.
#include "attention.cuh"
#include "rows.cuh"

namespace luciole {

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
