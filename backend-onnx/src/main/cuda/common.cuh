// What all kernels share. Kernels are extern "C"; everything else is in a namespace with a name, since nvcc
// gives an anonymous one a name that depends on the path of the source, and PTX must be the same wherever it is made.
#pragma once
#include <cuda_fp16.h>
#include <cstdint>
#include "params.h"

namespace luciole {

// Addresses in shared memory are 32-bit numbers here, as the instructions take them.
__device__ __forceinline__ uint32_t smem_address(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;"); }
template <int PENDING>
__device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(PENDING)); }

// c (16×8, float) += a (16×16, half) · b (16×8, half), of a warp.
__device__ __forceinline__ void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ uint32_t pack_half2(float a, float b) {
  __half2 h = __floats2half2_rn(a, b);
  return *reinterpret_cast<uint32_t*>(&h);
}
// Transposes 8 by 8 values of 16 bits that a warp holds, lane l those of row l/4 from column l%4·2 on. Of a whole warp.
__device__ __forceinline__ uint32_t transpose_8x8(uint32_t x) {
  uint32_t y;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x));
  return y;
}
__device__ __forceinline__ float reciprocal_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// x·Φ(x). 2·Φ(-|x|) = erfc(|x|/√2) by a polynomial of Hastings (Abramowitz and Stegun 7.1.26, its coefficients halved), within 1.5e-7, without
// branches.
__device__ __forceinline__ float gelu(float x) {
  float z = fabsf(x), t = reciprocal_approx(fmaf(0.23164189f, z, 1.f));
  float polynomial = t * fmaf(t, fmaf(t, fmaf(t, fmaf(t, 0.5307027145f, -0.7265760135f), 0.7107068705f), -0.142248368f), 0.127414796f);
  float tail = polynomial * exp2_approx(-0.72134752f * z * z);
  return fmaf(-z, tail, fmaxf(x, 0));
}
// x/2·(1 + tanh(u)) = x / (1 + exp(-2u)) with u = √(2/π)·(x + 0.044715·x³).
__device__ __forceinline__ float gelu_tanh(float x) {
  return x * reciprocal_approx(1 + exp2_approx(-2.30220820f * (x + 0.044715f * x * x * x)));
}
// The activation of N values, computed beside each other.
template <int N>
__device__ __forceinline__ void activate(float (&x)[N], int activation) {
  switch (activation) {
    case ACTIVATION_GELU:
#pragma unroll
      for (int i = 0; i < N; i++) x[i] = gelu(x[i]);
      break;
    case ACTIVATION_GELU_TANH:
#pragma unroll
      for (int i = 0; i < N; i++) x[i] = gelu_tanh(x[i]);
      break;
    default:
#pragma unroll
      for (int i = 0; i < N; i++) x[i] = fmaxf(x[i], 0);
  }
}
// Where a 16-byte chunk of a row of a head of 32 or 64 components (64 or 128 bytes) lies: XORed with the row, so that one chunk of 8
// successive rows lies in 8 different groups of banks. The same patterns as TMA's swizzles of 64 and of 128 bytes.
template <int HEAD = HEAD_SIZE>
__device__ __forceinline__ uint32_t swizzle(uint32_t base, int row, int chunk) {
  static_assert(HEAD == SMALL_HEAD_SIZE || HEAD == HEAD_SIZE, "heads have 32 or 64 components");
  if constexpr (HEAD == HEAD_SIZE) return base + row * (HEAD * 2) + ((chunk ^ (row & 7)) << 4);
  return base + row * (HEAD * 2) + ((chunk ^ ((row >> 1) & 3)) << 4);
}

}  // namespace luciole
