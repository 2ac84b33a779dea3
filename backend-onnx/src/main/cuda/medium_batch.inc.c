// Part of luciole.c.
// ---- The kernels of medium_batch.cu, where the device and its driver have what they need.
enum { MEDIUM_QKV, MEDIUM_OUT, MEDIUM_UP, MEDIUM_DOWN, MEDIUM_BATCH_KERNELS };  // of a layer
static const char* const MEDIUM_BATCH_NAMES[] = {"medium_qkv", "medium_out", "medium_up", "medium_down"};

typedef struct {
  void *module, *attention, *layer_norm;  // null where there are none
  void* kernel[MEDIUM_BATCH_KERNELS];
} MediumBatch;

EMBED(medium_batch_ptx, "ptx/medium_batch.ptx")

// Never fails: without them, batches that small_batch.cu does not hold run by cuBLASLt's products.
static void medium_batch_load(MediumBatch* p, const Hopper* hopper) {
  if (!hopper->attention[0]) return;
  int ok = cu.ModuleLoadData(&p->module, medium_batch_ptx) == 0;
  if (!ok) p->module = NULL;
  for (int kind = 0; kind < MEDIUM_BATCH_KERNELS; kind++) {
    void** kernel = &p->kernel[kind];
    ok = ok && cu.ModuleGetFunction(kernel, p->module, MEDIUM_BATCH_NAMES[kind]) == 0 &&
         cu.FuncSetAttribute(*kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, MEDIUM_BATCH_SHARED_MEMORY) == 0;
  }
  if (!ok || cu.ModuleGetFunction(&p->attention, p->module, "medium_attention") || cu.ModuleGetFunction(&p->layer_norm, p->module, "medium_layer_norm"))
    p->attention = p->layer_norm = NULL;
  if (getenv("LUCIOLE_CUDA_VERBOSE"))
    fprintf(stderr, "luciole: kernels for up to %d tokens %s\n", MEDIUM_BATCH_ROWS, p->attention ? "loaded" : "did not load");
}

static void medium_batch_unload(MediumBatch* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
