// Attention for long texts on Hopper (compute capability 9.0), on the instructions that only it has: asynchronous products of whole
// warpgroups (wgmma) and copies by tensor map (TMA). Compiled to PTX by make-ptx.sh; elsewhere attention_2 of kernels.cu does it.
//
// A block has two warpgroups of 64 query rows each, and a multiprocessor two blocks, so that while one warpgroup takes powers, the
// others' products run. What a row of scores costs beside them decides the speed, hence: the products of a step are S = Q·K^T of its
// block of keys and O += P·V of the block before, which runs beside this step's powers; P goes from registers to registers; and powers
// are taken against a reference that is seldom touched, in place of each block's maximum.
#include "common.cuh"

namespace {

constexpr int ROW = HEAD * 2;  // bytes of a row of a head
constexpr int ROWS = 64;       // query rows of a warpgroup
constexpr int GROUPS = 2;      // warpgroups of a block
constexpr int KEYS = 64;       // keys of a step
constexpr int STAGES = 4;      // blocks of keys, and of values, in shared memory; a power of 2
constexpr int BLOCK = KEYS * ROW;

// Shared memory: queries, keys, values, then the barriers. HOPPER_SHARED in hopper.h is its size.
constexpr int KEYS_AT = GROUPS * ROWS * ROW, VALUES_AT = KEYS_AT + STAGES * BLOCK;
constexpr int KEYS_THERE = VALUES_AT + STAGES * BLOCK, VALUES_THERE = KEYS_THERE + 8 * STAGES;  // the copy has come
constexpr int KEYS_READ = VALUES_THERE + 8 * STAGES, VALUES_READ = KEYS_READ + 8 * STAGES;      // every warp is done with it
constexpr int QUERIES_THERE = VALUES_READ + 8 * STAGES, SHARED = QUERIES_THERE + 8;
static_assert(SHARED == 82056, "and in hopper.h");

struct alignas(64) Map { uint64_t opaque[16]; };  // CUtensorMap

// ---- Barriers and copies.
__device__ __forceinline__ void initialise(uint32_t barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}
__device__ __forceinline__ void expect(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ void arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void await(uint32_t barrier, uint32_t parity) {
  uint32_t there;
  do {
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
                 : "=r"(there) : "r"(barrier), "r"(parity) : "memory");
  } while (!there);
}
// 64 rows of 64 components; rows behind the last become zero
__device__ __forceinline__ void copy(uint32_t to, const Map* map, int column, int row, uint32_t barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
               ::"r"(to), "l"(map), "r"(column), "r"(row), "r"(barrier) : "memory");
}

// ---- Products of a warpgroup. Registers that a product in flight reads or writes are named by `finish`, so that no other use of them is
// moved to before it.
#define EIGHT(x, i) "+f"(x[i]), "+f"(x[i + 1]), "+f"(x[i + 2]), "+f"(x[i + 3]), "+f"(x[i + 4]), "+f"(x[i + 5]), "+f"(x[i + 6]), "+f"(x[i + 7])
#define ALL(x) EIGHT(x, 0), EIGHT(x, 8), EIGHT(x, 16), EIGHT(x, 24)
#define NAMES                                                                                                                   \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}"

// Rows of 128 bytes, scattered as by `place`, 8 rows after 8 rows.
__device__ __forceinline__ uint64_t matrix(uint32_t at) {
  return (uint64_t)((at & 0x3FFFF) >> 4) | (1ull << 16) | ((8 * ROW / 16ull) << 32) | (1ull << 62);
}
__device__ __forceinline__ void start() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void commitProducts() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int PENDING>
__device__ __forceinline__ void finish(float (&x)[32]) {
  asm volatile("wgmma.wait_group.sync.aligned %32;" : ALL(x) : "n"(PENDING) : "memory");
}
__device__ __forceinline__ void finish(uint32_t (&p)[16]) {
#pragma unroll
  for (int i = 0; i < 16; i++) asm volatile("" : "+r"(p[i])::"memory");
}
// s (+)= 16 components of queries · those of keys
__device__ __forceinline__ void score(float (&s)[32], uint64_t queries, uint64_t keys, int add) {
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %34, 0; wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " NAMES
               ", %32, %33, p, 1, 1, 0, 0; }"
               : ALL(s) : "l"(queries), "l"(keys), "r"(add));
}
// o += powers of 16 keys · their values, which have a key a row and so are read transposed
__device__ __forceinline__ void mix(float (&o)[32], const uint32_t* p, uint64_t values) {
  asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " NAMES ", {%32,%33,%34,%35}, %36, 1, 1, 1, 1;"
               : ALL(o) : "r"(p[0]), "r"(p[1]), "r"(p[2]), "r"(p[3]), "l"(values));
}

__device__ __forceinline__ uint32_t place(uint32_t base, int row, int chunk) { return base + row * ROW + ((chunk ^ (row & 7)) << 4); }

}  // namespace

// As attention_2, with tiles of up to 128 rows; `map` describes qkv [T, 3H] in boxes of 64 rows by 64 columns.
extern "C" __global__ void __launch_bounds__(GROUPS * 128, 2)
    attention_hopper(const __grid_constant__ Map map, __half* __restrict__ out, const int4* __restrict__ tiles,
                     const int2* __restrict__ spans, int hidden, float scale) {
  extern __shared__ __align__(1024) uint8_t memory[];
  const int4 tile = tiles[blockIdx.y];
  if (tile.y == 0) return;
  const int warp = __shfl_sync(~0u, (int)threadIdx.x / 32, 0), lane = threadIdx.x & 31, group = warp / 4;
  const int groups = min(GROUPS, (tile.y + ROWS - 1) / ROWS), blocks = (tile.w + KEYS - 1) / KEYS;
  const uint32_t base = static_cast<uint32_t>(__cvta_generic_to_shared(memory));

  auto stage = [](int b) { return b & (STAGES - 1); };
  auto lap = [](int b) { return (uint32_t)(b / STAGES) & 1; };
  // keys (part 1) or values (part 2) of block b
  auto fetch = [&](int part, int b) {
    uint32_t there = base + (part == 1 ? KEYS_THERE : VALUES_THERE) + 8 * stage(b);
    expect(there, BLOCK);
    copy(base + (part == 1 ? KEYS_AT : VALUES_AT) + BLOCK * stage(b), &map, part * hidden + blockIdx.x * HEAD, tile.z + b * KEYS, there);
  };

  if (threadIdx.x == 0) {
    initialise(base + QUERIES_THERE, 1);
    for (int i = 0; i < STAGES; i++) {
      initialise(base + KEYS_THERE + 8 * i, 1), initialise(base + VALUES_THERE + 8 * i, 1);
      initialise(base + KEYS_READ + 8 * i, 4 * groups), initialise(base + VALUES_READ + 8 * i, 4 * groups);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    expect(base + QUERIES_THERE, groups * ROWS * ROW);
    for (int g = 0; g < groups; g++) copy(base + g * ROWS * ROW, &map, blockIdx.x * HEAD, tile.x + g * ROWS, base + QUERIES_THERE);
    for (int b = 0; b < min(STAGES, blocks); b++) fetch(1, b), fetch(2, b);
  }
  __syncthreads();
  if (group >= groups) return;

  const uint32_t queries = base + group * ROWS * ROW;
  const int first = warp * 16 + lane / 4;  // this thread's first row of the tile; the second is 8 further
  auto span = [&](int h) { return first + 8 * h < tile.y ? spans[tile.x + first + 8 * h] : make_int2(tile.z, tile.z + tile.w); };
  const int from = __reduce_max_sync(~0u, max(span(0).x, span(1).x)), to = __reduce_min_sync(~0u, min(span(0).y, span(1).y));

  float s[32], o[32] = {}, sum[2] = {};
  float reference[2] = {-1e30f, -1e30f};  // finite, so that what is masked is never infinity less infinity
  uint32_t even[16], odd[16];             // powers of a block of keys, as the second product reads them

  auto scores = [&](int b) {
    uint64_t q = matrix(queries), k = matrix(base + KEYS_AT + BLOCK * stage(b));
    start();
#pragma unroll
    for (int d = 0; d < HEAD / 16; d++) score(s, q + 2 * d, k + 2 * d, d > 0);
    commitProducts();
  };
  auto mixture = [&](int b, uint32_t (&p)[16]) {
    uint64_t v = matrix(base + VALUES_AT + BLOCK * stage(b));
    start();
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++) mix(o, p + 4 * j, v + 16 * ROW / 16 * j);
    commitProducts();
  };
  auto mask = [&](int b) {
    int key = tile.z + b * KEYS;
    if (key >= from && key + KEYS <= to) return;
    int2 seen[2] = {span(0), span(1)};
    key += (lane & 3) * 2;
    seen[0].x -= key, seen[0].y -= key, seen[1].x -= key, seen[1].y -= key;
#pragma unroll
    for (int i = 0; i < 32; i++) {
      int at = i / 4 * 8 + (i & 1), h = i >> 1 & 1;
      if (at < seen[h].x || at >= seen[h].y) s[i] = -INFINITY;
    }
  };
  auto powers = [&](uint32_t (&p)[16], float (&part)[2]) {
    part[0] = part[1] = 0;
#pragma unroll
    for (int i = 0; i < 32; i += 2) {
      int h = i >> 1 & 1;
      float x = power2(fmaf(s[i], scale, -reference[h])), y = power2(fmaf(s[i + 1], scale, -reference[h]));
      part[h] += x;
      part[h] += y;
      p[i / 2] = pack(x, y);
    }
  };
  // Softmax of a block. The reference becomes the greatest score of the first block that a row sees, and of another only when that has
  // scores so much greater that a power might not fit 16 bits.
  auto soften = [&](uint32_t (&p)[16], bool initial) {
    float part[2];
    bool over = initial;
    if (!initial) {
      powers(p, part);
      over = __any_sync(~0u, !(part[0] < 32768.f && part[1] < 32768.f));
    }
    if (over) {
      float top[2] = {fmaxf(s[0], s[1]), fmaxf(s[2], s[3])};
#pragma unroll
      for (int i = 4; i < 32; i += 4) {
        top[0] = fmaxf(top[0], fmaxf(s[i], s[i + 1]));
        top[1] = fmaxf(top[1], fmaxf(s[i + 2], s[i + 3]));
      }
      float shrink[2];
#pragma unroll
      for (int h = 0; h < 2; h++) {
        top[h] = fmaxf(top[h], __shfl_xor_sync(~0u, top[h], 1));
        top[h] = fmaxf(top[h], __shfl_xor_sync(~0u, top[h], 2));
        top[h] = fmaxf(top[h] * scale, reference[h]);
        shrink[h] = power2(reference[h] - top[h]);
        sum[h] *= shrink[h];
        reference[h] = top[h];
      }
      if (!initial) {
        finish<0>(o);
#pragma unroll
        for (int i = 0; i < 32; i++) o[i] *= shrink[i >> 1 & 1];
      }
      powers(p, part);
    }
    sum[0] += part[0], sum[1] += part[1];
  };
  auto read = [&](int which, int b) {
    if (lane == 0) arrive(base + which + 8 * stage(b));
  };

  // Block b's scores and powers, to p, and the mixture of the block before, from `before`.
  auto step = [&](int b, uint32_t (&before)[16], uint32_t (&p)[16]) {
    await(base + KEYS_THERE + 8 * stage(b), lap(b));
    scores(b);
    await(base + VALUES_THERE + 8 * stage(b - 1), lap(b - 1));
    mixture(b - 1, before);
    // Into the places of what the step before was done with, so that the other warpgroup is seldom waited for; each warpgroup fetches
    // one kind, since the time it takes is lost to its softmax.
    if (threadIdx.x == 0) {
      int k = b - 1;
      if (k + STAGES < blocks) await(base + KEYS_READ + 8 * stage(k), lap(k)), fetch(1, k + STAGES);
    }
    if (threadIdx.x == 128 * (groups - 1)) {
      int v = b - 2;
      if (v >= 0 && v + STAGES < blocks) await(base + VALUES_READ + 8 * stage(v), lap(v)), fetch(2, v + STAGES);
    }
    __syncwarp();
    finish<1>(s);
    read(KEYS_READ, b);
    mask(b);
    soften(p, false);
    finish<0>(o);
    finish(before);
    read(VALUES_READ, b - 1);
  };

  await(base + QUERIES_THERE, 0);
  await(base + KEYS_THERE, 0);
  scores(0);
  finish<0>(s);
  read(KEYS_READ, 0);
  mask(0);
  soften(even, true);
  int b = 1;
  for (; b + 1 < blocks; b += 2) {
    step(b, even, odd);
    step(b + 1, odd, even);
  }
  if (b < blocks) {
    step(b, even, odd);
#pragma unroll
    for (int i = 0; i < 16; i++) even[i] = odd[i];
  }
  await(base + VALUES_THERE + 8 * stage(blocks - 1), lap(blocks - 1));
  mixture(blocks - 1, even);

#pragma unroll
  for (int h = 0; h < 2; h++) {
    sum[h] += __shfl_xor_sync(~0u, sum[h], 1);
    sum[h] += __shfl_xor_sync(~0u, sum[h], 2);
    sum[h] = sum[h] > 0 ? 1.f / sum[h] : 0.f;
  }
  finish<0>(o);
  // Through the place of the queries, which the whole warpgroup is done with, so that rows are written whole.
  asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory");
  const uint32_t mine = base + warp * 16 * ROW;
#pragma unroll
  for (int i = 0; i < 32; i += 2) {
    int h = i >> 1 & 1;
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(place(mine, lane / 4 + 8 * h, i / 4) + (lane & 3) * 4),
                 "r"(pack(o[i] * sum[h], o[i + 1] * sum[h])) : "memory");
  }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int row = i * 4 + lane / 8;
    uint4 x;
    asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w) : "r"(place(mine, row, lane & 7)) : "memory");
    if (warp * 16 + row < tile.y)
      *reinterpret_cast<uint4*>(out + (size_t)(tile.x + warp * 16 + row) * hidden + blockIdx.x * HEAD + (lane & 7) * 8) = x;
  }
}
