// Attention for every device, of encoder.cu and medium_batch.cu.
#pragma once
#include "store_row.cuh"

namespace luciole {

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
//   out   [T, H]   16-bit floats, or e4m3 in the order of `store_row`
//   tile           first query row, query rows, first key, keys
//   spans [T]      the keys that a token attends to: from, to
//   scale          log2(e)/sqrt(HEAD): the exponentials are powers of 2
template <int MT, int HEAD, typename Out>
__device__ __forceinline__ void attention(const __half* __restrict__ qkv, Out* __restrict__ out, const int4 tile,
                                          const int2* __restrict__ spans, int hidden, float scale) {
  __shared__ __align__(128) __half memory[64 * MT * HEAD + 4 * BLOCK_KEYS * HEAD];
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
        float x[HEAD / 8][2];
#pragma unroll
        for (int n = 0; n < HEAD / 8; n++) x[n][0] = acc_o[m][n][h * 2] * inverse, x[n][1] = acc_o[m][n][h * 2 + 1] * inverse;
        store_row<HEAD>(out + (size_t)(tile.x + row) * hidden + blockIdx.x * HEAD, x);
      }
    }
}

}  // namespace luciole
