// Attention for long texts on Hopper (compute capability 9.0), on the instructions that only it has: asynchronous products of whole
// warpgroups (wgmma) and copies by tensor map (TMA). Other devices run attention_128x64 of encoder.cu instead.
//
// A block has two warpgroups of 64 query rows each, and a multiprocessor has two blocks, so that the products of the others run while one
// warpgroup computes exponentials. What the softmax costs beside the products decides the speed. Hence a step computes S = Q·K^T of its
// block of keys and O += P·V of the block before, which runs beside this step's exponentials; P stays in registers; and exponentials are
// relative to `row_max`, which follows a row's maximum only where a power would not fit 16 bits otherwise (lazy rescaling).
#include "store_row.cuh"
#include "wgmma.cuh"

namespace luciole {

constexpr int GROUP_ROWS = 64;       // query rows of a warpgroup
constexpr int GROUPS = 2;            // warpgroups of a block
constexpr int BLOCK_KEYS = 64;       // keys of a step
constexpr int STAGES = 2;            // pairs of blocks of keys, and of values, in shared memory; a power of 2
constexpr int TILES_OF_A_HEAD = 64;  // that follow one another before those of the next head
static_assert(GROUPS * 128 == HOPPER_THREADS, "the host launches with params.h's number");

// Shared memory in bytes: sQ [GROUPS·64, HEAD], sK [STAGES, 2, 64, HEAD], sV [STAGES, 2, 64, HEAD], all swizzled, then an mbarrier of 8 bytes each.
template <int HEAD>
struct Layout {
  static constexpr int ROW_BYTES = HEAD * 2;  // of a row of a head
  static constexpr int BLOCK_BYTES = BLOCK_KEYS * ROW_BYTES, PAIR_BYTES = 2 * BLOCK_BYTES;
  static constexpr int K_OFFSET = GROUPS * GROUP_ROWS * ROW_BYTES, V_OFFSET = K_OFFSET + STAGES * PAIR_BYTES;
  static constexpr int K_FULL = V_OFFSET + STAGES * PAIR_BYTES, V_FULL = K_FULL + 8 * STAGES;  // the copy has arrived
  static constexpr int K_EMPTY = V_FULL + 8 * STAGES, V_EMPTY = K_EMPTY + 8 * STAGES;           // every warp is done with it
  static constexpr int Q_FULL = V_EMPTY + 8 * STAGES, SHARED_MEMORY = Q_FULL + 8;
};
static_assert(Layout<HEAD_SIZE>::SHARED_MEMORY == HOPPER_SHARED_MEMORY && Layout<SMALL_HEAD_SIZE>::SHARED_MEMORY == HOPPER_SMALL_HEAD_SHARED_MEMORY,
              "the host launches with params.h's numbers");

// ---- The second product; the first is in wgmma.cuh. `wgmma_wait` names the registers that a product in flight reads.
__device__ __forceinline__ void wgmma_wait(uint32_t (&p)[16]) {
#pragma unroll
  for (int i = 0; i < 16; i++) asm volatile("" : "+r"(p[i])::"memory");
}
// acc_o [64 queries, 64 or 32 components] += P·V over 16 keys; V lies key by key and is therefore read transposed
__device__ __forceinline__ void wgmma_pv(float (&acc_o)[32], const uint32_t* p, uint64_t values) {
  asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {" NUMBERS_32 "}, {%32,%33,%34,%35}, %36, 1, 1, 1, 1;"
               : REGISTERS_32(acc_o) : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(values));
}
__device__ __forceinline__ void wgmma_pv(float (&acc_o)[16], const uint32_t* p, uint64_t values) {
  asm volatile("wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {" NUMBERS_16 "}, {%16,%17,%18,%19}, %20, 1, 1, 1, 1;"
               : REGISTERS_16(acc_o) : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(values));
}

// The head (x) and the tile (y) of this block, in an order for the L2 cache: 64 tiles, of one text of 8192 tokens or of several shorter ones,
// head by head, then the next 64. Blocks that run at once then share the keys and values of four heads of such a text, 8 MB; where all heads
// of a tile came first, these were those of 16 heads, 33 MB, and long texts took a thirtieth longer.
__device__ __forceinline__ int2 head_and_tile(int heads) {
  const int tiles = gridDim.x / heads, first = blockIdx.x / (TILES_OF_A_HEAD * heads) * TILES_OF_A_HEAD;
  const int together = min(TILES_OF_A_HEAD, tiles - first), rest = blockIdx.x - first * heads;
  return make_int2(rest / together, first + rest % together);
}

// Computes what `attention` of attention.cuh does for tiles of up to 128 rows. `map` describes qkv [T, 3H] in boxes of 64 rows by HEAD columns.
template <int HEAD, typename Out>
__device__ __forceinline__ void attention(const TensorMap* map, Out* __restrict__ out, const int4* __restrict__ tiles,
                                          const int2* __restrict__ spans, int hidden, float scale) {
  using L = Layout<HEAD>;
  constexpr int ROW_BYTES = L::ROW_BYTES, BLOCK_BYTES = L::BLOCK_BYTES, K_OFFSET = L::K_OFFSET, V_OFFSET = L::V_OFFSET;
  constexpr int K_FULL = L::K_FULL, V_FULL = L::V_FULL, K_EMPTY = L::K_EMPTY, V_EMPTY = L::V_EMPTY, Q_FULL = L::Q_FULL;
  extern __shared__ __align__(1024) uint8_t memory[];
  const int2 here = head_and_tile(hidden / HEAD);
  const int head = here.x;
  const int4 tile = tiles[here.y];
  if (tile.y == 0) return;
  const int warp = __shfl_sync(~0u, (int)threadIdx.x / 32, 0), lane = threadIdx.x & 31, group = warp / 4;
  const int groups = min(GROUPS, (tile.y + GROUP_ROWS - 1) / GROUP_ROWS), blocks = (tile.w + BLOCK_KEYS - 1) / BLOCK_KEYS;
  const uint32_t base = static_cast<uint32_t>(__cvta_generic_to_shared(memory));

  // Blocks come in pairs, which share barriers: each wait and each request is time in which a warpgroup computes nothing.
  const int pairs = (blocks + 1) / 2;
  auto stage = [](int pair) { return pair & (STAGES - 1); };
  auto parity = [](int pair) { return (uint32_t)(pair / STAGES) & 1; };
  auto place = [](int b) { return (b & (2 * STAGES - 1)) * L::BLOCK_BYTES; };
  // Requests a pair of blocks of the keys (part 1) or of the values (part 2); the last may be one block.
  auto load_pair = [&](int part, int pair) {
    const uint32_t full = base + (part == 1 ? K_FULL : V_FULL) + 8 * stage(pair);
    const uint32_t to = base + (part == 1 ? K_OFFSET : V_OFFSET) + place(2 * pair);
    const bool whole = 2 * pair + 1 < blocks;
    mbarrier_expect_tx(full, whole ? L::PAIR_BYTES : BLOCK_BYTES);
    tma_load(to, map, part * hidden + head * HEAD, tile.z + 2 * pair * BLOCK_KEYS, full);
    if (whole) tma_load(to + BLOCK_BYTES, map, part * hidden + head * HEAD, tile.z + (2 * pair + 1) * BLOCK_KEYS, full);
  };

  if (threadIdx.x == 0) {
    mbarrier_init(base + Q_FULL, 1);
    for (int i = 0; i < STAGES; i++) {
      mbarrier_init(base + K_FULL + 8 * i, 1), mbarrier_init(base + V_FULL + 8 * i, 1);
      mbarrier_init(base + K_EMPTY + 8 * i, 4 * groups), mbarrier_init(base + V_EMPTY + 8 * i, 4 * groups);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    mbarrier_expect_tx(base + Q_FULL, groups * GROUP_ROWS * ROW_BYTES);
    for (int g = 0; g < groups; g++)
      tma_load(base + g * GROUP_ROWS * ROW_BYTES, map, head * HEAD, tile.x + g * GROUP_ROWS, base + Q_FULL);
    for (int pair = 0; pair < min(STAGES, pairs); pair++) load_pair(1, pair), load_pair(2, pair);
  }
  __syncthreads();
  if (group >= groups) return;

  const uint32_t queries = base + group * GROUP_ROWS * ROW_BYTES;
  const int first = warp * 16 + lane / 4;  // this thread's first row of the tile; the second is 8 further
  auto span = [&](int h) { return first + 8 * h < tile.y ? spans[tile.x + first + 8 * h] : make_int2(tile.z, tile.z + tile.w); };
  const int from = __reduce_max_sync(~0u, max(span(0).x, span(1).x)), to = __reduce_min_sync(~0u, min(span(0).y, span(1).y));

  float acc_s[32], acc_o[HEAD / 2] = {};  // a thread's parts of [64, 64] and [64, HEAD]: element i is in row h = i >> 1 & 1 of its two
  float row_sum[2] = {};
  float row_max[2] = {-1e30f, -1e30f};    // scaled; finite, so that a masked score never gives infinity minus infinity
  uint32_t even[16], odd[16];             // P of a block of keys, as the second product reads it

  auto issue_qk = [&](int b) {
    uint64_t q = matrix_descriptor<ROW_BYTES>(queries), k = matrix_descriptor<ROW_BYTES>(base + K_OFFSET + place(b));
    wgmma_fence();
#pragma unroll
    for (int d = 0; d < HEAD / 16; d++) wgmma_abt(acc_s, q + 2 * d, k + 2 * d, d > 0);
    wgmma_commit();
  };
  auto issue_pv = [&](int b, uint32_t (&p)[16]) {
    uint64_t v = matrix_descriptor<ROW_BYTES>(base + V_OFFSET + place(b));
    wgmma_fence();
#pragma unroll
    for (int j = 0; j < BLOCK_KEYS / 16; j++) wgmma_pv(acc_o, p + 4 * j, v + 16 * ROW_BYTES / 16 * j);
    wgmma_commit();
  };
  auto mask = [&](int b) {
    int key = tile.z + b * BLOCK_KEYS;
    if (key >= from && key + BLOCK_KEYS <= to) return;
    int2 seen[2] = {span(0), span(1)};
    key += (lane & 3) * 2;
    seen[0].x -= key, seen[0].y -= key, seen[1].x -= key, seen[1].y -= key;
#pragma unroll
    for (int i = 0; i < 32; i++) {
      int at = i / 4 * 8 + (i & 1), h = i >> 1 & 1;
      if (at < seen[h].x || at >= seen[h].y) acc_s[i] = -INFINITY;
    }
  };
  auto exponentials = [&](uint32_t (&p)[16], float (&part)[2]) {
    part[0] = part[1] = 0;
#pragma unroll
    for (int i = 0; i < 32; i += 2) {
      int h = i >> 1 & 1;
      float x = exp2_approx(fmaf(acc_s[i], scale, -row_max[h])), y = exp2_approx(fmaf(acc_s[i + 1], scale, -row_max[h]));
      part[h] += x;
      part[h] += y;
      p[i / 2] = pack_half2(x, y);
    }
  };
  // Softmax of a block. row_max is the maximum of the first block that a row attends to; a later block replaces it only where its scores
  // are so much greater that an exponential might not fit 16 bits.
  auto softmax = [&](uint32_t (&p)[16], bool initial) {
    float part[2];
    bool over = initial;
    if (!initial) {
      exponentials(p, part);
      over = __any_sync(~0u, !(part[0] < 32768.f && part[1] < 32768.f));
    }
    if (over) {
      float new_max[2] = {fmaxf(acc_s[0], acc_s[1]), fmaxf(acc_s[2], acc_s[3])};
#pragma unroll
      for (int i = 4; i < 32; i += 4) {
        new_max[0] = fmaxf(new_max[0], fmaxf(acc_s[i], acc_s[i + 1]));
        new_max[1] = fmaxf(new_max[1], fmaxf(acc_s[i + 2], acc_s[i + 3]));
      }
      float rescale[2];
#pragma unroll
      for (int h = 0; h < 2; h++) {
        new_max[h] = fmaxf(new_max[h], __shfl_xor_sync(~0u, new_max[h], 1));
        new_max[h] = fmaxf(new_max[h], __shfl_xor_sync(~0u, new_max[h], 2));
        new_max[h] = fmaxf(new_max[h] * scale, row_max[h]);
        rescale[h] = exp2_approx(row_max[h] - new_max[h]);
        row_sum[h] *= rescale[h];
        row_max[h] = new_max[h];
      }
      if (!initial) {
        wgmma_wait<0>(acc_o);
#pragma unroll
        for (int i = 0; i < HEAD / 2; i++) acc_o[i] *= rescale[i >> 1 & 1];
      }
      exponentials(p, part);
    }
    row_sum[0] += part[0], row_sum[1] += part[1];
  };
  auto await = [&](int which, int pair) { mbarrier_wait(base + which + 8 * stage(pair), parity(pair)); };
  auto release = [&](int which, int pair) {
    if (lane == 0) mbarrier_arrive(base + which + 8 * stage(pair));
  };

  // A step: scores and exponentials of block b, to p, and the product with the values of the block before, whose exponentials are `before`.
  // The next pair is requested as soon as both warpgroups are done with the one in its place, so that it is seldom waited for: keys by one
  // of them and values by the other, since the time it takes is lost to a softmax.
  auto first_of_pair = [&](int b, uint32_t (&before)[16], uint32_t (&p)[16]) {
    const int pair = b / 2;
    await(K_FULL, pair);
    issue_qk(b);
    issue_pv(b - 1, before);
    if (threadIdx.x == 0 && pair + 1 < pairs) await(K_EMPTY, pair - 1), load_pair(1, pair + 1);
    __syncwarp();
    wgmma_wait<1>(acc_s);
    mask(b);
    softmax(p, false);
    wgmma_wait<0>(acc_o);
    wgmma_wait(before);
    release(V_EMPTY, pair - 1);
  };
  auto second_of_pair = [&](int b, uint32_t (&before)[16], uint32_t (&p)[16]) {
    const int pair = b / 2;
    issue_qk(b);
    await(V_FULL, pair);
    issue_pv(b - 1, before);
    if (threadIdx.x == 128 * (groups - 1) && pair >= 1 && pair + 1 < pairs) await(V_EMPTY, pair - 1), load_pair(2, pair + 1);
    __syncwarp();
    wgmma_wait<1>(acc_s);
    release(K_EMPTY, pair);
    mask(b);
    softmax(p, false);
    wgmma_wait<0>(acc_o);
    wgmma_wait(before);
  };

  mbarrier_wait(base + Q_FULL, 0);
  await(K_FULL, 0);
  issue_qk(0);
  wgmma_wait<0>(acc_s);
  mask(0);
  softmax(even, true);
  int b = 1;
  for (; b + 1 < blocks; b += 2) {
    second_of_pair(b, even, odd);
    first_of_pair(b + 1, odd, even);
  }
  if (b < blocks) {
    second_of_pair(b, even, odd);
#pragma unroll
    for (int i = 0; i < 16; i++) even[i] = odd[i];
  }
  await(V_FULL, pairs - 1);
  issue_pv(blocks - 1, even);

#pragma unroll
  for (int h = 0; h < 2; h++) {
    row_sum[h] += __shfl_xor_sync(~0u, row_sum[h], 1);
    row_sum[h] += __shfl_xor_sync(~0u, row_sum[h], 2);
    row_sum[h] = row_sum[h] > 0 ? 1.f / row_sum[h] : 0.f;
  }
  wgmma_wait<0>(acc_o);
  if constexpr (sizeof(Out) == 1) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float x[HEAD / 8][2];
#pragma unroll
      for (int n = 0; n < HEAD / 8; n++)
        x[n][0] = acc_o[n * 4 + h * 2] * row_sum[h], x[n][1] = acc_o[n * 4 + h * 2 + 1] * row_sum[h];
      if (first + 8 * h < tile.y) store_row<HEAD>(out + (size_t)(tile.x + first + 8 * h) * hidden + head * HEAD, x);
    }
    return;
  }
  // Through the place of the queries, which the whole warpgroup is done with, so that rows are written whole.
  asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory");
  const uint32_t mine = base + warp * 16 * ROW_BYTES;
#pragma unroll
  for (int i = 0; i < HEAD / 2; i += 2) {
    int h = i >> 1 & 1;
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(swizzle<HEAD>(mine, lane / 4 + 8 * h, i / 4) + (lane & 3) * 4),
                 "r"(pack_half2(acc_o[i] * row_sum[h], acc_o[i + 1] * row_sum[h])) : "memory");
  }
  __syncwarp();
  constexpr int CHUNKS = ROW_BYTES / 16, ROWS = 32 / CHUNKS;  // of a row; that a warp writes at once
#pragma unroll
  for (int i = 0; i < 16 / ROWS; i++) {
    int row = i * ROWS + lane / CHUNKS, chunk = lane % CHUNKS;
    uint4 x;
    asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w) : "r"(swizzle<HEAD>(mine, row, chunk)) : "memory");
    if (warp * 16 + row < tile.y)
      *reinterpret_cast<uint4*>(out + (size_t)(tile.x + warp * 16 + row) * hidden + head * HEAD + chunk * 8) = x;
  }
}

}  // namespace luciole
using namespace luciole;

// Launched as heads × tiles blocks (head_and_tile), for heads of 64 components and, _32, of 32: attention_hopper with 16-bit floats as output,
// attention_hopper_fp8 with e4m3.
#define ATTENTION(NAME, HEAD, OUT)                                                                                    \
  extern "C" __global__ void __launch_bounds__(GROUPS * 128, 2)                                                       \
      NAME(const __grid_constant__ TensorMap map, OUT* __restrict__ out, const int4* __restrict__ tiles,              \
           const int2* __restrict__ spans, int hidden, float scale) {                                                 \
    attention<HEAD>(&map, out, tiles, spans, hidden, scale);                                                          \
  }
ATTENTION(attention_hopper, HEAD_SIZE, __half)
ATTENTION(attention_hopper_fp8, HEAD_SIZE, uint8_t)
ATTENTION(attention_hopper_32, SMALL_HEAD_SIZE, __half)
ATTENTION(attention_hopper_32_fp8, SMALL_HEAD_SIZE, uint8_t)
