// Kernels that no library has in this form, for compute capability 8.0 or later: attention over texts laid end to end, which reads the
// fused query-key-value product in place; embeddings; layer normalisation; the output heads. Inputs and outputs are 16-bit floats, sums
// are 32-bit floats. T: tokens of the batch; H: hidden size.
#include "common.cuh"

namespace luciole {

// ---- Attention
constexpr int BLOCK_KEYS = 64;  // keys of a step
constexpr int WARPS = 4;

// Copies 16 bytes to shared memory; zeros where `valid` is false.
__device__ __forceinline__ void cp_async_16(uint32_t to, const void* from, bool valid) {
  int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], uint32_t at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&r)[4], uint32_t at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}

// Copies rows first…first+count-1 of one head to a tile [ROWS, HEAD] in shared memory; the tile's other rows become zero.
template <int ROWS, int HEAD>
__device__ __forceinline__ void load_tile(uint32_t to, const __half* from, size_t stride, int first, int count) {
  constexpr int CHUNKS = HEAD * 2 / 16;  // 16-byte chunks of a row of a head
  int chunk = threadIdx.x % CHUNKS;
#pragma unroll
  for (int i = 0; i < ROWS * CHUNKS / (WARPS * 32); i++) {
    int row = threadIdx.x / CHUNKS + i * (WARPS * 32 / CHUNKS);
    bool valid = row < count;
    cp_async_16(swizzle<HEAD>(to, row, chunk), from + (valid ? (size_t)(first + row) * stride : 0) + chunk * 8, valid);
  }
}

// Attention of a tile of up to 64·MT query rows over the keys of its texts, with online softmax (FlashAttention-2, Dao 2023). A block has
// one head of one tile, each of its 4 warps MT times 16 query rows.
//   qkv   [T, 3H]  queries, keys, values, each head by head
//   out   [T, H]
//   tiles [n]      first query row, query rows, first key, keys
//   spans [T]      the keys that a token attends to: from, to
//   scale          log2(e)/sqrt(HEAD): the exponentials are powers of 2
template <int MT, int HEAD>
__device__ __forceinline__ void attention(const __half* __restrict__ qkv, __half* __restrict__ out, const int4* __restrict__ tiles,
                                          const int2* __restrict__ spans, int hidden, float scale) {
  __shared__ __align__(128) __half memory[64 * MT * HEAD + 4 * BLOCK_KEYS * HEAD];
  int4 tile = tiles[blockIdx.y];
  if (tile.y == 0) return;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  size_t stride = 3 * (size_t)hidden;
  const __half* q = qkv + blockIdx.x * HEAD;
  const __half* k = q + hidden;
  const __half* v = k + hidden;
  constexpr int BLOCK_BYTES = BLOCK_KEYS * HEAD * 2;
  uint32_t sQ = smem_address(memory);     // [64·MT, HEAD]
  uint32_t sK = sQ + 64 * MT * HEAD * 2;  // [2, BLOCK_KEYS, HEAD]: this step's and the next's
  uint32_t sV = sK + 2 * BLOCK_BYTES;     // [2, BLOCK_KEYS, HEAD]

  load_tile<64 * MT, HEAD>(sQ, q, stride, tile.x, tile.y);
  load_tile<BLOCK_KEYS, HEAD>(sK, k, stride, tile.z, tile.w);
  cp_async_commit();
  load_tile<BLOCK_KEYS, HEAD>(sV, v, stride, tile.z, tile.w);
  cp_async_commit();

  int2 span[MT][2];
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int row = m * 64 + warp * 16 + h * 8 + lane / 4;
      span[m][h] = row < tile.y ? spans[tile.x + row] : make_int2(tile.z, tile.z + tile.w);
    }

  float acc_o[MT][HEAD / 8][4] = {};  // [MMA rows, MMA columns, a thread's part of 16×8]: rows 16·MT by HEAD components
  float row_max[MT][2], row_sum[MT][2] = {};
#pragma unroll
  for (int m = 0; m < MT; m++) row_max[m][0] = row_max[m][1] = -INFINITY;
  uint32_t frag_q[MT][HEAD / 16][4];  // rows 16·MT by HEAD components

  int blocks = (tile.w + BLOCK_KEYS - 1) / BLOCK_KEYS;
  for (int b = 0; b < blocks; b++) {
    int stage = b & 1;
    cp_async_wait<1>();  // this block's keys, and before the first the queries
    __syncthreads();
    if (b == 0) {
#pragma unroll
      for (int m = 0; m < MT; m++)
#pragma unroll
        for (int d = 0; d < HEAD / 16; d++) ldmatrix_x4(frag_q[m][d], swizzle<HEAD>(sQ, m * 64 + warp * 16 + (lane & 15), d * 2 + (lane >> 4)));
    }
    bool more = b + 1 < blocks;
    int next = (b + 1) * BLOCK_KEYS;
    if (more) load_tile<BLOCK_KEYS, HEAD>(sK + (stage ^ 1) * BLOCK_BYTES, k, stride, tile.z + next, tile.w - next);
    cp_async_commit();

    float acc_s[MT][BLOCK_KEYS / 8][4] = {};  // Q·K^T, then its exponentials: rows 16·MT by BLOCK_KEYS
    uint32_t keys = sK + stage * BLOCK_BYTES;
#pragma unroll
    for (int d = 0; d < HEAD / 16; d++)
#pragma unroll
      for (int n = 0; n < BLOCK_KEYS / 16; n++) {
        uint32_t frag_k[4];  // 16 keys by 16 components
        ldmatrix_x4(frag_k, swizzle<HEAD>(keys, n * 16 + (lane & 7) + ((lane >> 4) << 3), d * 2 + ((lane >> 3) & 1)));
#pragma unroll
        for (int m = 0; m < MT; m++) {
          mma_m16n8k16(acc_s[m][2 * n], frag_q[m][d], frag_k[0], frag_k[1]);
          mma_m16n8k16(acc_s[m][2 * n + 1], frag_q[m][d], frag_k[2], frag_k[3]);
        }
      }

    int first = tile.z + b * BLOCK_KEYS;
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        if (span[m][h].x > first || span[m][h].y < first + BLOCK_KEYS) {
#pragma unroll
          for (int n = 0; n < BLOCK_KEYS / 8; n++)
#pragma unroll
            for (int e = 0; e < 2; e++) {
              int key = first + n * 8 + (lane & 3) * 2 + e;
              if (key < span[m][h].x || key >= span[m][h].y) acc_s[m][n][h * 2 + e] = -INFINITY;
            }
        }
        float new_max = row_max[m][h];
#pragma unroll
        for (int n = 0; n < BLOCK_KEYS / 8; n++) new_max = fmaxf(new_max, fmaxf(acc_s[m][n][h * 2], acc_s[m][n][h * 2 + 1]));
        new_max = fmaxf(new_max, __shfl_xor_sync(~0u, new_max, 1));
        new_max = fmaxf(new_max, __shfl_xor_sync(~0u, new_max, 2));
        float scaled_max = new_max == -INFINITY ? 0.f : new_max * scale;
        float rescale = exp2_approx(row_max[m][h] * scale - scaled_max);
        row_max[m][h] = new_max;
        float partial_sum = 0;
#pragma unroll
        for (int n = 0; n < BLOCK_KEYS / 8; n++)
#pragma unroll
          for (int e = 0; e < 2; e++) {
            float p = exp2_approx(fmaf(acc_s[m][n][h * 2 + e], scale, -scaled_max));
            acc_s[m][n][h * 2 + e] = p;
            partial_sum += p;
          }
        row_sum[m][h] = row_sum[m][h] * rescale + partial_sum;
#pragma unroll
        for (int n = 0; n < HEAD / 8; n++) {
          acc_o[m][n][h * 2] *= rescale;
          acc_o[m][n][h * 2 + 1] *= rescale;
        }
      }

    cp_async_wait<1>();  // this block's values
    __syncthreads();
    if (more) load_tile<BLOCK_KEYS, HEAD>(sV + (stage ^ 1) * BLOCK_BYTES, v, stride, tile.z + next, tile.w - next);
    cp_async_commit();
    uint32_t values = sV + stage * BLOCK_BYTES;
#pragma unroll
    for (int j = 0; j < BLOCK_KEYS / 16; j++) {
      uint32_t frag_p[MT][4];  // rows 16·MT by 16 keys
#pragma unroll
      for (int m = 0; m < MT; m++) {
        frag_p[m][0] = pack_half2(acc_s[m][2 * j][0], acc_s[m][2 * j][1]);
        frag_p[m][1] = pack_half2(acc_s[m][2 * j][2], acc_s[m][2 * j][3]);
        frag_p[m][2] = pack_half2(acc_s[m][2 * j + 1][0], acc_s[m][2 * j + 1][1]);
        frag_p[m][3] = pack_half2(acc_s[m][2 * j + 1][2], acc_s[m][2 * j + 1][3]);
      }
#pragma unroll
      for (int n = 0; n < HEAD / 16; n++) {
        uint32_t frag_v[4];  // 16 keys by 16 components
        ldmatrix_x4_trans(frag_v, swizzle<HEAD>(values, j * 16 + (lane & 7) + (((lane >> 3) & 1) << 3), n * 2 + (lane >> 4)));
#pragma unroll
        for (int m = 0; m < MT; m++) {
          mma_m16n8k16(acc_o[m][2 * n], frag_p[m], frag_v[0], frag_v[1]);
          mma_m16n8k16(acc_o[m][2 * n + 1], frag_p[m], frag_v[2], frag_v[3]);
        }
      }
    }
  }

#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float total = row_sum[m][h];
      total += __shfl_xor_sync(~0u, total, 1);
      total += __shfl_xor_sync(~0u, total, 2);
      float inverse = 1.f / total;
      int row = m * 64 + warp * 16 + h * 8 + lane / 4;
      if (row < tile.y) {
        __half* to = out + (size_t)(tile.x + row) * hidden + blockIdx.x * HEAD + (lane & 3) * 2;
#pragma unroll
        for (int n = 0; n < HEAD / 8; n++)
          *reinterpret_cast<uint32_t*>(to + n * 8) = pack_half2(acc_o[m][n][h * 2] * inverse, acc_o[m][n][h * 2 + 1] * inverse);
      }
    }
}

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

// attention_ROWSxHEAD, for tiles of up to ROWS queries and heads of HEAD components: launched as [heads, tiles] blocks of 128 threads.
#define ATTENTION(ROWS, HEAD)                                                                          \
  extern "C" __global__ void __launch_bounds__(WARPS * 32) attention_##ROWS##x##HEAD(                  \
      const __half* qkv, __half* out, const int4* tiles, const int2* spans, int hidden, float scale) { \
    attention<ROWS / 64, HEAD>(qkv, out, tiles, spans, hidden, scale);                                 \
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
