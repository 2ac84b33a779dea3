// What kernels for Hopper alone (compute capability 9.0) share: copies by tensor map (TMA), the barriers that they complete on, and products
// of whole warpgroups (wgmma).
#pragma once
#include "common.cuh"

namespace luciole {

constexpr int SWIZZLED_ROW = 128;  // bytes of a row of a matrix in shared memory, as TMA writes it and wgmma reads it; heads of 32 have 64

// ---- Barriers and copies.
__device__ __forceinline__ void mbarrier_init(uint32_t barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}
__device__ __forceinline__ void mbarrier_expect_tx(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ void mbarrier_arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void mbarrier_wait(uint32_t barrier, uint32_t parity) {
  uint32_t done;
  do {
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
                 : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
  } while (!done);
}
// Copies the box that `map` names, from a column and row on, to shared memory; rows behind the last become zero.
__device__ __forceinline__ void tma_load(uint32_t to, const TensorMap* map, int column, int row, uint32_t barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
               ::"r"(to), "l"(map), "r"(column), "r"(row), "r"(barrier) : "memory");
}
// Likewise, to the same place in the shared memory of the blocks of the cluster whose bits `ranks` has, each of whose barriers there counts the bytes.
__device__ __forceinline__ void tma_load_to(uint16_t ranks, uint32_t to, const TensorMap* map, int column, int row, uint32_t barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;"
      ::"r"(to), "l"(map), "r"(column), "r"(row), "r"(barrier), "h"(ranks) : "memory");
}

// ---- Products of a warpgroup. `wgmma_wait` names the registers that a product in flight reads or writes, so that the compiler moves no
// other use of them to before it.
#define REGISTERS_4(x, i) "+f"(x[i]), "+f"(x[i + 1]), "+f"(x[i + 2]), "+f"(x[i + 3])
#define REGISTERS_8(x, i) REGISTERS_4(x, i), REGISTERS_4(x, i + 4)
#define REGISTERS_16(x) REGISTERS_8(x, 0), REGISTERS_8(x, 8)
#define REGISTERS_24(x) REGISTERS_16(x), REGISTERS_8(x, 16)
#define REGISTERS_32(x) REGISTERS_24(x), REGISTERS_8(x, 24)
#define REGISTERS_40(x) REGISTERS_32(x), REGISTERS_8(x, 32)
#define REGISTERS_48(x) REGISTERS_40(x), REGISTERS_8(x, 40)
#define REGISTERS_64(x) REGISTERS_48(x), REGISTERS_8(x, 48), REGISTERS_8(x, 56)
#define NUMBERS_16 "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15"
#define NUMBERS_24 NUMBERS_16 ",%16,%17,%18,%19,%20,%21,%22,%23"
#define NUMBERS_32 NUMBERS_24 ",%24,%25,%26,%27,%28,%29,%30,%31"
#define NUMBERS_40 NUMBERS_32 ",%32,%33,%34,%35,%36,%37,%38,%39"
#define NUMBERS_48 NUMBERS_40 ",%40,%41,%42,%43,%44,%45,%46,%47"
#define NUMBERS_64 NUMBERS_48 ",%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"

// The descriptor of a swizzled matrix in shared memory: rows of 128 or 64 bytes, in groups of 8. 16 columns further: add 2.
template <int ROW = SWIZZLED_ROW>
__device__ __forceinline__ uint64_t matrix_descriptor(uint32_t at) {
  static_assert(ROW == SWIZZLED_ROW || ROW == SWIZZLED_ROW / 2, "TMA's swizzles of 128 and of 64 bytes");
  constexpr uint64_t SWIZZLE = ROW == SWIZZLED_ROW ? 1 : 2;
  return (uint64_t)((at & 0x3FFFF) >> 4) | (1ull << 16) | ((8 * ROW / 16ull) << 32) | (SWIZZLE << 62);
}
__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// c [64, N] (+)= a [64, 16] · b [N, 16]^T, both swizzled matrices in shared memory. A thread has C = N / 2 of the sums; A, B and ADD are the numbers
// of the operands behind them.
#define WGMMA(N, C, A, B, ADD)                                                                           \
  template <int PENDING>                                                                                 \
  __device__ __forceinline__ void wgmma_wait(float (&x)[C]) {                                            \
    asm volatile("wgmma.wait_group.sync.aligned %" #A ";" : REGISTERS_##C(x) : "n"(PENDING) : "memory"); \
  }                                                                                                      \
  __device__ __forceinline__ void wgmma_abt(float (&c)[C], uint64_t a, uint64_t b, int add) {            \
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %" #ADD ", 0; wgmma.mma_async.sync.aligned.m64n" #N     \
                 "k16.f32.f16.f16 {" NUMBERS_##C "}, %" #A ", %" #B ", p, 1, 1, 0, 0; }"                 \
                 : REGISTERS_##C(c) : "l"(a), "l"(b), "r"(add));                                         \
  }
WGMMA(32, 16, 16, 17, 18)
WGMMA(48, 24, 24, 25, 26)
WGMMA(64, 32, 32, 33, 34)
WGMMA(80, 40, 40, 41, 42)
WGMMA(96, 48, 48, 49, 50)
WGMMA(128, 64, 64, 65, 66)

}  // namespace luciole
