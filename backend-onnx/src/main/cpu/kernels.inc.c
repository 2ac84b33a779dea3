// Part of luciole_cpu.c, which includes this file once for each set of instructions, with FN(name) to tell the functions apart and HALVES
// set to 1 where the processor multiplies bf16. Vectors have 512 bits: 16 floats or 64 bytes.
//
// Matrix products compute tiles of up to TILE rows by a panel of 64 columns. A panel of a weight W [N, K] holds, for each step of the
// inner dimension in turn, 64 columns with the numbers that one instruction takes of each: 4 bytes, 2 halves or a float. A panel's last columns
// may be padding; `vectors` says how many of its 4 vectors are not.

#ifndef LUCIOLE_SHARED_BY_KERNELS
#define LUCIOLE_SHARED_BY_KERNELS
enum { TILE = 6, PANEL = 64, VECTORS = 4, LANES = 16 };
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
// Calls a function whose first argument must be a constant with the number of rows of a tile.
#define WITH_ROWS(rows, f, ...)          \
  switch (rows) {                        \
    case 1: f(1, __VA_ARGS__); break;    \
    case 2: f(2, __VA_ARGS__); break;    \
    case 3: f(3, __VA_ARGS__); break;    \
    case 4: f(4, __VA_ARGS__); break;    \
    case 5: f(5, __VA_ARGS__); break;    \
    default: f(TILE, __VA_ARGS__); break; \
  }
#endif

// ---- Floats and halves (bf16, rounded to the nearest, to even where two are as near).
#if HALVES
INLINE __m256i FN(halves)(__m512 x) { return (__m256i)_mm512_cvtneps_pbh(x); }
INLINE __m512 FN(add_pairs)(__m512 sum, __m512i a, __m512i b) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }
#else
INLINE __m256i FN(halves)(__m512 x) {
  __m512i bits = _mm512_castps_si512(x);
  __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16));
}
INLINE __m512 FN(add_pairs)(__m512 sum, __m512i a, __m512i b) {
  const __m512i high = _mm512_set1_epi32((int)0xffff0000);
  sum = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)), _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), sum);
  return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, high)), _mm512_castsi512_ps(_mm512_and_si512(b, high)), sum);
}
#endif

INLINE float FN(root)(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

// 2 to the power of x, for x below 127: within 3e-7 of it, relatively.
INLINE __m512 FN(exp2)(__m512 x) {
  __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 f = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(1.5403530e-4f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.3333558e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(p, whole);
}

// The activation of a layer. GELU's error function is formula 7.1.26 of Abramowitz and Stegun, within 1.5e-7.
INLINE __m512 FN(activate)(const int activation, __m512 x) {
  const __m512 one = _mm512_set1_ps(1.f), zero = _mm512_setzero_ps();
  if (activation == RELU) return _mm512_max_ps(x, zero);
  if (activation == GELU_TANH) {  // x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x³)
    __m512 u = _mm512_mul_ps(x, _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), one));
    __m512 e = FN(exp2)(_mm512_min_ps(_mm512_mul_ps(u, _mm512_set1_ps(-2.30220819f)), _mm512_set1_ps(126.f)));
    return _mm512_div_ps(x, _mm512_add_ps(one, e));
  }
  __m512 size = _mm512_abs_ps(x);
  __m512 d = _mm512_fmadd_ps(size, _mm512_set1_ps(0.23164189f), one);  // 0.3275911 / sqrt 2
  __m512 t = _mm512_rcp14_ps(d);
  t = _mm512_mul_ps(t, _mm512_fnmadd_ps(d, t, _mm512_set1_ps(2.f)));
  __m512 p = _mm512_set1_ps(1.061405429f);
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
  __m512 e = FN(exp2)(_mm512_mul_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(-0.72134752f)));  // exp(-x²/2)
  __m512 tail = _mm512_mul_ps(_mm512_mul_ps(p, t), _mm512_mul_ps(e, _mm512_mul_ps(size, _mm512_set1_ps(0.5f))));
  return _mm512_sub_ps(_mm512_max_ps(x, zero), tail);
}

// ---- Products.
// By an instruction of its own, since GCC 12 copies sums to and fro around _mm512_dpbusd_epi32: half the speed.
INLINE void FN(add_fours)(__m512i* sum, __m512i a, __m512i b) { __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b)); }

INLINE void FN(multiply_bytes)(const int rows, const uint8_t* a, size_t stride, const int8_t* b, int steps, __m512i sum[TILE][VECTORS]) {
  for (int s = 0; s < steps; s++, b += 4 * PANEL, a += 4) {
    __m512i column[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) column[v] = _mm512_loadu_si512(b + v * 64);
    UNROLL for (int r = 0; r < rows; r++) {
      int32_t four;
      memcpy(&four, a + r * stride, 4);
      __m512i row = _mm512_set1_epi32(four);
      UNROLL for (int v = 0; v < VECTORS; v++) FN(add_fours)(&sum[r][v], row, column[v]);
    }
  }
}

INLINE void FN(multiply_halves)(const int rows, const int vectors, const uint16_t* a, size_t stride, const uint16_t* b, size_t b_stride, int steps,
                                __m512 sum[TILE][VECTORS]) {
  for (int s = 0; s < steps; s++, b += b_stride, a += 2) {
    __m512i column[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) column[v] = _mm512_loadu_si512(b + v * 32);
    UNROLL for (int r = 0; r < rows; r++) {
      int32_t two;
      memcpy(&two, a + r * stride, 4);
      __m512i row = _mm512_set1_epi32(two);
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = FN(add_pairs)(sum[r][v], row, column[v]);
    }
  }
}

INLINE void FN(multiply_floats)(const int rows, const int vectors, const float* a, size_t stride, const float* b, size_t b_stride, int steps,
                                __m512 sum[TILE][VECTORS]) {
  for (int s = 0; s < steps; s++, b += b_stride, a++) {
    __m512 column[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) column[v] = _mm512_loadu_ps(b + v * LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      __m512 row = _mm512_set1_ps(a[r * stride]);
      UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = _mm512_fmadd_ps(row, column[v], sum[r][v]);
    }
  }
}

// Halves or floats, `count` of each row, with `columns` columns; `stride` in numbers.
INLINE void FN(multiply_numbers)(const int floats, const int rows, const int vectors, const void* a, size_t stride, const void* b, size_t columns, int count,
                                 __m512 sum[TILE][VECTORS]) {
  if (floats) FN(multiply_floats)(rows, vectors, a, stride, b, columns, count, sum);
  else FN(multiply_halves)(rows, vectors, a, stride, b, 2 * columns, (count + 1) / 2, sum);
}

// Writes a tile, as floats with the residual added, or as halves; of each row as many vectors as are wanted.
INLINE void FN(store)(const int rows, const int vectors, __m512 y[TILE][VECTORS], int wanted, Target to, int row, int column) {
  UNROLL for (int r = 0; r < rows; r++) {
    size_t at = (size_t)(row + r) * to.stride + column;
    UNROLL for (int v = 0; v < vectors; v++, at += LANES) {
      if (v >= wanted) continue;
      if (to.halves) {
        _mm256_storeu_si256((__m256i*)(to.halves + at), FN(halves)(y[r][v]));
      } else {
        __m512 z = to.residual ? _mm512_add_ps(y[r][v], _mm512_loadu_ps(to.residual + at)) : y[r][v];
        _mm512_storeu_ps(to.floats + at, z);
      }
    }
  }
}

// From sums of bytes, w->start included, to what they stand for.
INLINE void FN(scale_sums)(const int rows, const int vectors, const Linear* w, Rows x, int row, int first, __m512i sum[TILE][VECTORS],
                           __m512 y[TILE][VECTORS]) {
  UNROLL for (int v = 0; v < vectors; v++) {
    __m512 scale = _mm512_loadu_ps(w->scale + first + v * LANES), bias = _mm512_loadu_ps(w->bias + first + v * LANES);
    UNROLL for (int r = 0; r < rows; r++)
      y[r][v] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][v]), scale), _mm512_set1_ps(x.scales[row + r]), bias);
  }
  if (!w->outliers) return;
  for (int o = 0; o < x.outlier_count; o++) {
    const float* weights = w->outliers + (size_t)o * w->padded + first;
    UNROLL for (int v = 0; v < vectors; v++) {
      __m512 column = _mm512_loadu_ps(weights + v * LANES);
      UNROLL for (int r = 0; r < rows; r++)
        y[r][v] = _mm512_fmadd_ps(_mm512_set1_ps(x.outliers[(size_t)(row + r) * x.outlier_count + o]), column, y[r][v]);
    }
  }
}

INLINE void FN(tile_of_bytes)(const int rows, const Linear* w, Rows x, int row, int panel, Target to) {
  int first = panel * PANEL;
  __m512i sum[TILE][VECTORS];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    __m512i start = _mm512_loadu_si512(w->start + first + v * LANES);
    UNROLL for (int r = 0; r < rows; r++) sum[r][v] = start;
  }
  FN(multiply_bytes)(rows, (const uint8_t*)x.values + (size_t)row * w->inputs, w->inputs, (const int8_t*)w->packed + (size_t)first * w->inputs, w->inputs / 4, sum);
  __m512 y[TILE][VECTORS];
  FN(scale_sums)(rows, VECTORS, w, x, row, first, sum, y);
  FN(store)(rows, VECTORS, y, (w->outputs - first) / LANES, to, row, first);
}

INLINE void FN(tile_of_numbers)(const int floats, const int rows, const Linear* w, Rows x, int row, int panel, Target to) {
  const size_t size = floats ? 4 : 2;
  int first = panel * PANEL;
  __m512 y[TILE][VECTORS];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    __m512 bias = _mm512_loadu_ps(w->bias + first + v * LANES);
    UNROLL for (int r = 0; r < rows; r++) y[r][v] = bias;
  }
  FN(multiply_numbers)(floats, rows, VECTORS, (const char*)x.values + (size_t)row * w->inputs * size, w->inputs,
                       (const char*)w->packed + (size_t)first * w->inputs * size, PANEL, w->inputs, y);
  FN(store)(rows, VECTORS, y, (w->outputs - first) / LANES, to, row, first);
}

INLINE void FN(tile_of_halves)(const int rows, const Linear* w, Rows x, int row, int panel, Target to) { FN(tile_of_numbers)(0, rows, w, x, row, panel, to); }
INLINE void FN(tile_of_floats)(const int rows, const Linear* w, Rows x, int row, int panel, Target to) { FN(tile_of_numbers)(1, rows, w, x, row, panel, to); }

// x·Wᵀ + b for rows from `row` to before `row_end`, and panels likewise.
static void FN(linear)(const Linear* w, Rows x, int row, int row_end, int panel, int panel_end, Target to) {
  for (int p = panel; p < panel_end; p++)
    for (int r = row; r < row_end; r += TILE) {
      switch (x.size) {
        case BYTES: WITH_ROWS(row_end - r, FN(tile_of_bytes), w, x, r, p, to) break;
        case HALF: WITH_ROWS(row_end - r, FN(tile_of_halves), w, x, r, p, to) break;
        default: WITH_ROWS(row_end - r, FN(tile_of_floats), w, x, r, p, to)
      }
    }
}

// ---- Rows.
// Writes row `row` of x as what products multiply: bytes in ±127 about 128 with a scale, outlier channels apart; or halves. Floats are multiplied where
// they are.
static void FN(convert)(float* values, int width, const int* channels, Rows x, int row) {
  if (x.size == FLOATS) return;
  if (x.size == HALF) {
    uint16_t* to = (uint16_t*)x.values + (size_t)row * width;
    for (int i = 0; i < width; i += LANES) _mm256_storeu_si256((__m256i*)(to + i), FN(halves)(_mm512_loadu_ps(values + i)));
    return;
  }
  float* apart = x.outliers + (size_t)row * x.outlier_count;
  for (int o = 0; o < x.outlier_count; o++) apart[o] = values[channels[o]], values[channels[o]] = 0;
  __m512 most = _mm512_setzero_ps();
  for (int i = 0; i < width; i += LANES) most = _mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(values + i)), most);
  float scale = _mm512_reduce_max_ps(most) * (1.f / 127);
  x.scales[row] = scale = scale > FLT_MIN ? scale : FLT_MIN;
  __m512 inverse = _mm512_set1_ps(1 / scale);
  uint8_t* to = (uint8_t*)x.values + (size_t)row * width;
  for (int i = 0; i < width; i += LANES) {
    __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(values + i), inverse));
    _mm_storeu_si128((__m128i*)(to + i), _mm512_cvtepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(128))));
  }
  for (int o = 0; o < x.outlier_count; o++) values[channels[o]] = apart[o];
}

// Activates a row in place, and writes it as what products multiply: bytes 0…255 of what it is above -shift, with a scale; or halves. Floats stay in place.
INLINE void FN(activate_row)(const int activation, float* values, int width, float shift, Rows x, int row) {
  __m512 most = _mm512_setzero_ps(), above = _mm512_set1_ps(x.size == BYTES ? shift : 0);
  uint16_t* halves = x.size == HALF ? (uint16_t*)x.values + (size_t)row * width : NULL;
  for (int i = 0; i < width; i += LANES) {
    __m512 y = FN(activate)(activation, _mm512_loadu_ps(values + i));
    if (halves) {
      _mm256_storeu_si256((__m256i*)(halves + i), FN(halves)(y));
    } else {
      y = _mm512_add_ps(y, above);
      most = _mm512_max_ps(y, most);
      _mm512_storeu_ps(values + i, y);
    }
  }
  if (x.size != BYTES) return;
  float scale = _mm512_reduce_max_ps(most) * (1.f / 255);
  x.scales[row] = scale = scale > FLT_MIN ? scale : FLT_MIN;
  __m512 inverse = _mm512_set1_ps(1 / scale);
  uint8_t* to = (uint8_t*)x.values + (size_t)row * width;
  for (int i = 0; i < width; i += LANES) {
    __m512i q = _mm512_max_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(values + i), inverse)), _mm512_setzero_si512());
    _mm_storeu_si128((__m128i*)(to + i), _mm512_cvtusepi32_epi8(q));
  }
}

static void FN(convert_activated)(int activation, float* values, int width, float shift, Rows x, int row) {
  switch (activation) {
    case RELU: FN(activate_row)(RELU, values, width, shift, x, row); break;
    case GELU_TANH: FN(activate_row)(GELU_TANH, values, width, shift, x, row); break;
    default: FN(activate_row)(GELU, values, width, shift, x, row); break;
  }
}

// Layer normalisation: (x - mean) / sqrt(variance + epsilon) · gamma + beta.
static void FN(normalize)(const float* x, int width, const float* gamma, const float* beta, float epsilon, float* y) {
  __m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
  for (int i = 0; i < width; i += LANES) sum = _mm512_add_ps(sum, _mm512_loadu_ps(x + i));
  __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / (float)width);
  for (int i = 0; i < width; i += LANES) {
    __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + i), mean);
    squares = _mm512_fmadd_ps(d, d, squares);
  }
  __m512 factor = _mm512_set1_ps(1 / FN(root)(_mm512_reduce_add_ps(squares) / (float)width + epsilon));
  for (int i = 0; i < width; i += LANES) {
    __m512 d = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(x + i), mean), factor);
    _mm512_storeu_ps(y + i, _mm512_fmadd_ps(d, _mm512_loadu_ps(gamma + i), _mm512_loadu_ps(beta + i)));
  }
}

// ---- Attention of one head over one text.
// Transposes 16 rows of 16 numbers of 32 bits.
INLINE void FN(transpose)(__m512i row[LANES]) {
  __m512i t[LANES];
  for (int i = 0; i < LANES; i += 2) t[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]), t[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
  for (int i = 0; i < LANES; i += 4) {
    row[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]), row[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    row[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]), row[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(row[i], row[i + 4], 0x88), t[i + 4] = _mm512_shuffle_i32x4(row[i], row[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0x88), t[i + 12] = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    row[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88), row[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    row[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88), row[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// Rows [count, width] of 32 bits, `stride` apart, to panels of 64 rows: [count/64, width, 64]. Padding is 0.
static void FN(pack)(const uint32_t* rows, size_t stride, int count, int width, uint32_t* to) {
  for (int first = 0; first < count; first += PANEL, to += width * PANEL)
    for (int block = 0; block < PANEL; block += LANES)
      for (int at = 0; at < width; at += LANES) {
        int columns = width - at < LANES ? width - at : LANES, left = count - first - block;
        __mmask16 mask = (__mmask16)((1u << columns) - 1);
        __m512i row[LANES];
        for (int r = 0; r < LANES; r++) row[r] = r < left ? _mm512_maskz_loadu_epi32(mask, rows + (first + block + r) * stride + at) : _mm512_setzero_si512();
        FN(transpose)(row);
        for (int c = 0; c < columns; c++) _mm512_storeu_si512(to + (at + c) * PANEL + block, row[c]);
      }
}

// Rows [count, head] of halves to pairs of rows: [count/2, head, 2]. An odd row's partner is 0.
static void FN(pack_values)(const uint16_t* values, size_t stride, int count, int head, uint16_t* to) {
  for (int row = 0; row < count; row += 2, to += 2 * head)
    for (int i = 0; i < head; i += LANES) {
      __m512i even = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(values + row * stride + i)));
      __m512i odd = row + 1 < count ? _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)(values + (row + 1) * stride + i))) : _mm512_setzero_si512();
      _mm512_storeu_si512(to + 2 * i, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
    }
}

INLINE void FN(score_tile)(const int floats, const int rows, const void* queries, size_t stride, const void* panel, int head, float* scores) {
  __m512 sum[TILE][VECTORS];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < VECTORS; v++) sum[r][v] = _mm512_setzero_ps();
  FN(multiply_numbers)(floats, rows, VECTORS, queries, stride, panel, PANEL, head, sum);
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < VECTORS; v++) _mm512_storeu_ps(scores + r * KEYS + v * LANES, sum[r][v]);
}

INLINE void FN(put)(const int floats, void* to, int at, __m512 x) {
  if (floats) _mm512_storeu_ps((float*)to + at, x);
  else _mm256_storeu_si256((__m256i*)((uint16_t*)to + at), FN(halves)(x));
}

// Softmax's numerators of a row of scores, as halves or floats, with 0 behind the last of `count`; a power of 2 of (score - largest) · factor.
// `most` and `total` are those of the keys before and of these. Returns what sums of earlier keys are to be multiplied by.
INLINE float FN(exponentiate)(const int floats, const float* scores, int count, float factor, float* most, float* total, void* to) {
  __m512 high = _mm512_set1_ps(*most);
  int i = 0;
  for (; i + LANES <= count; i += LANES) high = _mm512_max_ps(_mm512_loadu_ps(scores + i), high);
  __mmask16 rest = (__mmask16)((1u << (count - i)) - 1);
  if (rest) high = _mm512_mask_max_ps(high, rest, high, _mm512_loadu_ps(scores + i));
  float largest = _mm512_reduce_max_ps(high), shrink = _mm512_cvtss_f32(FN(exp2)(_mm512_set1_ps((*most - largest) * factor)));
  // The largest is taken off before the factor: its own product would round, by more than exponents have room for where scores are some billions.
  __m512 by = _mm512_set1_ps(factor), top = _mm512_set1_ps(largest), sum = _mm512_setzero_ps();
  for (i = 0; i + LANES <= count; i += LANES) {
    __m512 e = FN(exp2)(_mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(scores + i), top), by));
    sum = _mm512_add_ps(sum, e);
    FN(put)(floats, to, i, e);
  }
  if (rest) {
    __m512 e = _mm512_maskz_mov_ps(rest, FN(exp2)(_mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(scores + i), top), by)));
    sum = _mm512_add_ps(sum, e);
    FN(put)(floats, to, i, e);
  }
  *most = largest;
  *total = *total * shrink + _mm512_reduce_add_ps(sum);
  return shrink;
}

INLINE void FN(weigh_tile)(const int rows, const int floats, const int vectors, const void* weights, const void* values, int count, const float* shrink,
                           float* context) {
  const int head = vectors * LANES;
  __m512 sum[TILE][VECTORS];
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++)
      sum[r][v] = _mm512_mul_ps(_mm512_loadu_ps(context + r * PANEL + v * LANES), _mm512_set1_ps(shrink[r]));
  FN(multiply_numbers)(floats, rows, vectors, weights, KEYS, values, head, count, sum);
  UNROLL for (int r = 0; r < rows; r++) UNROLL for (int v = 0; v < vectors; v++) _mm512_storeu_ps(context + r * PANEL + v * LANES, sum[r][v]);
}

INLINE void FN(attend_tile)(const int rows, const int floats, const char* queries, size_t stride, int count, int head, const AttentionScratch* s, float* to,
                            size_t to_stride) {
  const size_t size = floats ? 4 : 2;
  float most[TILE], total[TILE], shrink[TILE], context[TILE * PANEL] = {0};
  const float factor = 1.44269504f / FN(root)((float)head);
  for (int r = 0; r < rows; r++) most[r] = -FLT_MAX, total[r] = 0;
  for (int first = 0; first < count; first += KEYS) {
    int keys = count - first < KEYS ? count - first : KEYS;
    for (int k = 0; k < keys; k += PANEL)
      FN(score_tile)(floats, rows, queries, stride, (const char*)s->keys + (size_t)(first + k) * head * size, head, s->scores + k);
    char* weights = s->weights;
    for (int r = 0; r < rows; r++)
      shrink[r] = FN(exponentiate)(floats, s->scores + r * KEYS, keys, factor, &most[r], &total[r], weights + r * KEYS * size);
    const char* values = (const char*)s->values + (size_t)first * head * size;
    switch (head / LANES) {
      case 1: FN(weigh_tile)(rows, floats, 1, weights, values, keys, shrink, context); break;
      case 2: FN(weigh_tile)(rows, floats, 2, weights, values, keys, shrink, context); break;
      case 3: FN(weigh_tile)(rows, floats, 3, weights, values, keys, shrink, context); break;
      default: FN(weigh_tile)(rows, floats, 4, weights, values, keys, shrink, context); break;
    }
  }
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < head; i += LANES)
      _mm512_storeu_ps(to + r * to_stride + i, _mm512_div_ps(_mm512_loadu_ps(context + r * PANEL + i), _mm512_set1_ps(total[r])));
}

static void FN(attend)(Heads h, int asking, int count, int head, const AttentionScratch* s, float* to, size_t to_stride) {
  if (h.size == FLOATS) {
    FN(pack)(h.keys, h.stride, count, head, s->keys);
    for (int k = 0; k < count; k++) memcpy((float*)s->values + (size_t)k * head, (const float*)h.values + k * h.stride, head * 4);
  } else {
    FN(pack)(h.keys, h.stride / 2, count, head / 2, s->keys);
    FN(pack_values)(h.values, h.stride, count, head, s->values);
  }
  for (int q = 0; q < asking; q += TILE) {
    const char* queries = (const char*)h.queries + q * h.query_stride * h.size;
    if (h.size == FLOATS) {
      WITH_ROWS(asking - q, FN(attend_tile), 1, queries, h.query_stride, count, head, s, to + q * to_stride, to_stride)
    } else {
      WITH_ROWS(asking - q, FN(attend_tile), 0, queries, h.query_stride, count, head, s, to + q * to_stride, to_stride)
    }
  }
}

static const Kernels FN(kernels) = {.rows = TILE,
                                    .linear = FN(linear),
                                    .convert = FN(convert),
                                    .convert_activated = FN(convert_activated),
                                    .normalize = FN(normalize),
                                    .pack = FN(pack),
                                    .attend = FN(attend)};
