// Kernels for an encoder whose matrix products are of 8-bit floats (e4m3), for compute capability 9.0 or later: layer normalisation and
// attention that write e4m3, and what makes weights e4m3 when a model is opened. T: tokens; H: hidden size; K, N: inputs and outputs of a product.
//
// Every scale is known from the weights alone, so that no kernel looks for a maximum and nothing depends on the other texts of a batch. Behind
// a layer normalisation a row is z∘gamma + beta with |z_k| ≤ √H and ‖z‖ ≤ √H; hence component k is at most √H·|gamma_k| + |beta_k|, and an
// output of the next product, w·(z∘gamma + beta) + b, at most √H·‖w∘gamma‖ + |w·beta + b|. Values of attention are bounded by the latter, what
// attention makes of them too, and so is GELU of it. A scale is the power of two that takes the bound to 224 … 448, the largest e4m3; since
// e4m3 is a float, a bound that is never reached costs no precision. Components of an input are scaled each by its own, which the weights
// make up for; those of the feed-forward layer's middle by one.
#include "attention.cuh"
#include "rows.cuh"

namespace luciole {

// The power of two that takes a bound into e4m3's range; as a 16-bit float it is exact.
__device__ __forceinline__ float scale_to_range(float bound) {
  return fminf(fmaxf(exp2f(floorf(log2f(E4M3_MAX / bound))), 0x1p-14f), 0x1p15f);
}
__device__ __forceinline__ float warp_all(float x, bool largest) {
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    float other = __shfl_xor_sync(~0u, x, d);
    x = largest ? fmaxf(x, other) : x + other;
  }
  return x;
}
__device__ __forceinline__ int thread_index() { return blockIdx.x * blockDim.x + threadIdx.x; }

// A weight [N, K] as it is multiplied: made up for the scales of the inputs, and with the scales of the outputs.
struct ScaledWeight {
  const __half *weight, *input_scales, *output_scales;  // [N, K], [K], [N] or null
  int inputs, head;                                     // head: of attention, in whose order the inputs come; 0: in their own

  __device__ __forceinline__ float operator()(int output, int position) const {
    int input = head ? position - position % head + component_stored_at(position % head, head) : position;
    float scale = output_scales ? __half2float(output_scales[output]) : 1;
    return __half2float(weight[(size_t)output * inputs + input]) * scale / __half2float(input_scales[input]);
  }
};

}  // namespace luciole
using namespace luciole;

// ---- Of a batch
// attention_fp8_ROWSxHEAD: attention_ROWSxHEAD of encoder.cu with e4m3 as output.
#define ATTENTION(ROWS, HEAD)                                                                           \
  extern "C" __global__ void __launch_bounds__(WARPS * 32) attention_fp8_##ROWS##x##HEAD(               \
      const __half* qkv, uint8_t* out, const int4* tiles, const int2* spans, int hidden, float scale) { \
    int4 tile = tiles[blockIdx.y];                                                                      \
    if (tile.y > 0) attention<ROWS / 64, HEAD>(qkv, out, tile, spans, hidden, scale);                   \
  }
ATTENTION(64, 32)
ATTENTION(128, 32)
ATTENTION(64, 64)
ATTENTION(128, 64)

// layer_norm_fp8_H: layer_norm_H of encoder.cu, and y∘scales as e4m3 besides. quantize_H: x∘scales as e4m3. Blocks of 256 threads, 8 rows each.
#define ROW_KERNELS(H)                                                                                     \
  extern "C" __global__ void __launch_bounds__(256) layer_norm_fp8_##H(                                    \
      const __half* x, __half* y, uint8_t* e4m3, const LayerNorm n, const __half* scales, int rows) {      \
    size_t index = warp_index();                                                                           \
    if (index >= rows) return;                                                                             \
    Row<H> row;                                                                                            \
    row.load(x + index * H);                                                                               \
    row.layer_norm(n);                                                                                     \
    row.store(y + index * H);                                                                              \
    row.store_e4m3(e4m3 + index * H, scales);                                                              \
  }                                                                                                        \
  extern "C" __global__ void __launch_bounds__(256)                                                        \
      quantize_##H(const __half* x, uint8_t* e4m3, const __half* scales, int rows) {                       \
    size_t index = warp_index();                                                                           \
    if (index >= rows) return;                                                                             \
    Row<H> row;                                                                                            \
    row.load(x + index * H);                                                                               \
    row.store_e4m3(e4m3 + index * H, scales);                                                              \
  }
ROW_KERNELS(256)
ROW_KERNELS(384)
ROW_KERNELS(512)
ROW_KERNELS(768)
ROW_KERNELS(1024)

// ---- Of a model, once. A thread a value, or a warp an output where `outputs` is given; blocks of 256 threads.
// scales [H] of normalised components.
extern "C" __global__ void __launch_bounds__(256) fp8_state_scales(const LayerNorm n, __half* scales, int hidden) {
  int k = thread_index();
  if (k < hidden) scales[k] = __float2half(scale_to_range(sqrtf(hidden) * fabsf(__half2float(n.gamma[k])) + fabsf(__half2float(n.beta[k]))));
}

// bounds [N] of a product's outputs, whose inputs are normalised.
extern "C" __global__ void __launch_bounds__(256)
    fp8_output_bounds(const __half* weight, const __half* bias, const LayerNorm n, float* bounds, int outputs, int inputs) {
  int output = warp_index();
  if (output >= outputs) return;
  float squares = 0, shift = 0;
  for (int k = threadIdx.x & 31; k < inputs; k += 32) {
    float w = __half2float(weight[(size_t)output * inputs + k]), scaled = w * __half2float(n.gamma[k]);
    squares = fmaf(scaled, scaled, squares);
    shift = fmaf(w, __half2float(n.beta[k]), shift);
  }
  squares = warp_all(squares, false), shift = warp_all(shift, false);
  if ((threadIdx.x & 31) == 0) bounds[output] = sqrtf(inputs * squares) + fabsf(shift + __half2float(bias[output]));
}

// Of the product for query, key and value [3H]: scales of its outputs, of which only values have any, and its bias with them.
extern "C" __global__ void __launch_bounds__(256)
    fp8_value_scales(const float* value_bounds, const __half* bias, __half* scales, __half* scaled_bias, int hidden) {
  int i = thread_index();
  if (i >= 3 * hidden) return;
  float scale = i < 2 * hidden ? 1 : scale_to_range(value_bounds[i - 2 * hidden]);
  scales[i] = __float2half(scale);
  scaled_bias[i] = __float2half(__half2float(bias[i]) * scale);
}

// The one scale of the feed-forward layer's middle, for the product that writes it and, [N] times, for the weights that read it. One block.
extern "C" __global__ void __launch_bounds__(256) fp8_inner_scales(const float* bounds, float* scale, __half* scales, int inner) {
  __shared__ float largest[8];
  float bound = 0;
  for (int i = threadIdx.x; i < inner; i += 256) bound = fmaxf(bound, bounds[i]);
  bound = warp_all(bound, true);
  if ((threadIdx.x & 31) == 0) largest[threadIdx.x / 32] = bound;
  __syncthreads();
  for (int i = 0; i < 8; i++) bound = fmaxf(bound, largest[i]);
  float chosen = scale_to_range(bound);
  for (int i = threadIdx.x; i < inner; i += 256) scales[i] = __float2half(chosen);
  if (threadIdx.x == 0) *scale = chosen;
}

// largest [1] = the largest magnitude of a scaled weight; zero before.
extern "C" __global__ void __launch_bounds__(256)
    fp8_largest(const __half* weight, const __half* input_scales, const __half* output_scales, float* largest, int outputs, int inputs, int head) {
  int output = warp_index();
  if (output >= outputs) return;
  ScaledWeight scaled = {weight, input_scales, output_scales, inputs, head};
  float most = 0;
  for (int k = threadIdx.x & 31; k < inputs; k += 32) most = fmaxf(most, fabsf(scaled(output, k)));
  most = warp_all(most, true);
  if ((threadIdx.x & 31) == 0) atomicMax(reinterpret_cast<int*>(largest), __float_as_int(most));  // floats of one sign order as their bits do
}

// e4m3 [N, K] = the scaled weight over scale [1], which takes the largest to 448.
extern "C" __global__ void __launch_bounds__(256)
    fp8_quantize_weight(const __half* weight, const __half* input_scales, const __half* output_scales, const float* largest, uint8_t* e4m3,
                        float* scale, int outputs, int inputs, int head) {
  int output = warp_index();
  if (output >= outputs) return;
  ScaledWeight scaled = {weight, input_scales, output_scales, inputs, head};
  float most = *largest > 0 ? *largest : 1;
  for (int k = (threadIdx.x & 31) * 2; k < inputs; k += 64)
    *reinterpret_cast<uint16_t*>(e4m3 + (size_t)output * inputs + k) =
        pack_e4m3x2(scaled(output, k) * (E4M3_MAX / most), scaled(output, k + 1) * (E4M3_MAX / most));
  if (output == 0 && threadIdx.x == 0) *scale = most / E4M3_MAX;
}
