// Part of luciole.c.
// ---- The kernels of large_batch.cu, where the device and its driver have what they need.
enum { LARGE_BIAS, LARGE_ACTIVATED, LARGE_PART, LARGE_BATCH_KINDS, LARGE_BATCH_SIZES = 5 };  // of a product
static const char* const LARGE_BATCH_NAMES[] = {"large_bias", "large_activated", "large_part"};
static const int LARGE_BATCH_TOKENS[LARGE_BATCH_SIZES] = {48, 64, 80, 96, 128};  // of a block, a quarter of a batch's

typedef struct {
  void *module, *sum;  // null where there are none
  void* kernel[LARGE_BATCH_KINDS][LARGE_BATCH_SIZES];
} LargeBatch;

EMBED(large_batch_ptx, "ptx/large_batch.ptx")

// The index in LARGE_BATCH_TOKENS of the kernels for a batch of so many tokens; -1 where there are none.
static int large_batch_size(int tokens) {
  for (int i = 0; i < LARGE_BATCH_SIZES; i++) {
    if (tokens == LARGE_BATCH_TILES * LARGE_BATCH_TOKENS[i]) return i;
  }
  return -1;
}

// Never fails: without them, batches that medium_batch.cu does not hold run by cuBLASLt's products.
static void large_batch_load(LargeBatch* p, const Hopper* hopper) {
  if (!hopper->attention[0]) return;
  int ok = cu.ModuleLoadData(&p->module, large_batch_ptx) == 0;
  if (!ok) p->module = NULL;
  for (int kind = 0; kind < LARGE_BATCH_KINDS; kind++) {
    for (int size = 0; size < LARGE_BATCH_SIZES; size++) {
      void** kernel = &p->kernel[kind][size];
      char name[32];
      snprintf(name, sizeof name, "%s_%d", LARGE_BATCH_NAMES[kind], LARGE_BATCH_TOKENS[size]);
      ok = ok && cu.ModuleGetFunction(kernel, p->module, name) == 0 &&
           cu.FuncSetAttribute(*kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, LARGE_BATCH_SHARED_MEMORY(LARGE_BATCH_TOKENS[size])) == 0;
    }
  }
  if (!ok || cu.ModuleGetFunction(&p->sum, p->module, "large_sum")) p->sum = NULL;
  if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: kernels for up to %d tokens %s\n", LARGE_BATCH_ROWS, p->sum ? "loaded" : "did not load");
}

static void large_batch_unload(LargeBatch* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
