// Part of luciole.c.
// ---- The kernels of medium_batch.cu, where the device and its driver have what they need.
enum { MEDIUM_QKV, MEDIUM_OUT, MEDIUM_UP, MEDIUM_DOWN, MEDIUM_BATCH_KINDS, MEDIUM_BATCH_SIZES = 2 };  // of a layer, over 64 and over 128 tokens
typedef struct { const char* name; int parts, memory; } MediumBatchKernel;
#define MEDIUM_BATCH_KERNEL(NAME, TOKENS, KIND, K, PARTS, SLOTS, STAGES, MEMORY) {"medium_" #NAME "_" #TOKENS, PARTS, MEMORY},
static const MediumBatchKernel MEDIUM_BATCH_KERNELS[] = {MEDIUM_BATCH_PRODUCTS(MEDIUM_BATCH_KERNEL)};
_Static_assert(sizeof MEDIUM_BATCH_KERNELS / sizeof *MEDIUM_BATCH_KERNELS == MEDIUM_BATCH_SIZES * MEDIUM_BATCH_KINDS, "each kind in each size");

typedef struct {
  void *module, *attention, *large_attention, *layer_norm;  // null where there are none
  void* kernel[MEDIUM_BATCH_SIZES * MEDIUM_BATCH_KINDS];
} MediumBatch;

EMBED(medium_batch_ptx, "ptx/medium_batch.ptx")

// Blocks of two kernels are on a multiprocessor at once only where both have it divided alike between shared memory and cache. The driver's own choice
// follows from one kernel's needs; all that a multiprocessor has, for each, lets the next one's in. A hint: a driver that refuses it is slower.
static void share_multiprocessors(void* kernel) { cu.FuncSetAttribute(kernel, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 100); }

// Never fails: without them, batches that small_batch.cu does not hold run by cuBLASLt's products.
static void medium_batch_load(MediumBatch* p, const Hopper* hopper) {
  if (!hopper->attention[0]) return;
  int ok = cu.ModuleLoadData(&p->module, medium_batch_ptx) == 0;
  if (!ok) p->module = NULL;
  for (int i = 0; i < MEDIUM_BATCH_SIZES * MEDIUM_BATCH_KINDS; i++) {
    void** kernel = &p->kernel[i];
    ok = ok && cu.ModuleGetFunction(kernel, p->module, MEDIUM_BATCH_KERNELS[i].name) == 0 &&
         cu.FuncSetAttribute(*kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, MEDIUM_BATCH_KERNELS[i].memory) == 0;
    if (ok) share_multiprocessors(*kernel);
  }
  if (!ok || cu.ModuleGetFunction(&p->attention, p->module, "medium_attention") ||
      cu.ModuleGetFunction(&p->large_attention, p->module, "large_attention") || cu.ModuleGetFunction(&p->layer_norm, p->module, "medium_layer_norm"))
    p->attention = p->large_attention = p->layer_norm = NULL;
  if (p->attention) share_multiprocessors(p->attention);
  if (getenv("LUCIOLE_CUDA_VERBOSE"))
    fprintf(stderr, "luciole: kernels for up to %d tokens %s\n", MEDIUM_BATCH_ROWS, p->attention ? "loaded" : "did not load");
}

static void medium_batch_unload(MediumBatch* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
