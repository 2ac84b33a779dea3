// Part of luciole.c.
// ---- The kernels of fp8.cu, loaded when an encoder first computes in FP8.
enum { FP8_STATE_SCALES, FP8_OUTPUT_BOUNDS, FP8_VALUE_SCALES, FP8_INNER_SCALES, FP8_LARGEST, FP8_QUANTIZE_WEIGHT, FP8_OF_MODEL };

typedef struct {
  void *module, *layer_norm, *quantize;  // null where they are not loaded
  void* attention[2][2];                 // [heads of 64 components; of 32], [tiles of 64 rows; of 128]
  void* of_model[FP8_OF_MODEL];          // those that run when a model is opened
} Fp8Kernels;

EMBED(fp8_ptx, "ptx/fp8.ptx")

// 0, and nothing loaded, if the driver refuses them.
static int fp8_load(Fp8Kernels* p, int hidden) {
  static const char* const ATTENTION[] = {"attention_fp8_64x64", "attention_fp8_128x64", "attention_fp8_64x32", "attention_fp8_128x32"};
  static const char* const OF_MODEL[] = {"fp8_state_scales", "fp8_output_bounds", "fp8_value_scales",
                                         "fp8_inner_scales", "fp8_largest", "fp8_quantize_weight"};
  char layer_norm[32], quantize[32];
  if (p->module) return 1;
  if (cu.ModuleLoadData(&p->module, fp8_ptx)) return p->module = NULL, 0;
  snprintf(layer_norm, sizeof layer_norm, "layer_norm_fp8_%d", hidden);
  snprintf(quantize, sizeof quantize, "quantize_%d", hidden);
  int ok = cu.ModuleGetFunction(&p->layer_norm, p->module, layer_norm) == 0 && cu.ModuleGetFunction(&p->quantize, p->module, quantize) == 0;
  for (int i = 0; i < 4; i++) ok = ok && cu.ModuleGetFunction(&p->attention[i / 2][i % 2], p->module, ATTENTION[i]) == 0;
  for (int i = 0; i < FP8_OF_MODEL; i++) ok = ok && cu.ModuleGetFunction(&p->of_model[i], p->module, OF_MODEL[i]) == 0;
  if (!ok) cu.ModuleUnload(p->module), p->module = NULL;
  return ok;
}

static void fp8_unload(Fp8Kernels* p) {
  if (p->module) cu.ModuleUnload(p->module);
}
