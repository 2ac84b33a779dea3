// The kernels of luciole's CUDA operator that no library has in this form: attention over texts laid end to end, reading the
// fused query-key-value product in place, and layer normalisation. Compiled to PTX by make-ptx.sh; the driver compiles that
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

// Layer normalisation, a warp a row of 256·V components.
template <int V>
__device__ __forceinline__ void normalise(const __half* __restrict__ x, __half* __restrict__ y, const __half* __restrict__ gain,
                                          const __half* __restrict__ shift, int rows, float epsilon) {
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x & 31;
  if (row >= rows) return;
  const uint4* from = reinterpret_cast<const uint4*>(x + (size_t)row * 256 * V);
  uint4* to = reinterpret_cast<uint4*>(y + (size_t)row * 256 * V);
  float value[V][8];
  float sum = 0;
#pragma unroll
  for (int i = 0; i < V; i++) {
    uint4 raw = from[lane + 32 * i];
    const __half2* pair = reinterpret_cast<const __half2*>(&raw);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float2 f = __half22float2(pair[j]);
      value[i][2 * j] = f.x;
      value[i][2 * j + 1] = f.y;
      sum += f.x + f.y;
    }
  }
#pragma unroll
  for (int d = 16; d > 0; d /= 2) sum += __shfl_xor_sync(~0u, sum, d);
  float mean = sum / (256 * V), square = 0;
#pragma unroll
  for (int i = 0; i < V; i++)
#pragma unroll
    for (int j = 0; j < 8; j++) {
      float d = value[i][j] - mean;
      square += d * d;
    }
#pragma unroll
  for (int d = 16; d > 0; d /= 2) square += __shfl_xor_sync(~0u, square, d);
  float inverse = rsqrtf(square / (256 * V) + epsilon);
#pragma unroll
  for (int i = 0; i < V; i++) {
    uint4 g = reinterpret_cast<const uint4*>(gain)[lane + 32 * i], b = reinterpret_cast<const uint4*>(shift)[lane + 32 * i], r;
    const __half2* gp = reinterpret_cast<const __half2*>(&g);
    const __half2* bp = reinterpret_cast<const __half2*>(&b);
    __half2* rp = reinterpret_cast<__half2*>(&r);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      float2 gf = __half22float2(gp[j]), bf = __half22float2(bp[j]);
      rp[j] = __floats2half2_rn((value[i][2 * j] - mean) * inverse * gf.x + bf.x,
                                (value[i][2 * j + 1] - mean) * inverse * gf.y + bf.y);
    }
    to[lane + 32 * i] = r;
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

#define NORM(V)                                                                                                                \
  extern "C" __global__ void __launch_bounds__(256) norm_##V(const __half* x, __half* y, const __half* gain,                   \
                                                             const __half* shift, int rows, float epsilon) {                   \
    normalise<V>(x, y, gain, shift, rows, epsilon);                                                                            \
  }
NORM(1)
NORM(2)
NORM(3)
NORM(4)
