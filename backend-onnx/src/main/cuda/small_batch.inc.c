// Part of luciole.c.
// ---- The kernels of small_batch.cu, where the device and its driver have what they need.
enum { ATTN_QKV, ATTN_OUT, FFN_UP, FFN_DOWN, SMALL_BATCH_KERNELS, SMALL_BATCH_HEIGHTS = 3 };  // of a layer, each for 16, 24 and 32 rows

typedef struct {
  void *module, *fold_layernorm;  // null where there are none
  void* kernel[SMALL_BATCH_KERNELS][SMALL_BATCH_HEIGHTS];
} SmallBatch;

EMBED(small_batch_ptx, "ptx/small_batch.ptx")

static int small_batch_height(int rows) { return rows <= 16 ? 0 : rows <= 24 ? 1 : 2; }

// Dynamic shared memory of a block in bytes: its weights, and later the partial sums of its warps.
static unsigned small_batch_shared_memory(int kind, int height) {
  static const unsigned WEIGHTS_BYTES[] = {48 << 10, 16 << 10, 64 << 10, 64 << 10};
  unsigned sums = 8 * (height ? 32u : 16u) * 4 * (kind == ATTN_QKV ? 24 : kind == ATTN_OUT ? 8 : 40);
  return sums > WEIGHTS_BYTES[kind] ? sums : WEIGHTS_BYTES[kind];
}

// Never fails: without them, batches of up to 32 tokens run as others do.
static void small_batch_load(SmallBatch* p) {
  static const char* const NAMES[] = {"attn_qkv", "attn_out", "ffn_up", "ffn_down"};
  if (compute_capability() < 90) return;
  int ok = cu.ModuleLoadData(&p->module, small_batch_ptx) == 0;
  if (!ok) p->module = NULL;
  for (int kind = 0; kind < SMALL_BATCH_KERNELS; kind++) {
    for (int height = 0; height < SMALL_BATCH_HEIGHTS; height++) {
      void** kernel = &p->kernel[kind][height];
      char name[16];
      snprintf(name, sizeof name, "%s_%d", NAMES[kind], 16 + 8 * height);
      ok = ok && cu.ModuleGetFunction(kernel, p->module, name) == 0 &&
           cu.FuncSetAttribute(*kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, (int)small_batch_shared_memory(kind, height)) == 0;
    }
  }
  if (!ok || cu.ModuleGetFunction(&p->fold_layernorm, p->module, "fold_layernorm")) p->fold_layernorm = NULL;
  if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: kernels for up to 32 tokens %s\n", p->fold_layernorm ? "loaded" : "did not load");
}

static void small_batch_unload(SmallBatch* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
