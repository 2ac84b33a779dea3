// The kernels of luciole's CUDA operator that no library has in this form: attention over texts laid end to end, reading the
// fused query-key-value product in place; embeddings, layer normalisation and heads. Compiled to PTX by make-ptx.sh; the driver compiles that
// for the card it meets (compute capability 8.0 or later). 16-bit floats in and out, sums in 32 bits.
#include "common.cuh"

namespace {

constexpr int KEYS = 64;    // keys in a block
constexpr int WARPS = 4;
constexpr int CHUNKS = HEAD * 2 / 16;  // 16-byte chunks of a row of a head


// Rows of 128 bytes; the chunk's place is scattered by the row so that 8 rows of one chunk lie in 8 different banks.
__device__ __forceinline__ uint32_t place(uint32_t base, int row, int chunk) {
  return base + row * (HEAD * 2) + ((chunk ^ (row & 7)) << 4);
}

__device__ __forceinline__ void copy16(uint32_t to, const void* from, bool there) {
  int bytes = there ? 16 : 0;  // what is not read becomes zero
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}

__device__ __forceinline__ void load4(uint32_t (&r)[4], uint32_t at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void load4t(uint32_t (&r)[4], uint32_t at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}

// Copies `count` rows of one head, from row `first` on, into shared memory; rows behind them become zero.
template <int ROWS>
__device__ __forceinline__ void fetch(uint32_t to, const __half* from, size_t stride, int first, int count) {
  int chunk = threadIdx.x % CHUNKS;
#pragma unroll
  for (int i = 0; i < ROWS * CHUNKS / (WARPS * 32); i++) {
    int row = threadIdx.x / CHUNKS + i * (WARPS * 32 / CHUNKS);
    bool there = row < count;
    copy16(place(to, row, chunk), from + (there ? (size_t)(first + row) * stride : 0) + chunk * 8, there);
  }
}

// Attention of a tile of 64·MT query rows over the keys of its texts, online softmax (Dao 2023). Each warp has MT times 16 rows.
//   qkv   [T, 3H]  queries, keys, values, each head by head
//   tiles [n]      first query row, rows, first key, keys
//   spans [T]      keys that a token may see: from, to
template <int MT>
__device__ __forceinline__ void attend(const __half* __restrict__ qkv, __half* __restrict__ out, const int4* __restrict__ tiles,
                                       const int2* __restrict__ spans, int hidden, float scale) {
  __shared__ __align__(128) __half memory[64 * MT * HEAD + 4 * KEYS * HEAD];
  int4 tile = tiles[blockIdx.y];
  if (tile.y == 0) return;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  size_t stride = 3 * (size_t)hidden;
  const __half* q = qkv + blockIdx.x * HEAD;
  const __half* k = q + hidden;
  const __half* v = k + hidden;
  uint32_t sq = shared(memory);
  uint32_t sk = sq + 64 * MT * HEAD * 2;
  uint32_t sv = sk + 2 * KEYS * HEAD * 2;
  constexpr int BLOCK_BYTES = KEYS * HEAD * 2;

  fetch<64 * MT>(sq, q, stride, tile.x, tile.y);
  fetch<KEYS>(sk, k, stride, tile.z, tile.w);
  commit();
  fetch<KEYS>(sv, v, stride, tile.z, tile.w);
  commit();

  int2 span[MT][2];
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int h = 0; h < 2; h++) {
      int row = m * 64 + warp * 16 + h * 8 + lane / 4;
      span[m][h] = row < tile.y ? spans[tile.x + row] : make_int2(tile.z, tile.z + tile.w);
    }

  float o[MT][HEAD / 8][4] = {};
  float most[MT][2], sum[MT][2] = {};
#pragma unroll
  for (int m = 0; m < MT; m++) most[m][0] = most[m][1] = -INFINITY;
  uint32_t a[MT][HEAD / 16][4];

  int blocks = (tile.w + KEYS - 1) / KEYS;
  for (int b = 0; b < blocks; b++) {
    int stage = b & 1;
    wait<1>();  // this block's keys, and before the first the queries
    __syncthreads();
    if (b == 0) {
#pragma unroll
      for (int m = 0; m < MT; m++)
#pragma unroll
        for (int s = 0; s < HEAD / 16; s++) load4(a[m][s], place(sq, m * 64 + warp * 16 + (lane & 15), s * 2 + (lane >> 4)));
    }
    bool more = b + 1 < blocks;
    int next = (b + 1) * KEYS;
    if (more) fetch<KEYS>(sk + (stage ^ 1) * BLOCK_BYTES, k, stride, tile.z + next, tile.w - next);
    commit();

    float s[MT][KEYS / 8][4] = {};
    uint32_t keys = sk + stage * BLOCK_BYTES;
#pragma unroll
    for (int d = 0; d < HEAD / 16; d++)
#pragma unroll
      for (int n = 0; n < KEYS / 16; n++) {
        uint32_t f[4];
        load4(f, place(keys, n * 16 + (lane & 7) + ((lane >> 4) << 3), d * 2 + ((lane >> 3) & 1)));
#pragma unroll
        for (int m = 0; m < MT; m++) {
          multiply(s[m][2 * n], a[m][d], f[0], f[1]);
          multiply(s[m][2 * n + 1], a[m][d], f[2], f[3]);
        }
      }

    int first = tile.z + b * KEYS;
#pragma unroll
    for (int m = 0; m < MT; m++)
#pragma unroll
      for (int h = 0; h < 2; h++) {
        if (span[m][h].x > first || span[m][h].y < first + KEYS) {
#pragma unroll
          for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int e = 0; e < 2; e++) {
              int key = first + n * 8 + (lane & 3) * 2 + e;
              if (key < span[m][h].x || key >= span[m][h].y) s[m][n][h * 2 + e] = -INFINITY;
            }
        }
        float top = most[m][h];
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) top = fmaxf(top, fmaxf(s[m][n][h * 2], s[m][n][h * 2 + 1]));
        top = fmaxf(top, __shfl_xor_sync(~0u, top, 1));
        top = fmaxf(top, __shfl_xor_sync(~0u, top, 2));
        float shift = top == -INFINITY ? 0.f : top * scale;
        float shrink = power2(most[m][h] * scale - shift);
        most[m][h] = top;
        float part = 0;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
          for (int e = 0; e < 2; e++) {
            float p = power2(fmaf(s[m][n][h * 2 + e], scale, -shift));
            s[m][n][h * 2 + e] = p;
            part += p;
          }
        sum[m][h] = sum[m][h] * shrink + part;
#pragma unroll
        for (int n = 0; n < HEAD / 8; n++) {
          o[m][n][h * 2] *= shrink;
          o[m][n][h * 2 + 1] *= shrink;
        }
      }

    wait<1>();  // this block's values
    __syncthreads();
    if (more) fetch<KEYS>(sv + (stage ^ 1) * BLOCK_BYTES, v, stride, tile.z + next, tile.w - next);
    commit();
    uint32_t values = sv + stage * BLOCK_BYTES;
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++) {
      uint32_t p[MT][4];
#pragma unroll
      for (int m = 0; m < MT; m++) {
        p[m][0] = pack(s[m][2 * j][0], s[m][2 * j][1]);
        p[m][1] = pack(s[m][2 * j][2], s[m][2 * j][3]);
        p[m][2] = pack(s[m][2 * j + 1][0], s[m][2 * j + 1][1]);
        p[m][3] = pack(s[m][2 * j + 1][2], s[m][2 * j + 1][3]);
      }
#pragma unroll
      for (int n = 0; n < HEAD / 16; n++) {
        uint32_t f[4];
        load4t(f, place(values, j * 16 + (lane & 7) + (((lane >> 3) & 1) << 3), n * 2 + (lane >> 4)));
#pragma unroll
        for (int m = 0; m < MT; m++) {
          multiply(o[m][2 * n], p[m], f[0], f[1]);
          multiply(o[m][2 * n + 1], p[m], f[2], f[3]);
        }
      }
    }
  }

#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float total = sum[m][h];
      total += __shfl_xor_sync(~0u, total, 1);
      total += __shfl_xor_sync(~0u, total, 2);
      float inverse = 1.f / total;
      int row = m * 64 + warp * 16 + h * 8 + lane / 4;
      if (row < tile.y) {
        __half* to = out + (size_t)(tile.x + row) * hidden + blockIdx.x * HEAD + (lane & 3) * 2;
#pragma unroll
        for (int n = 0; n < HEAD / 8; n++)
          *reinterpret_cast<uint32_t*>(to + n * 8) = pack(o[m][n][h * 2] * inverse, o[m][n][h * 2 + 1] * inverse);
      }
    }
}

// A row of 256·V components, a warp's: of every 256, lane l has those from 8·l on.
template <int V>
struct Row {
  float value[V][8];

  __device__ __forceinline__ static const uint4& eight(const __half* x, int i) {
    return reinterpret_cast<const uint4*>(x)[(threadIdx.x & 31) + 32 * i];
  }
  __device__ __forceinline__ void set(const __half* x) {
#pragma unroll
    for (int i = 0; i < V; i++) {
      uint4 raw = eight(x, i);
      const __half2* pair = reinterpret_cast<const __half2*>(&raw);
#pragma unroll
      for (int j = 0; j < 4; j++) {
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
      for (int j = 0; j < 8; j++) value[i][j] += other.value[i][j];
  }
  __device__ __forceinline__ float dot(const Row& other) const {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) sum = fmaf(value[i][j], other.value[i][j], sum);
    return all(sum);
  }
  // Layer normalisation.
  __device__ __forceinline__ void normalise(const __half* gain, const __half* shift, float epsilon) {
    float sum = 0, square = 0;
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) sum += value[i][j];
    float mean = all(sum) / (256 * V);
#pragma unroll
    for (int i = 0; i < V; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) {
        float d = value[i][j] - mean;
        square += d * d;
      }
    float inverse = rsqrtf(all(square) / (256 * V) + epsilon);
#pragma unroll
    for (int i = 0; i < V; i++) {
      uint4 g = eight(gain, i), b = eight(shift, i);
      const __half2 *gp = reinterpret_cast<const __half2*>(&g), *bp = reinterpret_cast<const __half2*>(&b);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        float2 gf = __half22float2(gp[j]), bf = __half22float2(bp[j]);
        value[i][2 * j] = (value[i][2 * j] - mean) * inverse * gf.x + bf.x;
        value[i][2 * j + 1] = (value[i][2 * j + 1] - mean) * inverse * gf.y + bf.y;
      }
    }
  }
  __device__ __forceinline__ void get(__half* y) const {
#pragma unroll
    for (int i = 0; i < V; i++)
      reinterpret_cast<uint4*>(y)[(threadIdx.x & 31) + 32 * i] = {pack(value[i][0], value[i][1]), pack(value[i][2], value[i][3]),
                                                                  pack(value[i][4], value[i][5]), pack(value[i][6], value[i][7])};
  }
  __device__ __forceinline__ void get(float* y) const {
#pragma unroll
    for (int i = 0; i < V; i++) {
      float4* to = reinterpret_cast<float4*>(y + i * 256) + (threadIdx.x & 31) * 2;
      to[0] = {value[i][0], value[i][1], value[i][2], value[i][3]};
      to[1] = {value[i][4], value[i][5], value[i][6], value[i][7]};
    }
  }

 private:
  __device__ __forceinline__ static float all(float x) {
#pragma unroll
    for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(~0u, x, d);
    return x;
  }
};

__device__ __forceinline__ int warp_index() { return blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; }

// What is to be encoded, in the host's memory: of each token its id, its row of the position table, and where its text starts and
// ends; tiles of attention. On the device so many of either are filled: with those that the batch has, and zeros behind them.
struct Batch {
  const int4 *tokens, *tiles;
  int tokens_count, tokens_filled, tiles_count, tiles_filled;
};

struct Norm {
  const __half *gain, *shift;
  float epsilon;
};

// Embeddings, a warp a token; and the batch is brought to the device.
template <int V>
__device__ __forceinline__ void embed(const Batch& b, const __half* words, const __half* positions, const __half* type, const Norm& n,
                                      __half* states, int2* spans, int4* tiles) {
  int token = warp_index(), thread = blockIdx.x * blockDim.x + threadIdx.x;
  if (thread < b.tiles_filled) tiles[thread] = thread < b.tiles_count ? b.tiles[thread] : int4{0, 0, 0, 0};
  if (token >= b.tokens_filled) return;
  int4 t = token < b.tokens_count ? b.tokens[token] : int4{0, 0, 0, 0};
  if ((threadIdx.x & 31) == 0) spans[token] = {t.z, t.w};
  if (token >= b.tokens_count) {
#pragma unroll
    for (int i = 0; i < V; i++) reinterpret_cast<uint4*>(states + (size_t)token * 256 * V)[(threadIdx.x & 31) + 32 * i] = {0, 0, 0, 0};
    return;
  }
  Row<V> row, other;
  row.set(words + (size_t)t.x * 256 * V);
  other.set(positions + (size_t)t.y * 256 * V);
  row.add(other);
  other.set(type);
  row.add(other);
  row.normalise(n.gain, n.shift, n.epsilon);
  row.get(states + (size_t)token * 256 * V);
}

// What leaves the encoder: the last normalisation and of it what is not null. states [tokens], sparse [tokens] = relu(weight·state + bias),
// dense [texts], the states of `rows`. A warp a token, if those are wanted, and then a text.
struct Leaving {
  __half* states;
  const __half *weight, *bias;
  float* sparse;
  const int64_t* rows;
  float* dense;
  int tokens, texts;
};

template <int V>
__device__ __forceinline__ void finish(const __half* x, const Norm& n, const Leaving& l) {
  int index = warp_index();
  bool token = index < l.tokens;
  if (!token && (index -= l.tokens) >= l.texts) return;
  int64_t at = token ? index : l.rows[index];
  Row<V> row;
  row.set(x + at * 256 * V);
  row.normalise(n.gain, n.shift, n.epsilon);
  if (!token) {
    row.get(l.dense + (size_t)index * 256 * V);
    return;
  }
  if (l.states) row.get(l.states + at * 256 * V);
  if (l.sparse) {
    Row<V> weight;
    weight.set(l.weight);
    float sum = row.dot(weight);
    if ((threadIdx.x & 31) == 0) l.sparse[at] = fmaxf(sum + __half2float(*l.bias), 0);
  }
}

}  // namespace

#define ATTENTION(MT)                                                                                                          \
  extern "C" __global__ void __launch_bounds__(WARPS * 32) attention_##MT(                                                      \
      const __half* qkv, __half* out, const int4* tiles, const int2* spans, int hidden, float scale) {                          \
    attend<MT>(qkv, out, tiles, spans, hidden, scale);                                                                          \
  }
ATTENTION(1)
ATTENTION(2)

#define ROWS(V)                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(256) norm_##V(const __half* x, __half* y, const Norm n, int rows) {             \
    if (warp_index() >= rows) return;                                                                                                \
    Row<V> row;                                                                                                                \
    row.set(x + (size_t)warp_index() * 256 * V);                                                                                     \
    row.normalise(n.gain, n.shift, n.epsilon);                                                                                 \
    row.get(y + (size_t)warp_index() * 256 * V);                                                                                     \
  }                                                                                                                            \
  extern "C" __global__ void __launch_bounds__(256) embed_##V(const Batch b, const __half* words, const __half* positions,     \
                                                              const __half* type, const Norm n, __half* states, int2* spans,   \
                                                              int4* tiles) {                                                   \
    embed<V>(b, words, positions, type, n, states, spans, tiles);                                                              \
  }                                                                                                                            \
  extern "C" __global__ void __launch_bounds__(256) finish_##V(const __half* x, const Norm n, const Leaving l) {               \
    finish<V>(x, n, l);                                                                                                        \
  }
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
