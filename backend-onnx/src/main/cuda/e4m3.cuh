// 8-bit floats of the format e4m3.
#pragma once
#include "common.cuh"

namespace luciole {

constexpr float E4M3_MAX = 448;
// Two values as e4m3, the first in the lower byte; those beyond ±448 become ±448. For compute capability 8.9 and later.
__device__ __forceinline__ uint16_t pack_e4m3x2(float a, float b) {
  uint16_t packed;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(packed) : "f"(b), "f"(a));
  return packed;
}

}  // namespace luciole
