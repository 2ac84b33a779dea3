// Part of luciole.c.
// ---- The CUDA driver and cuBLASLt.
// CUlaunchAttribute, CUlaunchConfig, cublasLtMatmulHeuristicResult_t
typedef struct { int id, unused; union { int allowed; uint64_t all[8]; } value; } LaunchAttribute;
typedef struct { unsigned grid[3], block[3], shared; void* stream; LaunchAttribute* attributes; unsigned count; } LaunchConfig;
typedef struct { uint64_t algorithm[8]; size_t workspace; int status; float waves; int reserved[4]; } Heuristic;

static struct {
  int (*ModuleLoadData)(void**, const void*);
  int (*ModuleUnload)(void*);
  int (*ModuleGetFunction)(void**, void*, const char*);
  int (*LaunchKernel)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
  int (*LaunchKernelEx)(const LaunchConfig*, void*, void**, void**);
  int (*FuncSetAttribute)(void*, int, int);
  int (*CtxGetDevice)(int*);
  int (*DeviceGetAttribute)(int*, int, int);
  int (*MemAlloc)(CUdeviceptr*, size_t);
  int (*MemFree)(CUdeviceptr);
  int (*MemHostAlloc)(void**, size_t, unsigned);
  int (*MemFreeHost)(void*);
  int (*MemsetD8Async)(CUdeviceptr, unsigned char, size_t, void*);
  int (*StreamSynchronize)(void*);
  int (*StreamBeginCapture)(void*, int);
  int (*StreamEndCapture)(void*, void**);
  int (*GraphInstantiate)(void**, void*, unsigned long long);
  int (*GraphLaunch)(void*, void*);
  int (*GraphExecDestroy)(void*);
  int (*GraphDestroy)(void*);
  int (*StreamWaitEvent)(void*, void*, unsigned);
  int (*CtxGetCurrent)(void**);
  int (*CtxPushCurrent)(void*);
  int (*CtxPopCurrent)(void**);
  int (*EventCreate)(void**, unsigned);
  int (*EventDestroy)(void*);
  int (*EventRecord)(void*, void*);
  int (*EventSynchronize)(void*);
  int (*EventElapsedTime)(float*, void*, void*);
  int (*GetErrorName)(int, const char**);
} cu;

static struct {
  int (*Create)(void**);
  int (*Destroy)(void*);
  int (*Matmul)(void*, void*, const void*, const void*, void*, const void*, void*, const void*, const void*, void*, void*, void*,
                const void*, void*, size_t, void*);
  int (*MatmulDescCreate)(void**, int, int);
  int (*MatmulDescDestroy)(void*);
  int (*MatmulDescSetAttribute)(void*, int, const void*, size_t);
  int (*MatrixLayoutCreate)(void**, int, uint64_t, uint64_t, int64_t);
  int (*MatrixLayoutDestroy)(void*);
  int (*MatmulPreferenceCreate)(void**);
  int (*MatmulPreferenceDestroy)(void*);
  int (*MatmulPreferenceSetAttribute)(void*, int, const void*, size_t);
  int (*MatmulAlgoGetHeuristic)(void*, void*, void*, void*, void*, void*, void*, int, Heuristic*, int*);
} lt;

// Their constants, in the names of NVIDIA's headers (library_types.h, cublas_api.h, cublasLt.h, cuda.h of CUDA 13.0).
enum { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_8F_E4M3 = 28, CUBLAS_COMPUTE_32F = 68, CUBLAS_OP_T = 1 };
enum { CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_MATMUL_DESC_EPILOGUE = 7, CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8 };
enum { CUBLASLT_MATMUL_DESC_A_SCALE_POINTER = 17, CUBLASLT_MATMUL_DESC_D_SCALE_POINTER = 20, CUBLASLT_MATMUL_DESC_FAST_ACCUM = 25 };
enum { CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1 };
enum { CUBLASLT_EPILOGUE_BIAS = 4, CUBLASLT_EPILOGUE_RELU_BIAS = 6, CUBLASLT_EPILOGUE_GELU_BIAS = 36 };
enum { CU_STREAM_CAPTURE_MODE_RELAXED = 2 };
enum { CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT = 9 };  // bytes; percent
enum { CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION = 6, CU_EVENT_DISABLE_TIMING = 2, CUDA_ERROR_OUT_OF_MEMORY = 2 };

// Makes a file's bytes, and a zero behind them, a constant of this library.
#define EMBED(name, file)                                                                               \
  __asm__(".section .rodata\n.balign 16\n" #name ": .incbin \"" file "\"\n.byte 0\n.previous\n"); \
  extern const char name[] __attribute__((visibility("hidden")));
EMBED(encoder_ptx, "ptx/encoder.ptx")

static int symbol(void* library, const char* name, void** to) { return (*to = dlsym(library, name)) != NULL; }

static const char* load_libraries(void) {
  static const char* problem = "";
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int done = 0;
  pthread_mutex_lock(&lock);
  if (!done) {
    done = 1;
    problem = NULL;
    void* driver = dlopen("libcuda.so.1", RTLD_NOW);
    void* blas = dlopen("libcublasLt.so.13", RTLD_NOW | RTLD_NOLOAD);
    if (!blas) blas = dlopen("libcublasLt.so.12", RTLD_NOW | RTLD_NOLOAD);
    if (!blas) blas = dlopen("libcublasLt.so.13", RTLD_NOW);
    if (!blas) blas = dlopen("libcublasLt.so.12", RTLD_NOW);
    if (!driver) {
      problem = "libcuda.so.1 is missing";
    } else if (!blas) {
      problem = "libcublasLt.so.13 and libcublasLt.so.12 are missing";
    } else {
      int ok = 1;
#define CU(field, name) ok &= symbol(driver, "cu" name, (void**)&cu.field);
      CU(ModuleLoadData, "ModuleLoadData") CU(ModuleUnload, "ModuleUnload") CU(ModuleGetFunction, "ModuleGetFunction")
      CU(LaunchKernel, "LaunchKernel") CU(LaunchKernelEx, "LaunchKernelEx") CU(FuncSetAttribute, "FuncSetAttribute")
      CU(CtxGetDevice, "CtxGetDevice") CU(DeviceGetAttribute, "DeviceGetAttribute") CU(MemAlloc, "MemAlloc_v2") CU(MemFree, "MemFree_v2")
      CU(MemHostAlloc, "MemHostAlloc") CU(MemFreeHost, "MemFreeHost") CU(MemsetD8Async, "MemsetD8Async") CU(StreamSynchronize, "StreamSynchronize")
      CU(StreamBeginCapture, "StreamBeginCapture_v2") CU(StreamEndCapture, "StreamEndCapture")
      CU(GraphInstantiate, "GraphInstantiateWithFlags") CU(GraphLaunch, "GraphLaunch") CU(GraphExecDestroy, "GraphExecDestroy")
      CU(GraphDestroy, "GraphDestroy") CU(GetErrorName, "GetErrorName")
      CU(StreamWaitEvent, "StreamWaitEvent") CU(CtxGetCurrent, "CtxGetCurrent") CU(CtxPushCurrent, "CtxPushCurrent_v2") CU(CtxPopCurrent, "CtxPopCurrent_v2")
      CU(EventCreate, "EventCreate") CU(EventDestroy, "EventDestroy_v2") CU(EventRecord, "EventRecord")
      CU(EventSynchronize, "EventSynchronize") CU(EventElapsedTime, "EventElapsedTime")
#define LT(name) ok &= symbol(blas, "cublasLt" #name, (void**)&lt.name);
      LT(Create) LT(Destroy) LT(Matmul) LT(MatmulDescCreate) LT(MatmulDescDestroy) LT(MatmulDescSetAttribute)
      LT(MatrixLayoutCreate) LT(MatrixLayoutDestroy) LT(MatmulPreferenceCreate) LT(MatmulPreferenceDestroy)
      LT(MatmulPreferenceSetAttribute) LT(MatmulAlgoGetHeuristic)
      if (!ok) problem = "libcuda or libcublasLt is too old: CUDA 12 or later is needed";
    }
  }
  pthread_mutex_unlock(&lock);
  return problem;
}

// The current device's compute compute_capability, 90 for 9.0; 0 if that cannot be told.
static int compute_capability(void) {
  enum { MAJOR = 75, MINOR = 76 };  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_…
  int device, major, minor;
  return cu.CtxGetDevice(&device) || cu.DeviceGetAttribute(&major, MAJOR, device) || cu.DeviceGetAttribute(&minor, MINOR, device)
             ? 0
             : 10 * major + minor;
}
