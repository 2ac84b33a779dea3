// Instructions of compute capability 9.0 that the kernels of small_batch.cu, medium_batch.cu and large_batch.cu use between blocks and kernels.
#pragma once
#include <cstdint>

namespace luciole {

// ---- Programmatic dependent launch.
__device__ __forceinline__ void launch_dependents() { asm volatile("griddepcontrol.launch_dependents;"); }
__device__ __forceinline__ void wait_for_previous_kernel() { asm volatile("griddepcontrol.wait;" ::: "memory"); }

// ---- Clusters: blocks that see each other's shared memory. Values that others send arrive at an mbarrier of this block's; a sender names
// an address in another block by the same address in its own.
__device__ __forceinline__ uint32_t cluster_rank() {
  uint32_t r;
  asm("mov.u32 %0, %cluster_ctarank;" : "=r"(r));
  return r;
}
__device__ __forceinline__ void mbarrier_init_expect_tx(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(barrier));
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ void mbarrier_wait(uint32_t barrier) {
  uint32_t done = 0;
  while (!done) {
    asm volatile(
        "{.reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0; selp.u32 %0, 1, 0, p;}"
        : "=r"(done) : "r"(barrier) : "memory");
  }
}
__device__ __forceinline__ void cluster_arrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
__device__ __forceinline__ void cluster_wait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
__device__ __forceinline__ uint32_t map_shared_rank(uint32_t rank, uint32_t at) {
  uint32_t there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(at), "r"(rank));
  return there;
}
// Nothing that was written is released: for what was read, and may be written anew.
__device__ __forceinline__ void mbarrier_arrive_at(uint32_t rank, uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(map_shared_rank(rank, barrier)) : "memory");
}
__device__ __forceinline__ void st_async(uint32_t rank, uint32_t to, uint32_t barrier, uint32_t value) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(map_shared_rank(rank, to)),
               "r"(value), "r"(map_shared_rank(rank, barrier)) : "memory");
}
__device__ __forceinline__ void st_async(uint32_t rank, uint32_t to, uint32_t barrier, float2 value) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 [%0], {%1,%2}, [%3];" ::"r"(map_shared_rank(rank, to)),
               "f"(value.x), "f"(value.y), "r"(map_shared_rank(rank, barrier)) : "memory");
}
__device__ __forceinline__ void st_async(uint32_t rank, uint32_t to, uint32_t barrier, float4 value) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1,%2,%3,%4}, [%5];" ::"r"(map_shared_rank(rank, to)),
               "f"(value.x), "f"(value.y), "f"(value.z), "f"(value.w), "r"(map_shared_rank(rank, barrier)) : "memory");
}

}  // namespace luciole
