// Part of luciole.c.
// ---- Attention by the kernel of hopper.cu, where the device and its driver have what that needs.
typedef struct {
  void *module, *attention[2], *attention_fp8[2];  // [heads of 64 components; of 32]; null where there is none
  int (*encode)(TensorMap*, int, uint32_t, void*, const uint64_t*, const uint64_t*, const uint32_t*, const uint32_t*, int, int, int, int);
} Hopper;

EMBED(hopper_ptx, "ptx/hopper.ptx")

static int hopper_shared_memory(int small) { return small ? HOPPER_SMALL_HEAD_SHARED_MEMORY : HOPPER_SHARED_MEMORY; }

static int hopper_kernel(Hopper* p, void* kernels[2], const char* const names[2]) {
  int ok = 1;
  for (int small = 0; small < 2; small++)
    ok = ok && cu.ModuleGetFunction(&kernels[small], p->module, names[small]) == 0 &&
         cu.FuncSetAttribute(kernels[small], CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, hopper_shared_memory(small)) == 0;
  return ok;
}

// Never fails: without it, encoder.ptx has attention for every device.
static void hopper_load(Hopper* p) {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (!driver || !symbol(driver, "cuTensorMapEncodeTiled", (void**)&p->encode) || compute_capability() != 90) return;
  if (cu.ModuleLoadData(&p->module, hopper_ptx)) {
    p->module = NULL;
  } else if (!hopper_kernel(p, p->attention, (const char*[]){"attention_hopper", "attention_hopper_32"}) ||
             !hopper_kernel(p, p->attention_fp8, (const char*[]){"attention_hopper_fp8", "attention_hopper_32_fp8"})) {
    p->attention[0] = p->attention[1] = NULL;
  }
  if (getenv("LUCIOLE_CUDA_VERBOSE")) fprintf(stderr, "luciole: attention for Hopper %s\n", p->attention[0] ? "loaded" : "did not load");
}

static void hopper_unload(Hopper* p) {
  if (p->module) cu.ModuleUnload(p->module);
}

// Describes a matrix of 16-bit floats [rows, columns] to the copies of the kernels, in boxes of 64 or 32 columns. 0 if that cannot be done.
static int tensor_map(const Hopper* p, TensorMap* map, CUdeviceptr matrix, int64_t rows, int64_t columns, int box_rows, int box_columns) {
  enum { FLOAT16 = 6, NO_INTERLEAVE = 0, SWIZZLE_64B = 2, SWIZZLE_128B = 3, L2_256B = 3, ZEROS = 0 };
  int swizzle = box_columns == 64 ? SWIZZLE_128B : SWIZZLE_64B;
  uint64_t size[] = {(uint64_t)columns, (uint64_t)rows}, stride[] = {(uint64_t)columns * 2};
  uint32_t box[] = {(uint32_t)box_columns, (uint32_t)box_rows}, step[] = {1, 1};
  return p->encode(map, FLOAT16, 2, (void*)(uintptr_t)matrix, size, stride, box, step, NO_INTERLEAVE, swizzle, L2_256B, ZEROS) == 0;
}

// Describes qkv [tokens, columns] to the kernel for heads of so many components. 0 if that cannot be done.
static int hopper_map(const Hopper* p, TensorMap* map, CUdeviceptr qkv, int64_t tokens, int64_t columns, int head) {
  return p->attention[0] && tensor_map(p, map, qkv, tokens, columns, 64, head);
}
