// Attention over texts laid end to end, by mma.sync (compute capability 8.0 or later); see kernels.cu.
#pragma once
#include <cuda_fp16.h>
#include <cstdint>

namespace {

constexpr int HEAD = 64;    // components of a head
constexpr int KEYS = 64;    // keys in a block
constexpr int WARPS = 4;
constexpr int CHUNKS = HEAD * 2 / 16;  // 16-byte chunks of a row of a head

__device__ __forceinline__ uint32_t shared(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }

// Rows of 128 bytes; the chunk's place is scattered by the row so that 8 rows of one chunk lie in 8 different banks.
__device__ __forceinline__ uint32_t place(uint32_t base, int row, int chunk) {
  return base + row * (HEAD * 2) + ((chunk ^ (row & 7)) << 4);
}

__device__ __forceinline__ void copy16(uint32_t to, const void* from, bool there) {
  int bytes = there ? 16 : 0;  // what is not read becomes zero
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int N>
__device__ __forceinline__ void wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N)); }

__device__ __forceinline__ void load4(uint32_t (&r)[4], uint32_t at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void load4t(uint32_t (&r)[4], uint32_t at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(at));
}
__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ float power2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ uint32_t pack(float a, float b) {
  __half2 h = __floats2half2_rn(a, b);
  return *reinterpret_cast<uint32_t*>(&h);
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

}  // namespace
