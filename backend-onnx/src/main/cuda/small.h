// Part of luciole.c.
// ---- The kernels of small.ptx, for batches of few tokens, where the device and its driver have what they need.
enum { FEW_HIDDEN = 1024, FEW_INNER = 4096, FEW_ROWS = 32, FEW_BLOCKS = 128, FEW_THREADS = 256 };
enum { ATTEND, LEAVE, ENTER, BACK, FEW_KINDS, FEW_HEIGHTS = 2 };  // the kernels of a layer, each for 16 and for 32 rows

typedef struct { void *module, *stage, *fold, *kernel[FEW_KINDS][FEW_HEIGHTS]; } Few;  // `fold` is null where there are none

// What a kernel reads and writes, as it is declared there.
typedef struct {
  Device x, weight, folded, bias, gain, shift, moments, residual, spans, y;
  int rows, activation;
  float epsilon;
} FewArguments;

EMBED(luciole_small_ptx, "small.ptx")

// Shared memory of a block: its weights, and later the sums of its warps.
static unsigned few_memory(int kind, int height) {
  static const unsigned WEIGHTS_OF[] = {48 << 10, 16 << 10, 64 << 10, 64 << 10};
  unsigned sums = 8 * (16u << height) * 4 * (kind == ATTEND ? 24 : kind == LEAVE ? 8 : 40);
  return sums > WEIGHTS_OF[kind] ? sums : WEIGHTS_OF[kind];
}

// Never fails: without them, batches of few tokens are run as others are.
static void few_load(Few* p) {
  static const char* const NAMES[FEW_KINDS][FEW_HEIGHTS] = {
      {"attend_1", "attend_2"}, {"leave_1", "leave_2"}, {"enter_1", "enter_2"}, {"back_1", "back_2"}};
  if (capability() < 90) return;
  if (cu.ModuleLoadData(&p->module, luciole_small_ptx)) {
    p->module = NULL;
    return;
  }
  int ok = cu.ModuleGetFunction(&p->stage, p->module, "stage") == 0;
  for (int kind = 0; kind < FEW_KINDS; kind++) {
    for (int height = 0; height < FEW_HEIGHTS; height++) {
      void** kernel = &p->kernel[kind][height];
      ok = ok && cu.ModuleGetFunction(kernel, p->module, NAMES[kind][height]) == 0 &&
           cu.FuncSetAttribute(*kernel, MOST_SHARED_MEMORY, (int)few_memory(kind, height)) == 0;
    }
  }
  if (!ok || cu.ModuleGetFunction(&p->fold, p->module, "fold")) p->fold = NULL;
  if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: kernels for few tokens %s\n", p->fold ? "loaded" : "did not load");
}

static void few_unload(Few* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
