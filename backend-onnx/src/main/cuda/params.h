// What the host and the kernels must agree on: sizes, and the structs that kernels take by value. Written once, for C (luciole.c) and
// for CUDA C++ (*.cu); both compilers check every offset. Pointers are device addresses unless a comment says otherwise.
#ifndef LUCIOLE_PARAMS_H
#define LUCIOLE_PARAMS_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#include <cuda_fp16.h>
#define LUCIOLE_POINTER(type) type*
#define LUCIOLE_STATIC_ASSERT static_assert
#define LUCIOLE_ALIGNED(bytes) alignas(bytes)
#else
typedef uint64_t CUdeviceptr;  // an address on the device, as in NVIDIA's cuda.h
#define LUCIOLE_POINTER(type) CUdeviceptr
#define LUCIOLE_STATIC_ASSERT _Static_assert
#define LUCIOLE_ALIGNED(bytes) _Alignas(bytes)
#endif
#define LUCIOLE_SIZE(type, bytes) LUCIOLE_STATIC_ASSERT(sizeof(type) == bytes, "size of " #type)
#define LUCIOLE_OFFSET(type, field, bytes) LUCIOLE_STATIC_ASSERT(offsetof(type, field) == bytes, "offset of " #type "." #field)

enum { HEAD_SIZE = 64, SMALL_HEAD_SIZE = 32 };  // components of an attention head; attention of encoder.cu, fp8.cu and hopper.cu has both, the others the first

// The activation between the two products of the feed-forward layer. The same numbers as in CudaEncoder.java.
enum Activation { ACTIVATION_GELU = 0, ACTIVATION_GELU_TANH = 1, ACTIVATION_RELU = 2 };

// ---- small_batch.cu
enum {
  SMALL_BATCH_HIDDEN = 1024,
  SMALL_BATCH_INNER = 4096,
  SMALL_BATCH_ROWS = 32,      // the most tokens of a batch
  SMALL_BATCH_BLOCKS = 128,   // of every kernel but fold_layernorm
  SMALL_BATCH_THREADS = 256   // of a block
};

// ---- medium_batch.cu
enum {
  MEDIUM_BATCH_HIDDEN = 1024,
  MEDIUM_BATCH_INNER = 4096,
  MEDIUM_BATCH_ROWS = 128,     // the most tokens of a batch, which has 64 or 128
  MEDIUM_BATCH_THREADS = 192,  // of a block
  MEDIUM_NORM_ROWS = 4         // of a block of medium_layer_norm
};
// The products of a layer over 64 and over 128 tokens, as
//   P(name, tokens, kind, K, parts, slots, stages, memory)
// K is cut into so many parts, a block each of a cluster, and those into steps of 64 components. Of the steps, so many have their weights (slots) and
// their x (stages) in shared memory at once. A block has so much shared memory, in bytes: more than it needs where two of a kernel's would meet on
// a multiprocessor while others idle, and little enough for the next kernel's beside it, where that is faster. Measured: docs/experiments/gpu-small-batches.md.
#define MEDIUM_BATCH_PRODUCTS(P)                                       \
  P(qkv, 64, normalised, MEDIUM_BATCH_HIDDEN, 2, 7, 6, 120000)         \
  P(out, 64, residual, MEDIUM_BATCH_HIDDEN, 8, 2, 2, 48500)            \
  P(up, 64, activated, MEDIUM_BATCH_HIDDEN, 2, 7, 6, 120000)           \
  P(down, 64, residual, MEDIUM_BATCH_INNER, 8, 7, 4, 105800)           \
  P(qkv, 128, normalised, MEDIUM_BATCH_HIDDEN, 1, 8, 8, 140000)        \
  P(out, 128, residual, MEDIUM_BATCH_HIDDEN, 4, 4, 4, 80000)           \
  P(up, 128, activated, MEDIUM_BATCH_HIDDEN, 1, 8, 7, 124300)          \
  P(down, 128, residual, MEDIUM_BATCH_INNER, 4, 7, 4, 103900)

// ---- large_batch.cu
enum {
  LARGE_BATCH_HIDDEN = 1024,
  LARGE_BATCH_INNER = 4096,
  LARGE_BATCH_ROWS = 512,     // the most tokens of a batch
  LARGE_BATCH_TILES = 4,      // of tokens, a block each
  LARGE_BATCH_OUTPUTS = 128,  // of a block
  LARGE_BATCH_CLUSTER = 2,    // blocks of a cluster
  LARGE_BATCH_THREADS = 288,  // of a block
  LARGE_BATCH_PARTS = 4,      // of K, of large_part
  LARGE_SUM_THREADS = 128     // of a block of large_sum, which has a token
};
// Steps of a block that are in shared memory at once, where a block has so many tokens, and that memory in bytes: too much for two blocks on a
// multiprocessor, which would share one while others idle, and little enough for a block of attention beside one.
#define LARGE_BATCH_STAGES(tokens) ((tokens) <= 96 ? 6 : 5)
#define LARGE_BATCH_SHARED_MEMORY(tokens) (LARGE_BATCH_STAGES(tokens) * ((128 + (tokens)) * 128 + 16))

// ---- hopper.cu
enum { HOPPER_THREADS = 256, HOPPER_SHARED_MEMORY = 81992, HOPPER_SMALL_HEAD_SHARED_MEMORY = 41032 };

// CUtensorMap: describes qkv [T, 3H] to the tensor memory accelerator (TMA).
typedef struct TensorMap {
  LUCIOLE_ALIGNED(64) uint64_t opaque[16];
} TensorMap;
LUCIOLE_SIZE(TensorMap, 128);

// ---- encoder.cu
// Layer normalisation: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.
typedef struct LayerNorm {
  LUCIOLE_POINTER(const __half) gamma;  // [H]
  LUCIOLE_POINTER(const __half) beta;   // [H]
  float epsilon;
} LayerNorm;
LUCIOLE_SIZE(LayerNorm, 24);
LUCIOLE_OFFSET(LayerNorm, gamma, 0);
LUCIOLE_OFFSET(LayerNorm, beta, 8);
LUCIOLE_OFFSET(LayerNorm, epsilon, 16);

// A batch as the host hands it over, in mapped memory of the host. A token is its id, its row of the position table, and where its text
// starts and ends; a tile is described in CudaTiles.java. On the device `*_filled` of either are written: the batch's, then zeros.
typedef struct Batch {
  LUCIOLE_POINTER(const int4) tokens;  // [token_count]
  LUCIOLE_POINTER(const int4) tiles;   // [tile_count]
  int token_count, tokens_filled, tile_count, tiles_filled;
} Batch;
LUCIOLE_SIZE(Batch, 32);
LUCIOLE_OFFSET(Batch, tokens, 0);
LUCIOLE_OFFSET(Batch, tiles, 8);
LUCIOLE_OFFSET(Batch, token_count, 16);
LUCIOLE_OFFSET(Batch, tokens_filled, 20);
LUCIOLE_OFFSET(Batch, tile_count, 24);
LUCIOLE_OFFSET(Batch, tiles_filled, 28);

// What leaves the encoder, all of the last normalised states. Null for what is not wanted.
typedef struct OutputHeads {
  LUCIOLE_POINTER(__half) states;               // [token_count, H]
  LUCIOLE_POINTER(const __half) sparse_weight;  // [H]
  LUCIOLE_POINTER(const __half) sparse_bias;    // [1]
  LUCIOLE_POINTER(float) sparse;                // [token_count] = relu(states · sparse_weight + sparse_bias)
  LUCIOLE_POINTER(const int64_t) rows;          // [text_count] the token whose state is a text's vector
  LUCIOLE_POINTER(float) dense;                 // [text_count, H] = states of `rows`
  int token_count;                              // 0 where neither states nor sparse are wanted
  int text_count;
} OutputHeads;
LUCIOLE_SIZE(OutputHeads, 56);
LUCIOLE_OFFSET(OutputHeads, states, 0);
LUCIOLE_OFFSET(OutputHeads, sparse_weight, 8);
LUCIOLE_OFFSET(OutputHeads, sparse_bias, 16);
LUCIOLE_OFFSET(OutputHeads, sparse, 24);
LUCIOLE_OFFSET(OutputHeads, rows, 32);
LUCIOLE_OFFSET(OutputHeads, dense, 40);
LUCIOLE_OFFSET(OutputHeads, token_count, 48);
LUCIOLE_OFFSET(OutputHeads, text_count, 52);

// The arguments of attn_qkv, attn_out, ffn_up and ffn_down of small_batch.cu. M is the kernel's number of rows: 16, 24 or 32.
typedef struct SmallBatchParams {
  LUCIOLE_POINTER(const __half) x;         // [M, K] the input of the product
  LUCIOLE_POINTER(const __half) weight;    // [N, K]
  LUCIOLE_POINTER(const float2) folded;    // attn_qkv, ffn_up [N]: W·gamma, W·beta + b; made by fold_layernorm
  LUCIOLE_POINTER(const __half) bias;      // attn_out, ffn_down [N]
  LUCIOLE_POINTER(const __half) gamma;     // [H] attn_qkv, ffn_up: of x; attn_out, ffn_down: of the residual; null: not to be normalised
  LUCIOLE_POINTER(const __half) beta;      // [H] attn_out, ffn_down: of the residual
  LUCIOLE_POINTER(float2) mean_rstd;       // [M] mean and reciprocal standard deviation: written by attn_qkv, ffn_up; read by the others
  LUCIOLE_POINTER(const __half) residual;  // attn_out, ffn_down [M, N]
  LUCIOLE_POINTER(const int2) spans;       // attn_qkv [M]: the rows that a row attends to: from, to
  LUCIOLE_POINTER(__half) y;               // [M, N]; attn_qkv: [M, H]
  int rows;                                // computed, a multiple of 8
  int activation;                          // ffn_up: an Activation
  float epsilon;
} SmallBatchParams;
LUCIOLE_SIZE(SmallBatchParams, 96);
LUCIOLE_OFFSET(SmallBatchParams, x, 0);
LUCIOLE_OFFSET(SmallBatchParams, weight, 8);
LUCIOLE_OFFSET(SmallBatchParams, folded, 16);
LUCIOLE_OFFSET(SmallBatchParams, bias, 24);
LUCIOLE_OFFSET(SmallBatchParams, gamma, 32);
LUCIOLE_OFFSET(SmallBatchParams, beta, 40);
LUCIOLE_OFFSET(SmallBatchParams, mean_rstd, 48);
LUCIOLE_OFFSET(SmallBatchParams, residual, 56);
LUCIOLE_OFFSET(SmallBatchParams, spans, 64);
LUCIOLE_OFFSET(SmallBatchParams, y, 72);
LUCIOLE_OFFSET(SmallBatchParams, rows, 80);
LUCIOLE_OFFSET(SmallBatchParams, activation, 84);
LUCIOLE_OFFSET(SmallBatchParams, epsilon, 88);

// The arguments of medium_qkv_T, medium_out_T, medium_up_T and medium_down_T of medium_batch.cu, besides maps of the weights and of x. All T rows
// are computed.
typedef struct MediumBatchParams {
  LUCIOLE_POINTER(const float2) folded;      // medium_qkv, medium_up [N]: W·gamma, W·beta + b; made by fold_layernorm
  LUCIOLE_POINTER(const __half) bias;        // medium_out, medium_down [H]
  LUCIOLE_POINTER(const __half) gamma;       // [H] of the residual
  LUCIOLE_POINTER(const __half) beta;        // [H] of the residual
  LUCIOLE_POINTER(const float2) moments;     // [H/64, T] of x, or of the residual: sums, and sums of squares, of 64
                                             // components each; null: not to be normalised
  LUCIOLE_POINTER(const __half) residual;    // medium_out, medium_down [T, H]
  LUCIOLE_POINTER(__half) y;                 // [T, N]
  LUCIOLE_POINTER(const __half) next_gamma;  // medium_out, medium_down [H]: of the layer normalisation of y
  LUCIOLE_POINTER(__half) scaled;            // medium_out, medium_down [T, H]: next_gamma∘y
  LUCIOLE_POINTER(float2) next_moments;      // medium_out, medium_down [H/64, T]: of y
  int outputs;                               // medium_qkv, medium_up: N
  int activation;                            // medium_up: an Activation
  float epsilon;
} MediumBatchParams;
LUCIOLE_SIZE(MediumBatchParams, 96);
LUCIOLE_OFFSET(MediumBatchParams, folded, 0);
LUCIOLE_OFFSET(MediumBatchParams, bias, 8);
LUCIOLE_OFFSET(MediumBatchParams, gamma, 16);
LUCIOLE_OFFSET(MediumBatchParams, beta, 24);
LUCIOLE_OFFSET(MediumBatchParams, moments, 32);
LUCIOLE_OFFSET(MediumBatchParams, residual, 40);
LUCIOLE_OFFSET(MediumBatchParams, y, 48);
LUCIOLE_OFFSET(MediumBatchParams, next_gamma, 56);
LUCIOLE_OFFSET(MediumBatchParams, scaled, 64);
LUCIOLE_OFFSET(MediumBatchParams, next_moments, 72);
LUCIOLE_OFFSET(MediumBatchParams, outputs, 80);
LUCIOLE_OFFSET(MediumBatchParams, activation, 84);
LUCIOLE_OFFSET(MediumBatchParams, epsilon, 88);

// The arguments of large_bias_T, large_activated_T and large_part_T of large_batch.cu, besides maps of the weights and of x.
typedef struct LargeBatchParams {
  LUCIOLE_POINTER(const __half) bias;  // large_bias, large_activated [N]
  LUCIOLE_POINTER(__half) y;           // large_bias, large_activated [tokens, N]
  LUCIOLE_POINTER(float) parts;        // large_part [LARGE_BATCH_PARTS, tokens, N]
  int outputs;                         // N
  int chunks;                          // 64 components of K each, that a block has
  int activation;                      // large_activated: an Activation
} LargeBatchParams;
LUCIOLE_SIZE(LargeBatchParams, 40);
LUCIOLE_OFFSET(LargeBatchParams, bias, 0);
LUCIOLE_OFFSET(LargeBatchParams, y, 8);
LUCIOLE_OFFSET(LargeBatchParams, parts, 16);
LUCIOLE_OFFSET(LargeBatchParams, outputs, 24);
LUCIOLE_OFFSET(LargeBatchParams, chunks, 28);
LUCIOLE_OFFSET(LargeBatchParams, activation, 32);
#endif
