// The kernels of luciole's CUDA operator that no library has in this form: attention over texts laid end to end, reading the
// fused query-key-value product in place, and layer normalisation. Compiled to PTX by make-ptx.sh; the driver compiles that
// for the card it meets (compute capability 8.0 or later). 16-bit floats in and out, sums in 32 bits.
#include "attention.cuh"

namespace {

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
