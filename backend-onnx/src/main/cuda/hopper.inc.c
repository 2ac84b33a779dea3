// Part of luciole.c.
// ---- Attention by the kernel of hopper.cu, where the device and its driver have what that needs.
typedef struct {
  void *module, *attention, *attention_fp8;  // null where there is none
  int (*encode)(TensorMap*, int, uint32_t, void*, const uint64_t*, const uint64_t*, const uint32_t*, const uint32_t*, int, int, int, int);
} Hopper;

EMBED(hopper_ptx, "ptx/hopper.ptx")

static int hopper_kernel(Hopper* p, void** kernel, const char* name) {
  return cu.ModuleGetFunction(kernel, p->module, name) == 0 &&
         cu.FuncSetAttribute(*kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, HOPPER_SHARED_MEMORY) == 0;
}

// Never fails: without it, encoder.ptx has attention for every device.
static void hopper_load(Hopper* p) {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (!driver || !symbol(driver, "cuTensorMapEncodeTiled", (void**)&p->encode) || compute_capability() != 90) return;
  if (cu.ModuleLoadData(&p->module, hopper_ptx)) {
    p->module = NULL;
  } else if (!hopper_kernel(p, &p->attention, "attention_hopper") || !hopper_kernel(p, &p->attention_fp8, "attention_hopper_fp8")) {
    p->attention = NULL;
  }
  if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: attention for Hopper %s\n", p->attention ? "loaded" : "did not load");
}

static void hopper_unload(Hopper* p) {
  if (p->module) cu.ModuleUnload(p->module);
}

// Describes a matrix of 16-bit floats [rows, columns] to the copies of the kernels, in boxes of 64 columns. 0 if that cannot be done.
static int tensor_map(const Hopper* p, TensorMap* map, CUdeviceptr matrix, int64_t rows, int64_t columns, int box_rows) {
  enum { FLOAT16 = 6, NO_INTERLEAVE = 0, SWIZZLE_128B = 3, L2_256B = 3, ZEROS = 0 };
  uint64_t size[] = {(uint64_t)columns, (uint64_t)rows}, stride[] = {(uint64_t)columns * 2};
  uint32_t box[] = {64, (uint32_t)box_rows}, step[] = {1, 1};
  return p->encode(map, FLOAT16, 2, (void*)(uintptr_t)matrix, size, stride, box, step, NO_INTERLEAVE, SWIZZLE_128B, L2_256B, ZEROS) == 0;
}

// Describes qkv [tokens, columns] to the kernel. 0 if that cannot be done.
static int hopper_map(const Hopper* p, TensorMap* map, CUdeviceptr qkv, int64_t tokens, int64_t columns) {
  return p->attention && tensor_map(p, map, qkv, tokens, columns, 64);
}
