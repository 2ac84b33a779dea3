// Rows of 16-bit floats, each held by a warp: what the kernels of encoder.cu, fp8.cu and medium_batch.cu with a warp a row share.
#pragma once
#include "e4m3.cuh"

namespace luciole {

// W 16-bit floats that a thread reads or writes at once.
template <int W>
struct Vector;
template <>
struct Vector<8> { using type = uint4; };
template <>
struct Vector<4> { using type = uint2; };
template <>
struct Vector<2> { using type = uint32_t; };

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
    float2 m = moments(n.epsilon);
#pragma unroll
    for (int i = 0; i < V; i++) scale_and_shift(i, m, chunk(n.gamma, i), chunk(n.beta, i));
  }
  // With gamma and beta that were read before.
  __device__ __forceinline__ void layer_norm(const Chunk (&gamma)[V], const Chunk (&beta)[V], float epsilon) {
    float2 m = moments(epsilon);
#pragma unroll
    for (int i = 0; i < V; i++) scale_and_shift(i, m, gamma[i], beta[i]);
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
  // As e4m3, each component multiplied by its scale; what is beyond the format's range becomes its largest value.
  __device__ __forceinline__ void store_e4m3(uint8_t* y, const __half* scales) const {
    using Narrow = typename Vector<W / 2>::type;
#pragma unroll
    for (int i = 0; i < V; i++) {
      Chunk s = chunk(scales, i);
      const __half2* pair = reinterpret_cast<const __half2*>(&s);
      Narrow raw;
#pragma unroll
      for (int j = 0; j < W / 2; j++) {
        float2 f = __half22float2(pair[j]);
        reinterpret_cast<uint16_t*>(&raw)[j] = pack_e4m3x2(value[i][2 * j] * f.x, value[i][2 * j + 1] * f.y);
      }
      reinterpret_cast<Narrow*>(y)[(threadIdx.x & 31) + 32 * i] = raw;
    }
  }
  __device__ __forceinline__ static void store_zeros(__half* y) {
#pragma unroll
    for (int i = 0; i < V; i++) reinterpret_cast<Chunk*>(y)[(threadIdx.x & 31) + 32 * i] = {};
  }

 private:
  // Mean, and reciprocal standard deviation.
  __device__ __forceinline__ float2 moments(float epsilon) const {
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
    return {mean, rsqrtf(warp_sum(square) / H + epsilon)};
  }
  __device__ __forceinline__ void scale_and_shift(int i, float2 m, const Chunk& gamma, const Chunk& beta) {
    const __half2 *gp = reinterpret_cast<const __half2*>(&gamma), *bp = reinterpret_cast<const __half2*>(&beta);
#pragma unroll
    for (int j = 0; j < W / 2; j++) {
      float2 gf = __half22float2(gp[j]), bf = __half22float2(bp[j]);
      value[i][2 * j] = (value[i][2 * j] - m.x) * m.y * gf.x + bf.x;
      value[i][2 * j + 1] = (value[i][2 * j + 1] - m.x) * m.y * gf.y + bf.y;
    }
  }
  __device__ __forceinline__ static float warp_sum(float x) {
#pragma unroll
    for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(~0u, x, d);
    return x;
  }
};

__device__ __forceinline__ int warp_index() { return blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32; }

}  // namespace luciole
