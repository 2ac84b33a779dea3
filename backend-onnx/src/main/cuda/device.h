// Part of luciole.c.
// ---- The CUDA driver and cuBLASLt.
typedef uint64_t Device;  // an address on the device
typedef struct { int id, unused; union { int allowed; uint64_t all[8]; } value; } Attribute;
typedef struct { unsigned grid[3], block[3], shared; void* stream; Attribute* attributes; unsigned count; } Launch;
typedef struct { uint64_t algorithm[8]; size_t workspace; int status; float waves; int reserved[4]; } Heuristic;

static struct {
  int (*ModuleLoadData)(void**, const void*);
  int (*ModuleUnload)(void*);
  int (*ModuleGetFunction)(void**, void*, const char*);
  int (*LaunchKernel)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
  int (*LaunchKernelEx)(const Launch*, void*, void**, void**);
  int (*FuncSetAttribute)(void*, int, int);
  int (*CtxGetDevice)(int*);
  int (*DeviceGetAttribute)(int*, int, int);
  int (*MemAlloc)(Device*, size_t);
  int (*MemFree)(Device);
  int (*MemHostAlloc)(void**, size_t, unsigned);
  int (*MemFreeHost)(void*);
  int (*MemsetD8Async)(Device, unsigned char, size_t, void*);
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

enum { HALF = 2, SINGLE = 0, COMPUTE_32F = 68, TRANSPOSED = 1 };
enum { DESC_TRANSA = 3, DESC_EPILOGUE = 7, DESC_BIAS = 8, PREFER_WORKSPACE = 1 };
enum { BIAS = 4, RELU_BIAS = 6, GELU_BIAS = 36 };
enum { CAPTURE_RELAXED = 2, MOST_SHARED_MEMORY = 8, BEGIN_EARLY = 6 };

#define EMBED(name, file)                                                                               \
  __asm__(".section .rodata\n.balign 16\n" #name ": .incbin \"" file "\"\n.byte 0\n.previous\n"); \
  extern const char name[] __attribute__((visibility("hidden")));
EMBED(luciole_ptx, "kernels.ptx")

static int symbol(void* library, const char* name, void** to) { return (*to = dlsym(library, name)) != NULL; }

static const char* load(void) {
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

// The current device's compute capability, 90 for 9.0; 0 if that cannot be told.
static int capability(void) {
  enum { MAJOR = 75, MINOR = 76 };
  int device, major, minor;
  return cu.CtxGetDevice(&device) || cu.DeviceGetAttribute(&major, MAJOR, device) || cu.DeviceGetAttribute(&minor, MINOR, device)
             ? 0
             : 10 * major + minor;
}
