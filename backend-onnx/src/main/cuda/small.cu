// The kernels of batches of up to 32 tokens (one query, mostly) for encoders of XLM-RoBERTa large's size, where reading the weights is
// all the work. Four kernels a layer, so that there is little between them; a block asks for its weights before it waits for the kernel
// before it (programmatic dependent launch, compute capability 9.0 or later), so that the device's memory does not pause there.
// Compiled to small.ptx by make-ptx.sh.
//
// A layer's input is the sum before its normalisation. That is not computed but taken account of:
//   W·norm(x) + b = r·(W·(g∘x) - m·(W·g)) + (W·s + b)     m, r: mean and reciprocal deviation of x; g, s: gain and shift
// with W·g and W·s + b from the kernel `fold`, and m and r from the same matrix instructions as the product.
#include "common.cuh"

namespace {

constexpr int HIDDEN = 1024;
constexpr int INNER = 4096;
constexpr int SPLIT = 8;    // warps of a block; each takes its part of the sum
constexpr int PART = 32;    // components that a warp takes at a time: 8 of each thread's, a row of 4 threads

__device__ __forceinline__ void prefetch16(uint32_t to, const void* from) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(from));
}
__device__ __forceinline__ uint4 read16(uint32_t from) {
  uint4 r;
  asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(r.x), "=r"(r.y), "=r"(r.z), "=r"(r.w) : "r"(from));
  return r;
}

// ---- Clusters: blocks that see each other's shared memory.
__device__ __forceinline__ uint32_t rank() {
  uint32_t r;
  asm("mov.u32 %0, %cluster_ctarank;" : "=r"(r));
  return r;
}
// What others send arrives at a barrier of this block's, which it names by the address of its own.
__device__ __forceinline__ void expect(uint32_t barrier, int bytes) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(barrier));
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
__device__ __forceinline__ void arrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
__device__ __forceinline__ void meet() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
__device__ __forceinline__ uint32_t in(uint32_t block, uint32_t at) {
  uint32_t there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(at), "r"(block));
  return there;
}
__device__ __forceinline__ void send(uint32_t block, uint32_t to, uint32_t barrier, uint32_t value) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(in(block, to)), "r"(value),
               "r"(in(block, barrier)) : "memory");
}
__device__ __forceinline__ void send(uint32_t block, uint32_t to, uint32_t barrier, float2 value) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 [%0], {%1,%2}, [%3];" ::"r"(in(block, to)),
               "f"(value.x), "f"(value.y), "r"(in(block, barrier)) : "memory");
}
__device__ __forceinline__ void receive(uint32_t barrier) {
  uint32_t done = 0;
  while (!done) {
    asm volatile(
        "{.reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0; selp.u32 %0, 1, 0, p;}"
        : "=r"(done) : "r"(barrier) : "memory");
  }
}

__device__ __forceinline__ uint32_t times(uint32_t a, uint32_t b) {
  __half2 r = __hmul2(*reinterpret_cast<__half2*>(&a), *reinterpret_cast<__half2*>(&b));
  return *reinterpret_cast<uint32_t*>(&r);
}

enum Activation { GELU, GELU_TANH, RELU };
__device__ __forceinline__ float activate(float x, int activation) {
  switch (activation) {
    case GELU: return 0.5f * x * (1 + erff(x * 0.70710678f));
    case GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    default: return fmaxf(x, 0);
  }
}

// What a kernel reads and writes; states have 16·MT rows, of which the first `rows`, a multiple of 8, are computed.
struct Arguments {
  const __half *x, *weight;
  const float2* folded;          // ATTEND, ENTER [outputs]: W·g, W·s + b
  const __half* bias;            // LEAVE, BACK
  const __half *gain, *shift;    // of x where that is to be normalised, else null; LEAVE, BACK: of the residual
  float2* moments;               // [16·MT] mean and reciprocal deviation: ATTEND and ENTER write what LEAVE and BACK read for theirs
  const __half* residual;        // LEAVE, BACK
  const int2* spans;             // ATTEND [16·MT]: the rows that a row sees: from, to
  __half* y;
  int rows, activation;
  float epsilon;
};

// Where the sums of a warp and row begin: rows that a half of a warp writes at once lie in different banks.
template <int MT, int N8>
__device__ __forceinline__ int sums(int warp, int row) {
  return (warp * 16 * MT + row) * (N8 == 4 ? 40 : 8 * N8);
}

// ATTEND: query, key and value, and attention with them. LEAVE: what follows attention. ENTER, BACK: into the inner size and back.
enum Kind { ATTEND, LEAVE, ENTER, BACK };

// A product of 8·HEIGHT rows, MT times 16 to the matrix instructions, with 8·N8 outputs a block. The order in which components are added up is free, so that thread c of a row's
// four takes components 8c…8c+7 of every 32 from both sides, 16 bytes at a time, and no operand needs a detour: weights wait in shared
// memory at places that only the thread which reads them writes.
// ATTEND: a cluster has a head, a block 8 of its components. BACK: a cluster has 32 outputs, a block a quarter of what is added up.
template <int HEIGHT, Kind KIND>
__device__ __forceinline__ void product(const Arguments& p) {
  constexpr int MT = (HEIGHT + 1) / 2;
  constexpr bool NORMAL = KIND == ATTEND || KIND == ENTER;  // x is normalised, else the residual
  constexpr int N8 = KIND == ATTEND ? 3 : KIND == LEAVE ? 1 : 4, K = KIND == BACK ? INNER : HIDDEN;
  constexpr int CLUSTER = KIND == ATTEND ? HEAD / 8 : KIND == BACK ? INNER / HIDDEN : 1, PARTS = 1024 / PART / SPLIT;
  constexpr int ROWS = 16 * MT, PAIRS = ROWS * 4 * N8, ROUNDS = (PAIRS + SPLIT * 32 - 1) / (SPLIT * 32);
  constexpr int SLICE = 3 * ROWS * 4 + 4;  // ATTEND: words of 8 components of a head, and some that keep them in different banks
  extern __shared__ __align__(128) char memory[];
  __shared__ float moments[2][SPLIT][ROWS];
  __shared__ __align__(16) uint32_t received[KIND == ATTEND ? CLUSTER * SLICE : KIND == BACK ? CLUSTER * ROWS * 8 : 4];
  __shared__ __align__(8) uint64_t barrier;
  float* all = reinterpret_cast<float*>(memory);
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, row = lane >> 2;
  int block = CLUSTER == 1 ? 0 : rank(), group = blockIdx.x / CLUSTER;
  int first = (warp + (KIND == BACK ? block * SPLIT : 0)) * PARTS * PART + (lane & 3) * 8;
  // The first output of this block's tile j.
  auto output = [&](int j) { return KIND == ATTEND ? j * HIDDEN + group * HEAD + block * 8 : (group * N8 + j) * 8; };

  uint32_t weights = shared(memory) + (warp * PARTS * N8 * 32 + lane) * 16;
#pragma unroll
  for (int i = 0; i < PARTS; i++)
#pragma unroll
    for (int j = 0; j < N8; j++)
      prefetch16(weights + (i * N8 + j) * 512, p.weight + (size_t)(output(j) + row) * K + first + i * PART);
  __shared__ __align__(16) uint4 gains[NORMAL ? HIDDEN / 8 : 1];  // of x; a warp's part of them by itself
  if (NORMAL && p.gain && lane < PARTS * 4) prefetch16(shared(gains + warp * PARTS * 4 + lane), p.gain + (warp * PARTS * 4 + lane) * 8);
  commit();
  if (CLUSTER > 1) {
    if (threadIdx.x == 0) expect(shared(&barrier), KIND == ATTEND ? CLUSTER * 3 * ROWS * 16 : CLUSTER * ROWS * 32);
    __syncthreads();
    arrive();
  }
  // What else is known beforehand: of outputs what is added to them. A thread's pairs of outputs are tile, line, column.
  float4 folded[NORMAL ? ROUNDS : 1];
  auto tile = [&](int t) { return (threadIdx.x + t * SPLIT * 32) / (ROWS * 4); };
  auto line = [&](int t) { return (threadIdx.x + t * SPLIT * 32) / 4 % ROWS; };
  int column = threadIdx.x % 4 * 2;
  int last = KIND == BACK ? group * 32 + block * 8 + column : group * 8 + column;  // LEAVE, BACK: the first of the two outputs stored
  bool stores = threadIdx.x < ROWS * 4 && line(0) < p.rows;
  float2 bias = {0, 0}, residualGain = {1, 1}, residualShift = {0, 0}, residual = {0, 0}, moment = {0, 1};
  if (NORMAL) {
#pragma unroll
    for (int t = 0; t < ROUNDS; t++)
      if (tile(t) < N8) folded[t] = *reinterpret_cast<const float4*>(p.folded + output(tile(t)) + column);
  } else if (stores) {
    bias = __half22float2(*reinterpret_cast<const __half2*>(p.bias + last));
    if (p.gain) {
      residualGain = __half22float2(*reinterpret_cast<const __half2*>(p.gain + last));
      residualShift = __half22float2(*reinterpret_cast<const __half2*>(p.shift + last));
    }
  }
  asm volatile("griddepcontrol.launch_dependents;");  // at once: asked for later, the next weights come too late
  asm volatile("griddepcontrol.wait;" ::: "memory");

  uint4 a[MT][2][PARTS];
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int i = 0; i < PARTS; i++) {
        int at = m * 16 + h * 8;
        a[m][h][i] = 2 * m + h < HEIGHT && at < p.rows ? *reinterpret_cast<const uint4*>(p.x + (size_t)(at + row) * K + first + i * PART) : uint4{0, 0, 0, 0};
      }
  if (!NORMAL && stores) {
    residual = __half22float2(*reinterpret_cast<const __half2*>(p.residual + (size_t)line(0) * HIDDEN + last));
    if (p.gain) moment = p.moments[line(0)];
  }
  wait<0>();
  if (NORMAL) __syncwarp();
  float sum[MT][N8][4] = {}, total[MT][4] = {}, squares[MT][2][4] = {};
#pragma unroll
  for (int i = 0; i < PARTS; i++) {
    if (NORMAL && p.gain) {
      uint4 gain = gains[(warp * PARTS + i) * 4 + (lane & 3)];
#pragma unroll
      for (int m = 0; m < MT; m++) {
        uint4 &u = a[m][0][i], &v = a[m][1][i];
        constexpr uint32_t ones = 0x3c003c00;
        multiply(total[m], {u.x, v.x, u.y, v.y}, ones, ones);
        multiply(total[m], {u.z, v.z, u.w, v.w}, ones, ones);
        // A row by itself is on the diagonal of the rows by the rows.
        multiply(squares[m][0], {u.x, v.x, u.y, v.y}, u.x, u.y);
        multiply(squares[m][0], {u.z, v.z, u.w, v.w}, u.z, u.w);
        if (2 * m + 1 < HEIGHT) {
          multiply(squares[m][1], {u.x, v.x, u.y, v.y}, v.x, v.y);
          multiply(squares[m][1], {u.z, v.z, u.w, v.w}, v.z, v.w);
        }
        u = {times(u.x, gain.x), times(u.y, gain.y), times(u.z, gain.z), times(u.w, gain.w)};
        if (2 * m + 1 < HEIGHT) v = {times(v.x, gain.x), times(v.y, gain.y), times(v.z, gain.z), times(v.w, gain.w)};
      }
    }
#pragma unroll
    for (int j = 0; j < N8; j++) {
      uint4 b = read16(weights + (i * N8 + j) * 512);
#pragma unroll
      for (int m = 0; m < MT; m++) {
        uint4 u = a[m][0][i], v = a[m][1][i];
        multiply(sum[m][j], {u.x, v.x, u.y, v.y}, b.x, b.y);
        multiply(sum[m][j], {u.z, v.z, u.w, v.w}, b.z, b.w);
      }
    }
  }

  __syncthreads();  // the weights have been read
#pragma unroll
  for (int m = 0; m < MT; m++) {
#pragma unroll
    for (int j = 0; j < N8; j++) {
      int at = j * 8 + (lane & 3) * 2;
      *reinterpret_cast<float2*>(all + sums<MT, N8>(warp, m * 16 + row) + at) = {sum[m][j][0], sum[m][j][1]};
      *reinterpret_cast<float2*>(all + sums<MT, N8>(warp, m * 16 + 8 + row) + at) = {sum[m][j][2], sum[m][j][3]};
    }
    if (NORMAL && (lane & 3) == row >> 1) {
      moments[0][warp][m * 16 + row] = total[m][0];
      moments[0][warp][m * 16 + 8 + row] = total[m][2];
      moments[1][warp][m * 16 + row] = row & 1 ? squares[m][0][1] : squares[m][0][0];
      moments[1][warp][m * 16 + 8 + row] = row & 1 ? squares[m][1][3] : squares[m][1][2];
    }
  }
  __syncthreads();
  if (CLUSTER > 1) meet();  // all blocks have begun, and expect
#pragma unroll
  for (int t = 0; t < ROUNDS; t++) {
    if (tile(t) < N8) {
      float2 u = {0, 0};
#pragma unroll
      for (int w = 0; w < SPLIT; w++) {
        float2 s = *reinterpret_cast<const float2*>(all + sums<MT, N8>(w, line(t)) + tile(t) * 8 + column);
        u = {u.x + s.x, u.y + s.y};
      }
      if (NORMAL) {
        float mean = 0, inverse = 1;
        if (p.gain) {
          float square = 0;
#pragma unroll
          for (int w = 0; w < SPLIT; w++) {
            mean += moments[0][w][line(t)];
            square += moments[1][w][line(t)];
          }
          mean /= HIDDEN;
          inverse = rsqrtf(fmaxf(square / HIDDEN - mean * mean, 0) + p.epsilon);
          if (blockIdx.x == 0 && tile(t) == 0 && column == 0) p.moments[line(t)] = {mean, inverse};
        }
        u = {inverse * (u.x - mean * folded[t].x) + folded[t].y, inverse * (u.y - mean * folded[t].z) + folded[t].w};
      }
      if (KIND == ATTEND) {
        uint32_t both = pack(u.x, u.y), to = shared(received + block * SLICE + (tile(t) * ROWS + line(t)) * 4 + column / 2);
#pragma unroll
        for (int c = 0; c < CLUSTER; c++) send(c, to, shared(&barrier), both);
      } else if (KIND == BACK) {  // each block of the cluster adds up one of the four tiles
        send(tile(t), shared(received + (block * ROWS + line(t)) * 8 + column), shared(&barrier), u);
      } else if (KIND == ENTER) {
        *reinterpret_cast<__half2*>(p.y + (size_t)line(t) * INNER + output(tile(t)) + column) =
            __floats2half2_rn(activate(u.x, p.activation), activate(u.y, p.activation));
      } else {
        bias = {bias.x + u.x, bias.y + u.y};
      }
    }
  }
  if (CLUSTER > 1) receive(shared(&barrier));

  if (!NORMAL && stores) {
    if (KIND == BACK) {
#pragma unroll
      for (int c = 0; c < CLUSTER; c++) {
        float2 s = *reinterpret_cast<const float2*>(received + (c * ROWS + line(0)) * 8 + column);
        bias = {bias.x + s.x, bias.y + s.y};
      }
    }
    float2 u = {(residual.x - moment.x) * moment.y * residualGain.x + residualShift.x + bias.x,
                (residual.y - moment.x) * moment.y * residualGain.y + residualShift.y + bias.y};
    *reinterpret_cast<__half2*>(p.y + (size_t)line(0) * HIDDEN + last) = __floats2half2_rn(u.x, u.y);
  }

  int query = block + 8 * warp;
  if (KIND == ATTEND && query < p.rows) {  // each block attends with every eighth row, a warp a row
    int2 span = p.spans[query];
    int seen = span.y - span.x;  // up to 32
    const uint4* head = reinterpret_cast<const uint4*>(received);  // [8] slices of 8 components, of each [3·ROWS] and one unused
    float score = -INFINITY;
    if (lane < seen) {
      float s = 0;
#pragma unroll
      for (int c = 0; c < CLUSTER; c++) {
        uint4 x = head[c * (SLICE / 4) + query], y = head[c * (SLICE / 4) + ROWS + span.x + lane];
        const __half2 *xp = reinterpret_cast<const __half2*>(&x), *yp = reinterpret_cast<const __half2*>(&y);
#pragma unroll
        for (int e = 0; e < 4; e++) {
          float2 f = __half22float2(xp[e]), g = __half22float2(yp[e]);
          s = fmaf(f.x, g.x, fmaf(f.y, g.y, s));
        }
      }
      score = s * (0.125f * 1.44269504f);  // 1/sqrt(64), for powers of 2
    }
    float most = score;
#pragma unroll
    for (int d = 16; d > 0; d /= 2) most = fmaxf(most, __shfl_xor_sync(~0u, most, d));
    score = power2(score - most);
    float whole = score;
#pragma unroll
    for (int d = 16; d > 0; d /= 2) whole += __shfl_xor_sync(~0u, whole, d);
    const uint32_t* values = received + lane / 4 * SLICE + (2 * ROWS + span.x) * 4 + lane % 4;
    float2 o = {0, 0};
#pragma unroll 8
    for (int key = 0; key < seen; key++) {
      float share = __shfl_sync(~0u, score, key);
      float2 v = __half22float2(*reinterpret_cast<const __half2*>(values + key * 4));
      o = {fmaf(share, v.x, o.x), fmaf(share, v.y, o.y)};
    }
    if (seen > 0)
      reinterpret_cast<__half2*>(p.y + (size_t)query * HIDDEN + group * HEAD)[lane] = __floats2half2_rn(o.x / whole, o.y / whole);
  }
}

}  // namespace

// Two blocks fit a multiprocessor, so that the next kernel's can wait there.
#define KERNEL(NAME, HEIGHT, KIND, CLUSTER)                                                                                    \
  extern "C" __global__ void __cluster_dims__(CLUSTER) __launch_bounds__(SPLIT * 32, 2)                              \
      NAME##_##HEIGHT(const __grid_constant__ Arguments p) {                                                                    \
    product<HEIGHT, KIND>(p);                                                                                                  \
  }
#define KERNELS(HEIGHT) \
  KERNEL(attend, HEIGHT, ATTEND, 8) KERNEL(leave, HEIGHT, LEAVE, 1) KERNEL(enter, HEIGHT, ENTER, 1) KERNEL(back, HEIGHT, BACK, 4)
KERNELS(2)
KERNELS(3)  // by itself: rows known to be absent take no registers, of which 32 rows need all there are
KERNELS(4)

// folded[o] = W·g, W·s + b, a warp an output. Without a gain there is nothing to take account of: 0, b.
extern "C" __global__ void __launch_bounds__(256) fold(const __half* weight, const __half* bias, const __half* gain, const __half* shift,
                                                       float2* folded, int outputs) {
  int o = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x & 31;
  if (o >= outputs) return;
  float g = 0, s = 0;
  for (int i = lane; gain && i < HIDDEN; i += 32) {
    float w = __half2float(weight[(size_t)o * HIDDEN + i]);
    g = fmaf(w, __half2float(gain[i]), g);
    s = fmaf(w, __half2float(shift[i]), s);
  }
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    g += __shfl_xor_sync(~0u, g, d);
    s += __shfl_xor_sync(~0u, s, d);
  }
  if (lane == 0) folded[o] = {g, s + __half2float(bias[o])};
}
