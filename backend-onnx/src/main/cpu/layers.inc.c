// Part of luciole_cpu.c.
// ---- The way of a batch through the layers. Two kinds of phases alternate: attention, whose tasks are heads of texts, and all that lies
// between two attentions, whose tasks are blocks of rows. A batch of few rows goes through the latter step by step, each step's tasks being
// panels of columns, so that each weight is read by one thread.
enum { BLOCK_ROWS = 96, FEW_ROWS = 32 };  // rows of a task; up to how many rows a thread a batch goes step by step

typedef enum { CONVERT_CONTEXT, OUT, NORM_ATTENTION, UP, ACTIVATE, DOWN, NORM_OUTPUT, QKV, STEPS } Step;

// What one thread alone writes.
typedef struct {
  float* inner;    // [rows of a block, F]
  Rows activated;  // likewise
  AttentionScratch attention;
} Slot;

typedef struct Run Run;
struct Run {
  const Model* model;
  const Kernels* kernels;
  int tokens, texts, threads;
  const int64_t* starts;  // [texts + 1]
  const int64_t* pooled;  // rows of the last layer's queries, or null for all
  float *states, *sum, *context;  // [T, H]
  char *qkv, *pooled_queries;     // [T, 3H], [texts, H] of what attention multiplies
  Rows states_in, context_in;     // states and context as products take them
  Slot* slots;
  int slot_rows;          // how many rows of `inner` a slot has
  int layer, rows;        // the layer now, and how many rows it has behind its attention
  Step step;
  int blocks, row_chunks;
  void (*parallel)(Run*, void (*task)(Run*, int task, int slot), int tasks);
  void* context_of_ort;
};

// The size of what attention multiplies.
static int attended(const Model* m) { return m->size == FLOATS ? FLOATS : HALF; }

// Where queries, keys and values go.
static Target to_qkv(const Run* r) {
  size_t stride = 3 * r->model->hidden;
  return attended(r->model) == FLOATS ? (Target){.floats = (float*)r->qkv, .stride = stride} : (Target){.halves = (uint16_t*)r->qkv, .stride = stride};
}

// x without its first rows.
static Rows from_row(Rows x, int width, int row) {
  x.values = (char*)x.values + (size_t)row * width * x.size;
  if (x.size == BYTES) x.scales += row, x.outliers += (size_t)row * x.outlier_count;
  return x;
}

// One step for some rows, and, of a product, for some panels. `inner` and `activated` of the slot begin at row `base`.
static void run_step(Run* r, Step step, const Slot* slot, int base, int row, int row_end, int panel, int panel_end) {
  const Model* m = r->model;
  const Kernels* k = r->kernels;
  const Layer* layer = &m->layers[r->layer];
  int h = m->hidden, f = m->inner;
  switch (step) {
    case CONVERT_CONTEXT:
      for (int t = row; t < row_end; t++) k->convert(r->context + (size_t)t * h, h, NULL, r->context_in, t);
      break;
    case OUT:
      k->linear(&layer->out, r->context_in, row, row_end, panel, panel_end, (Target){.floats = r->sum, .residual = r->states, .stride = h});
      break;
    case DOWN:
      k->linear(&layer->down, slot->activated, row - base, row_end - base, panel, panel_end,
                (Target){.floats = r->sum + (size_t)base * h, .residual = r->states + (size_t)base * h, .stride = h});
      break;
    case NORM_ATTENTION:
    case NORM_OUTPUT: {
      const Norm* n = step == NORM_OUTPUT ? &layer->output_norm : &layer->attention_norm;
      for (int t = row; t < row_end; t++) {
        float* state = r->states + (size_t)t * h;
        k->normalize(r->sum + (size_t)t * h, h, n->gamma, n->beta, m->epsilon, state);
        if (step == NORM_ATTENTION || r->layer + 1 < m->layer_count) k->convert(state, h, m->channels, r->states_in, t);
      }
      break;
    }
    case UP:
      k->linear(&layer->up, from_row(r->states_in, h, base), row - base, row_end - base, panel, panel_end, (Target){.floats = slot->inner, .stride = f});
      break;
    case ACTIVATE:
      for (int t = row - base; t < row_end - base; t++)
        k->convert_activated(m->activation, slot->inner + (size_t)t * f, f, m->shift, slot->activated, t);
      break;
    default:
      k->linear(&m->layers[r->layer + 1].qkv, r->states_in, row, row_end, panel, panel_end, to_qkv(r));
  }
}

static int step_width(const Model* m, Step step) {
  switch (step) {
    case OUT:
    case DOWN: return m->hidden;
    case UP: return m->inner;
    case QKV: return 3 * m->hidden;
    default: return 0;  // not a product
  }
}

static int panels(int width) { return (width + PANEL - 1) / PANEL; }

// The first row of the i-th of `parts` about equal parts of the rows, a multiple of what a product takes at once.
static int part(const Run* r, int rows, int i, int parts) {
  int tile = r->kernels->rows, tiles = (rows + tile - 1) / tile, row = (int)((int64_t)tiles * i / parts) * tile;
  return i == parts || row > rows ? rows : row;
}

static void block_task(Run* r, int task, int slot) {
  int row = part(r, r->rows, task, r->blocks), end = part(r, r->rows, task + 1, r->blocks);
  int last = r->layer + 1 == r->model->layer_count ? QKV : STEPS;
  for (int s = 0; s < last; s++) run_step(r, s, &r->slots[slot], row, row, end, 0, panels(step_width(r->model, s)));
}

static void step_task(Run* r, int task, int slot) {
  (void)slot;
  int width = step_width(r->model, r->step);
  if (!width) {
    run_step(r, r->step, &r->slots[0], 0, part(r, r->rows, task, r->blocks), part(r, r->rows, task + 1, r->blocks), 0, 0);
  } else {
    int chunk = task % r->row_chunks, panel = task / r->row_chunks;
    run_step(r, r->step, &r->slots[0], 0, part(r, r->rows, chunk, r->row_chunks), part(r, r->rows, chunk + 1, r->row_chunks), panel, panel + 1);
  }
}

static void attention_task(Run* r, int task, int slot) {
  const Model* m = r->model;
  int text = task / m->heads, size = m->hidden / m->heads, column = task % m->heads * size, h = m->hidden, scale = attended(m);
  int first = (int)r->starts[text], count = (int)(r->starts[text + 1] - first);
  const char* qkv = r->qkv + ((size_t)first * 3 * h + column) * scale;
  int pooled = r->pooled && r->layer + 1 == m->layer_count;
  Heads heads = {.queries = qkv, .keys = qkv + h * scale, .values = qkv + 2 * h * scale, .size = scale, .query_stride = 3 * h, .stride = 3 * h};
  if (pooled) heads.queries = r->pooled_queries + ((size_t)text * h + column) * scale, heads.query_stride = h;
  r->kernels->attend(heads, pooled ? 1 : count, count, size, &r->slots[slot].attention, r->context + (size_t)(pooled ? text : first) * h + column, h);
}

// Between the last layer's keys and its attention: only pooled rows go on. Their queries are those of rows that are in r->qkv already.
static void pool_rows(Run* r) {
  int h = r->model->hidden, row = h * attended(r->model);
  for (int t = 0; t < r->texts; t++) {
    memcpy(r->pooled_queries + (size_t)t * row, r->qkv + (size_t)r->pooled[t] * 3 * row, row);
    memcpy(r->sum + (size_t)t * h, r->states + (size_t)r->pooled[t] * h, h * sizeof(float));
  }
  memcpy(r->states, r->sum, (size_t)r->texts * h * sizeof(float));
  r->rows = r->texts;
}

static void convert_task(Run* r, int task, int slot) {
  (void)slot;
  int h = r->model->hidden, row = part(r, r->tokens, task, r->blocks), end = part(r, r->tokens, task + 1, r->blocks);
  for (int t = row; t < end; t++) r->kernels->convert(r->states + (size_t)t * h, h, r->model->channels, r->states_in, t);
}

static void first_qkv_task(Run* r, int task, int slot) {
  (void)slot;
  int chunk = task % r->row_chunks, panel = task / r->row_chunks;
  r->kernels->linear(&r->model->layers[0].qkv, r->states_in, part(r, r->tokens, chunk, r->row_chunks), part(r, r->tokens, chunk + 1, r->row_chunks), panel, panel + 1, to_qkv(r));
}

static int goes_by_steps(int rows, int threads) { return rows <= FEW_ROWS * threads; }

// Blocks of rows: at least one a thread, as many for each, none of more than `most` rows.
static int block_count(const Run* r, int rows, int most) {
  int tile = r->kernels->rows, each = (rows + most * r->threads - 1) / (most * r->threads), count = each * r->threads, tiles = (rows + tile - 1) / tile;
  return count < tiles ? count : tiles;
}

static void run_layers(Run* r) {
  const Model* m = r->model;
  r->rows = r->tokens;
  r->blocks = block_count(r, r->rows, BLOCK_ROWS);
  r->row_chunks = (r->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
  r->parallel(r, convert_task, r->blocks);
  r->parallel(r, first_qkv_task, panels(3 * m->hidden) * r->row_chunks);
  for (r->layer = 0; r->layer < m->layer_count; r->layer++) {
    if (r->pooled && r->layer + 1 == m->layer_count) pool_rows(r);
    r->parallel(r, attention_task, r->texts * m->heads);
    if (!goes_by_steps(r->rows, r->threads) || r->rows > r->slot_rows) {
      r->blocks = block_count(r, r->rows, r->slot_rows < BLOCK_ROWS ? r->slot_rows : BLOCK_ROWS);
      r->parallel(r, block_task, r->blocks);
      continue;
    }
    int last = r->layer + 1 == m->layer_count ? QKV : STEPS;
    r->blocks = block_count(r, r->rows, r->rows);
    r->row_chunks = 1;
    for (int s = 0; s < last; s++) {
      int width = step_width(m, s);
      r->step = s;
      r->parallel(r, step_task, width ? panels(width) * r->row_chunks : r->blocks);
    }
  }
}
