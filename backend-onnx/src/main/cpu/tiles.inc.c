// Part of luciole_cpu.c: products and attention by tiles (AMX), with what is left of kernels.inc.c's functions for vectors. Included once, with
// FN(name) for the vectors' functions, AMX(name) for those of this file, and the instructions as macros, so that the kernel test can include it
// again with instructions that it emulates.
//
// A tile register holds 16 rows of 64 bytes. A product takes a tile of rows, and one of a weight's panel: 16 steps of the inner dimension by
// 16 columns, which lie in a panel as the instruction wants them. Two tiles of rows by two of columns make four of sums.

#ifndef LUCIOLE_SHARED_BY_TILES
#define LUCIOLE_SHARED_BY_TILES
enum {
  TILE_ROWS = 16,
  TILE_BYTES = 64,          // of a row
  PAIR_ROWS = 2 * TILE_ROWS,
  PAIR_COLUMNS = 2 * LANES, // columns that are computed at once
  SUM_ROWS = 96,            // rows whose sums are kept while steps of a chunk go on
  PANEL_STRIDE = 4 * PANEL, // bytes between two steps of a panel
  CHUNK = 16                // tiles of the inner dimension that are multiplied in one go, for all rows: what the first-level cache holds of a weight
};

typedef struct {  // as LDTILECFG takes it
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} TileConfig;

// Registers: sums of the first rows 0 and 1, of the second 2 and 3; rows 4 and 5; columns 6 and 7. `rows`: up to PAIR_ROWS.
static TileConfig product_config(int rows) {
  int first = rows < TILE_ROWS ? rows : TILE_ROWS, second = rows > TILE_ROWS ? rows - TILE_ROWS : 1;
  TileConfig c = {.palette = 1, .rows = {first, first, second, second, first, second, TILE_ROWS, TILE_ROWS}};
  for (int i = 0; i < 8; i++) c.bytes[i] = TILE_BYTES;
  return c;
}

// Registers: scores of the first queries 0, of the second 1; keys 2 and 3; the first queries 4 and 5, the second 6 and 7.
static TileConfig score_config(int rows) {
  int first = rows < TILE_ROWS ? rows : TILE_ROWS, second = rows > TILE_ROWS ? rows - TILE_ROWS : 1;
  TileConfig c = {.palette = 1, .rows = {first, second, TILE_ROWS, TILE_ROWS, first, first, second, second}};
  for (int i = 0; i < 8; i++) c.bytes[i] = TILE_BYTES;
  return c;
}
#endif

// Adds products of `steps` tiles of rows, `a_stride` bytes apart, with two tiles of columns each to the sums. both: of more than TILE_ROWS rows.
// Meanwhile two tiles of columns a step are fetched from `next`, if not null, to the second-level cache. Nothing need be there: that is no access.
INLINE void AMX(multiply)(const int halves, const int both, const char* a, size_t a_stride, const char* b, size_t b_stride, int steps, const char* next) {
  for (int s = 0; s < steps; s++, a += TILE_BYTES, b += TILE_ROWS * b_stride) {
    TILE_LOAD(6, b, b_stride);
    TILE_LOAD(7, b + TILE_BYTES, b_stride);
    TILE_LOAD(4, a, a_stride);
    if (next)
      for (int i = 0; i < TILE_ROWS; i++, next += b_stride) {
        _mm_prefetch(next, _MM_HINT_T1);
        _mm_prefetch(next + TILE_BYTES, _MM_HINT_T1);
      }
    if (halves) {
      TILE_ADD_PAIRS(0, 4, 6);
      TILE_ADD_PAIRS(1, 4, 7);
    } else {
      TILE_ADD_FOURS(0, 4, 6);
      TILE_ADD_FOURS(1, 4, 7);
    }
    if (!both) continue;
    TILE_LOAD(5, a + TILE_ROWS * a_stride, a_stride);
    if (halves) {
      TILE_ADD_PAIRS(2, 5, 6);
      TILE_ADD_PAIRS(3, 5, 7);
    } else {
      TILE_ADD_FOURS(2, 5, 6);
      TILE_ADD_FOURS(3, 5, 7);
    }
  }
}

// The same from memory to memory: sums [rows, PAIR_COLUMNS] of 32 bits, `stride` bytes apart, from zero or from what they are.
INLINE void AMX(accumulate)(const int halves, const int both, int from_zero, char* sums, size_t stride, const char* a, size_t a_stride, const char* b,
                            size_t b_stride, int steps, const char* next) {
  char *right = sums + TILE_BYTES, *below = sums + TILE_ROWS * stride;
  if (from_zero) {
    TILE_ZERO(0);
    TILE_ZERO(1);
    if (both) {
      TILE_ZERO(2);
      TILE_ZERO(3);
    }
  } else {
    TILE_LOAD(0, sums, stride);
    TILE_LOAD(1, right, stride);
    if (both) {
      TILE_LOAD(2, below, stride);
      TILE_LOAD(3, below + TILE_BYTES, stride);
    }
  }
  AMX(multiply)(halves, both, a, a_stride, b, b_stride, steps, next);
  TILE_STORE(0, sums, stride);
  TILE_STORE(1, right, stride);
  if (both) {
    TILE_STORE(2, below, stride);
    TILE_STORE(3, below + TILE_BYTES, stride);
  }
}

static void AMX(add_products)(int halves, int both, int from_zero, void* sums, size_t stride, const void* a, size_t a_stride, const void* b, size_t b_stride,
                              int steps, const void* next) {
  if (halves) {
    if (both) AMX(accumulate)(1, 1, from_zero, sums, stride, a, a_stride, b, b_stride, steps, next);
    else AMX(accumulate)(1, 0, from_zero, sums, stride, a, a_stride, b, b_stride, steps, next);
  } else {
    if (both) AMX(accumulate)(0, 1, from_zero, sums, stride, a, a_stride, b, b_stride, steps, next);
    else AMX(accumulate)(0, 0, from_zero, sums, stride, a, a_stride, b, b_stride, steps, next);
  }
}

// Sums [rows, PAIR_COLUMNS] to what the layer gives.
INLINE void AMX(finish)(const int rows, const Linear* w, Rows x, int row, int first, const int32_t* sums, Target to) {
  enum { HALF = PAIR_COLUMNS / LANES };
  __m512i sum[TILE][VECTORS];
  __m512 y[TILE][VECTORS];
  if (w->scale) {
    UNROLL for (int v = 0; v < HALF; v++) {
      __m512i start = _mm512_loadu_si512(w->start + first + v * LANES);
      UNROLL for (int r = 0; r < rows; r++) sum[r][v] = _mm512_add_epi32(start, _mm512_load_si512(sums + r * PAIR_COLUMNS + v * LANES));
    }
    FN(scale_sums)(rows, HALF, w, x, row, first, sum, y);
  } else {
    UNROLL for (int v = 0; v < HALF; v++) {
      __m512 bias = _mm512_loadu_ps(w->bias + first + v * LANES);
      UNROLL for (int r = 0; r < rows; r++) y[r][v] = _mm512_add_ps(bias, _mm512_load_ps((const float*)sums + r * PAIR_COLUMNS + v * LANES));
    }
  }
  FN(store)(rows, HALF, y, (w->outputs - first) / LANES, to, row, first);
}

// Where a weight's columns from `first` on begin, of which one has `size` bytes.
INLINE const char* AMX(columns)(const Linear* w, int size, int first) {
  return (const char*)w->packed + (size_t)(first / PANEL) * PANEL * size + first % PANEL * 4;
}

// Floats, and rows whose length is no multiple of a tile's, go through vectors.
static void AMX(linear)(const Linear* w, Rows x, int row, int row_end, int panel, int panel_end, Target to) {
  int halves = x.size == HALF, size = w->inputs * x.size, steps = size / TILE_BYTES;
  if (x.size == FLOATS || size % TILE_BYTES) {
    FN(linear)(w, x, row, row_end, panel, panel_end, to);
    return;
  }
  int32_t sums[SUM_ROWS * PAIR_COLUMNS] __attribute__((aligned(64)));
  int configured = 0;
  for (int rows; row < row_end; row += rows) {
    rows = row_end - row < SUM_ROWS ? row_end - row : SUM_ROWS;
    const char* a = (const char*)x.values + (size_t)row * size;
    for (int first = panel * PANEL; first < panel_end * PANEL && first < w->outputs; first += PAIR_COLUMNS) {
      const char* b = AMX(columns)(w, size, first);
      for (int chunk = 0; chunk < steps; chunk += CHUNK) {
        int left = steps - chunk, now = left < CHUNK ? left : CHUNK;
        const char* next = left > CHUNK ? b + (size_t)CHUNK * TILE_ROWS * PANEL_STRIDE : AMX(columns)(w, size, first + PAIR_COLUMNS);
        for (int r = 0; r < rows; r += PAIR_ROWS, next = NULL) {
          int pair = rows - r < PAIR_ROWS ? rows - r : PAIR_ROWS;
          if (pair != configured) {
            TileConfig config = product_config(configured = pair);
            TILE_CONFIGURE(&config);
          }
          AMX(add_products)(halves, pair > TILE_ROWS, chunk == 0, sums + r * PAIR_COLUMNS, PAIR_COLUMNS * 4, a + (size_t)r * size + chunk * TILE_BYTES, size, b,
                            PANEL_STRIDE, now, next);
        }
        b += (size_t)CHUNK * TILE_ROWS * PANEL_STRIDE;
      }
      for (int r = 0; r < rows; r += TILE) WITH_ROWS(rows - r, AMX(finish), w, x, row + r, first, sums + r * PAIR_COLUMNS, to)
    }
  }
  TILE_RELEASE();
}

// Scores of up to PAIR_ROWS queries and `keys` keys, a multiple of LANES after rounding up, KEYS apart.
INLINE void AMX(score)(const int wide, int rows, const uint16_t* queries, size_t stride, const uint32_t* panels, int keys, float* scores) {
  TileConfig config = score_config(rows);
  TILE_CONFIGURE(&config);
  const int steps = wide ? 2 : 1, size = steps * LANES * PANEL;  // numbers of a panel
  const int both = rows > TILE_ROWS;
  const uint16_t* second = queries + TILE_ROWS * stride;
  TILE_LOAD(4, queries, stride * 2);
  if (wide) TILE_LOAD(5, queries + PAIR_COLUMNS, stride * 2);
  if (both) {
    TILE_LOAD(6, second, stride * 2);
    if (wide) TILE_LOAD(7, second + PAIR_COLUMNS, stride * 2);
  }
  for (int k = 0; k < keys; k += LANES) {
    const uint32_t* columns = panels + (size_t)(k / PANEL) * size + k % PANEL;
    TILE_ZERO(0);
    TILE_LOAD(2, columns, PANEL_STRIDE);
    TILE_ADD_PAIRS(0, 4, 2);
    if (wide) {
      TILE_LOAD(3, columns + LANES * PANEL, PANEL_STRIDE);
      TILE_ADD_PAIRS(0, 5, 3);
    }
    if (both) {
      TILE_ZERO(1);
      TILE_ADD_PAIRS(1, 6, 2);
      if (wide) TILE_ADD_PAIRS(1, 7, 3);
      TILE_STORE(1, scores + TILE_ROWS * KEYS + k, KEYS * 4);
    }
    TILE_STORE(0, scores + k, KEYS * 4);
  }
}

static void AMX(attend_rows)(int rows, const uint16_t* queries, size_t stride, int count, int head, const AttentionScratch* s, float* to, size_t to_stride) {
  float most[PAIR_ROWS], total[PAIR_ROWS], context[PAIR_ROWS * PANEL] __attribute__((aligned(64)));
  const float factor = 1.44269504f / FN(root)((float)head);
  for (int r = 0; r < rows; r++) most[r] = -FLT_MAX, total[r] = 0;
  for (int first = 0; first < count; first += KEYS) {
    int keys = count - first < KEYS ? count - first : KEYS;
    if (head == PANEL) AMX(score)(1, rows, queries, stride, (const uint32_t*)s->keys + (size_t)first * (head / 2), keys, s->scores);
    else AMX(score)(0, rows, queries, stride, (const uint32_t*)s->keys + (size_t)first * (head / 2), keys, s->scores);
    uint16_t* weights = s->weights;
    for (int r = 0; r < rows; r++) {
      float shrink = FN(exponentiate)(0, s->scores + r * KEYS, keys, factor, &most[r], &total[r], weights + r * KEYS);
      int behind = (keys + LANES - 1) / LANES * LANES;
      if (behind % PAIR_COLUMNS) _mm256_storeu_si256((__m256i*)(weights + r * KEYS + behind), _mm256_setzero_si256());
      if (first)
        for (int i = 0; i < head; i += LANES)
          _mm512_store_ps(context + r * PANEL + i, _mm512_mul_ps(_mm512_load_ps(context + r * PANEL + i), _mm512_set1_ps(shrink)));
    }
    TileConfig config = product_config(rows);
    TILE_CONFIGURE(&config);
    for (int column = 0; column < head; column += PAIR_COLUMNS)
      AMX(add_products)(1, rows > TILE_ROWS, first == 0, context + column, PANEL * 4, weights, KEYS * 2, (const uint16_t*)s->values + (size_t)first * head + 2 * column,
                        head * 4, (keys + PAIR_COLUMNS - 1) / PAIR_COLUMNS, NULL);
  }
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < head; i += LANES)
      _mm512_storeu_ps(to + r * to_stride + i, _mm512_div_ps(_mm512_load_ps(context + r * PANEL + i), _mm512_set1_ps(total[r])));
}

// As of vectors, which also serve floats, and heads whose size is no multiple of a tile's. One query alone goes through tiles, too: they add up in
// another order, and a pooled row must become what it becomes among all rows.
static void AMX(attend)(Heads h, int asking, int count, int head, const AttentionScratch* s, float* to, size_t to_stride) {
  if (h.size == FLOATS || head % PAIR_COLUMNS) {
    FN(attend)(h, asking, count, head, s, to, to_stride);
    return;
  }
  FN(pack)(h.keys, h.stride / 2, count, head / 2, s->keys);
  FN(pack_values)(h.values, h.stride, count, head, s->values);
  // Rows of values that a tile takes behind the last have weights of 0, which must not meet what is no number.
  int packed = (count + 1) / 2 * 2, needed = (count + PAIR_COLUMNS - 1) / PAIR_COLUMNS * PAIR_COLUMNS;
  memset((uint16_t*)s->values + (size_t)packed * head, 0, (size_t)(needed - packed) * head * 2);
  for (int q = 0; q < asking; q += PAIR_ROWS)
    AMX(attend_rows)(asking - q < PAIR_ROWS ? asking - q : PAIR_ROWS, (const uint16_t*)h.queries + q * h.query_stride, h.query_stride, count, head, s,
                     to + q * to_stride, to_stride);
  TILE_RELEASE();
}

static const Kernels AMX(kernels) = {.rows = TILE_ROWS,
                                     .linear = AMX(linear),
                                     .convert = FN(convert),
                                     .convert_activated = FN(convert_activated),
                                     .normalize = FN(normalize),
                                     .pack = FN(pack),
                                     .attend = AMX(attend)};
