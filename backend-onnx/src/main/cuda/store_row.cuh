// How the kernels of attention write a row of a head.
#pragma once
#include "e4m3.cuh"

namespace luciole {

// Where a component of a head lies among those that `store_row` writes as e4m3: the inverse is `component_stored_at`.
//   components of a thread of four   8n + 2·thread + {0, 1} for n of 0 … HEAD/8-1
//   stored at                        HEAD/4·thread + 2n + {0, 1}
// The order does not matter to a product over all components whose weights have it too; fp8.cu gives it to them.
__device__ __forceinline__ int component_stored_at(int position, int head) {
  int quarter = head / 4, within = position % quarter;
  return within / 2 * 8 + position / quarter * 2 + within % 2;
}
// Stores a thread's components of a row of a head, two of every eight: in place as 16-bit floats, side by side as e4m3.
template <int HEAD>
__device__ __forceinline__ void store_row(__half* row, const float (&x)[HEAD / 8][2]) {
#pragma unroll
  for (int n = 0; n < HEAD / 8; n++) *reinterpret_cast<uint32_t*>(row + n * 8 + (threadIdx.x & 3) * 2) = pack_half2(x[n][0], x[n][1]);
}
template <int HEAD>
__device__ __forceinline__ void store_row(uint8_t* row, const float (&x)[HEAD / 8][2]) {
  uint32_t packed[HEAD / 16];
#pragma unroll
  for (int i = 0; i < HEAD / 16; i++)
    packed[i] = pack_e4m3x2(x[2 * i][0], x[2 * i][1]) | (uint32_t)pack_e4m3x2(x[2 * i + 1][0], x[2 * i + 1][1]) << 16;
  uint8_t* to = row + (threadIdx.x & 3) * (HEAD / 4);
  if constexpr (HEAD == HEAD_SIZE)
    *reinterpret_cast<uint4*>(to) = {packed[0], packed[1], packed[2], packed[3]};
  else
    *reinterpret_cast<uint2*>(to) = {packed[0], packed[1]};
}

}  // namespace luciole
