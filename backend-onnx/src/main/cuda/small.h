// Part of luciole.c.
// ---- The kernels of small.ptx, for batches of few tokens, where the device and its driver have what they need.
enum { FEW_HIDDEN = 1024, FEW_INNER = 4096, FEW_ROWS = 32, FEW_BLOCKS = 128, FEW_THREADS = 256 };
enum { ATTEND, LEAVE, ENTER, BACK, FEW_KINDS, FEW_HEIGHTS = 3 };  // the kernels of a layer, each for 16, 24 and 32 rows

typedef struct { void *module, *fold, *kernel[FEW_KINDS][FEW_HEIGHTS]; } Few;  // `fold` is null where there are none

// What a kernel reads and writes, as it is declared there.
typedef struct {
  Device x, weight, folded, bias, gain, shift, moments, residual, spans, y;
  int rows, activation;
  float epsilon;
} FewArguments;

EMBED(luciole_small_ptx, "small.ptx")

static int few_height(int rows) { return rows <= 16 ? 0 : rows <= 24 ? 1 : 2; }

// Shared memory of a block: its weights, and later the sums of its warps.
static unsigned few_memory(int kind, int height) {
  static const unsigned WEIGHTS_OF[] = {48 << 10, 16 << 10, 64 << 10, 64 << 10};
  unsigned sums = 8 * (height ? 32u : 16u) * 4 * (kind == ATTEND ? 24 : kind == LEAVE ? 8 : 40);
  return sums > WEIGHTS_OF[kind] ? sums : WEIGHTS_OF[kind];
}

// Never fails: without them, batches of few tokens are run as others are.
static void few_load(Few* p) {
  static const char* const NAMES[FEW_KINDS][FEW_HEIGHTS] = {
      {"attend_2", "attend_3", "attend_4"}, {"leave_2", "leave_3", "leave_4"}, {"enter_2", "enter_3", "enter_4"}, {"back_2", "back_3", "back_4"}};
  if (capability() < 90) return;
  if (cu.ModuleLoadData(&p->module, luciole_small_ptx)) {
    p->module = NULL;
    return;
  }
  int ok = 1;
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
