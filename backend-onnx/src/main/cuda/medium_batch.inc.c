// Part of luciole.c.
// ---- The kernels of medium_batch.cu, where the device and its driver have what they need.
enum { MEDIUM_QKV, MEDIUM_OUT, MEDIUM_UP, MEDIUM_DOWN, MEDIUM_BATCH_KERNELS, MEDIUM_BATCH_WIDTHS = 2 };  // of a layer, for 64 or 128 tokens a block

typedef struct {
  void *module, *attention;  // null where there are none
  void* kernel[MEDIUM_BATCH_KERNELS][MEDIUM_BATCH_WIDTHS];
} MediumBatch;

EMBED(medium_batch_ptx, "ptx/medium_batch.ptx")

// Never fails: without them, batches of 33 tokens and more run by cuBLASLt's products.
static void medium_batch_load(MediumBatch* p, const Hopper* hopper) {
  static const char* const NAMES[] = {"medium_qkv", "medium_out", "medium_up", "medium_down"};
  if (!hopper->attention) return;
  if (cu.ModuleLoadData(&p->module, medium_batch_ptx)) {
    p->module = NULL;
    return;
  }
  int ok = 1;
  for (int kind = 0; kind < MEDIUM_BATCH_KERNELS; kind++) {
    for (int width = 0; width < MEDIUM_BATCH_WIDTHS; width++) {
      void** kernel = &p->kernel[kind][width];
      char name[20];
      snprintf(name, sizeof name, "%s_%d", NAMES[kind], 64 << width);
      ok = ok && cu.ModuleGetFunction(kernel, p->module, name) == 0 &&
           cu.FuncSetAttribute(*kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, MEDIUM_BATCH_SHARED_MEMORY) == 0;
    }
  }
  if (!ok || cu.ModuleGetFunction(&p->attention, p->module, "medium_attention")) p->attention = NULL;
  if (getenv("LUCIOLE_CUDA_VERBOSE"))
    fprintf(stderr, "luciole: kernels for up to %d tokens %s\n", MEDIUM_BATCH_ROWS, p->attention ? "loaded" : "did not load");
}

static void medium_batch_unload(MediumBatch* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
