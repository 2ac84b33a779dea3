// Part of luciole.c, and of luciole_cpu.c.
// ---- ONNX Runtime's C interface, as far as it is used, without its header: a table of functions by position, of which positions are
// never reordered, and the struct that describes an operator.
enum { ORT_API_VERSION = 16 };  // the version that is asked for; 1.16 and later have it
enum { ORT_API_WITH_PARALLEL_FOR = 17 };  // the version that has KernelContext_ParallelFor

typedef struct { void* const f[300]; } OrtApi;
typedef struct { const OrtApi* (*GetApi)(uint32_t); const char* (*GetVersionString)(void); } OrtApiBase;
typedef void OrtStatus;

// Positions in OrtApi, in its names. Read from onnxruntime_c_api.h of 1.16.1, and the same in that of 1.28.0 and 1.29.0. Up to position 101
// they are those of version 1 of the interface.
enum {
  ORT_CreateStatus = 0,
  ORT_CreateCustomOpDomain = 26,
  ORT_CustomOpDomain_Add = 27,
  ORT_AddCustomOpDomain = 28,
  ORT_GetTensorMutableData = 51,
  ORT_GetDimensionsCount = 61,
  ORT_GetDimensions = 62,
  ORT_GetTensorTypeAndShape = 65,
  ORT_KernelInfoGetAttribute_float = 85,
  ORT_KernelInfoGetAttribute_int64 = 86,
  ORT_KernelContext_GetInputCount = 88,
  ORT_KernelContext_GetInput = 90,
  ORT_KernelContext_GetOutput = 91,
  ORT_ReleaseStatus = 93,
  ORT_ReleaseTensorTypeAndShapeInfo = 99,
  ORT_KernelContext_GetGPUComputeStream = 193,
  ORT_KernelContext_ParallelFor = 274  // counted from its neighbours in the header of 1.20
};
#define ORT(api, name, result, ...) ((result(*)(__VA_ARGS__))(api)->f[ORT_##name])

enum { ORT_FAIL = 1 };                                                    // OrtErrorCode
enum { OrtMemTypeCPUInput = -2, OrtMemTypeDefault = 0 };                  // OrtMemType
enum { INPUT_OUTPUT_REQUIRED, INPUT_OUTPUT_OPTIONAL, INPUT_OUTPUT_VARIADIC };  // OrtCustomOpInputOutputCharacteristic
enum { ELEMENT_FLOAT = 1, ELEMENT_UINT8 = 2, ELEMENT_INT32 = 6, ELEMENT_INT64 = 7, ELEMENT_FLOAT16 = 10 };  // ONNXTensorElementDataType

typedef struct OrtCustomOp OrtCustomOp;
struct OrtCustomOp {
  uint32_t version;
  void* (*CreateKernel)(const OrtCustomOp*, const OrtApi*, const void*);
  const char* (*GetName)(const OrtCustomOp*);
  const char* (*GetExecutionProviderType)(const OrtCustomOp*);
  int (*GetInputType)(const OrtCustomOp*, size_t);
  size_t (*GetInputTypeCount)(const OrtCustomOp*);
  int (*GetOutputType)(const OrtCustomOp*, size_t);
  size_t (*GetOutputTypeCount)(const OrtCustomOp*);
  void (*KernelCompute)(void*, void*);
  void (*KernelDestroy)(void*);
  int (*GetInputCharacteristic)(const OrtCustomOp*, size_t);
  int (*GetOutputCharacteristic)(const OrtCustomOp*, size_t);
  int (*GetInputMemoryType)(const OrtCustomOp*, size_t);
  int (*GetVariadicInputMinArity)(const OrtCustomOp*);
  int (*GetVariadicInputHomogeneity)(const OrtCustomOp*);
  int (*GetVariadicOutputMinArity)(const OrtCustomOp*);
  int (*GetVariadicOutputHomogeneity)(const OrtCustomOp*);
  OrtStatus* (*CreateKernelV2)(const OrtCustomOp*, const OrtApi*, const void*, void**);
  OrtStatus* (*KernelComputeV2)(void*, void*);
  void* later[8];
};

/** Adds the domain of some operators, a list that ends with null, to a session's options. A domain is made once in a process and must outlive every session, as the caller's
    two variables do. An ONNX Runtime without this version of the interface is left as it is: it does not know the operator then. */
static OrtStatus* register_operator(void* options, const OrtApiBase* base, uint32_t version, const char* domain_name,
                                    const OrtCustomOp* const* operators, void** domain, pthread_mutex_t* domain_lock) {
  const OrtApi* api = base->GetApi(version);
  if (!api) return NULL;
  OrtStatus* s = NULL;
  pthread_mutex_lock(domain_lock);
  if (!*domain) {
    s = ORT(api, CreateCustomOpDomain, OrtStatus*, const char*, void**)(domain_name, domain);
    for (; !s && *operators; operators++) s = ORT(api, CustomOpDomain_Add, OrtStatus*, void*, const OrtCustomOp*)(*domain, *operators);
  }
  pthread_mutex_unlock(domain_lock);
  return s ? s : ORT(api, AddCustomOpDomain, OrtStatus*, void*, void*)(options, *domain);
}
