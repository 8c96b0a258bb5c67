// What becomes of results while they are in registers. Included by each form after vectors.h.

/// Adds results, in rows of 4 or one row, to the record of their block; the first result of the
/// block is the pivot.
static void add_statistics(const vec *o, int height, int width, int part, int is_first, float *record, int channels) {
  if (is_first) {
    store(record, part, o[0]);
    store(record + channels, part, (vec){0});
    store(record + 2 * channels, part, (vec){0});
  }
  vec pivot = load(record, part), sum = {0}, square = {0};
  for (int p = 0; p < height; p++)
    for (int q = 0; q < width; q++) {
      vec v = o[p * 4 + q] - pivot;
      sum += v;
      square += v * v;
    }
  store(record + channels, part, load(record + channels, part) + sum);
  store(record + 2 * channels, part, load(record + 2 * channels, part) + square);
}

/// Adds g and g x^ of results, which are gradients of normalized values of `x`.
static void add_sums(const vec *o, int height, int width, int part, int is_first, float *record, int channels, const float *x, ptrdiff_t pixel,
                     ptrdiff_t line, const struct saker_normalization *n, int k) {
  vec scale = load(n->scale + k, part), shift = load(n->shift + k, part), mean = load(n->mean + k, part), inverse = load(n->inverse + k, part);
  vec sum = {0}, dot = {0};
  for (int p = 0; p < height; p++)
    for (int q = 0; q < width; q++) {
      vec value = load(x + p * line + q * pixel, part);
      vec g = activation_gradient(o[p * 4 + q], scale * value + shift, n->activation);
      sum += g;
      dot += g * ((value - mean) * inverse);
    }
  if (!is_first) {
    sum += load(record, part);
    dot += load(record + channels, part);
  }
  store(record, part, sum);
  store(record + channels, part, dot);
}

/// Where results go, and what is made of them on the way.
struct target {
  const epilogue *by;
  float *y;
  ptrdiff_t pixel, line;     // floats from a pixel to the next, and from a row of them
  int channels;
  int is_identity;  // no activation
  int is_plain;     // nothing at all
  float *statistics, *sums;  // records of the block
};

INLINE struct target target_of(const epilogue *e, float *y, ptrdiff_t pixel, ptrdiff_t line, int channels, int block) {
  struct target t = {e, y, pixel, line, channels, .is_identity = !e->activation.swish && e->activation.slope == 1 && e->activation.cap == __builtin_inff()};
  t.statistics = e->statistics ? e->statistics + (size_t)block * 3 * channels : 0;
  t.sums = e->sums ? e->sums + (size_t)block * 2 * channels : 0;
  t.is_plain = t.is_identity && !e->bias && !e->residual && !e->statistics && !e->sums;
  return t;
}

/// Adds bias and residual to height x width results of the channels from `k` on, whose first pixel
/// begins at `origin`. They are in rows of 4, or in one row of any width.
INLINE void add_terms(vec *o, int height, int width, const struct target *t, ptrdiff_t origin, int k, int part) {
  const epilogue *e = t->by;
  if (e->bias) {
    vec bias = load(e->bias + k, part);
    for (int p = 0; p < height; p++)
      for (int q = 0; q < width; q++) o[p * 4 + q] += bias;
  }
  if (e->residual)
    for (int p = 0; p < height; p++)
      for (int q = 0; q < width; q++) o[p * 4 + q] += load(e->residual + origin + p * t->line + q * t->pixel + k, part);
}

/// Stores such results after the epilogue. `is_first`: of their block.
INLINE void emit(vec *o, int height, int width, const struct target *t, int is_first, ptrdiff_t origin, int k, int part) {
  const epilogue *e = t->by;
  ptrdiff_t pixel = t->pixel, line = t->line;
  add_terms(o, height, width, t, origin, k, part);
  if (!t->is_identity)
    for (int p = 0; p < height; p++)
      for (int q = 0; q < width; q++) o[p * 4 + q] = activate(o[p * 4 + q], e->activation);
  float *to = t->y + origin + k;
  for (int p = 0; p < height; p++)
    for (int q = 0; q < width; q++) store(to + p * line + q * pixel, part, o[p * 4 + q]);
  if (t->statistics) add_statistics(o, height, width, part, is_first, t->statistics + k, t->channels);
  if (t->sums) add_sums(o, height, width, part, is_first, t->sums + k, t->channels, e->x + origin + k, pixel, line, e->normalization, k);
}

/// The larger of each two; not-a-number is larger than all.
INLINE vec larger(vec a, vec b) { return blend((b > a) | (b != b), b, a); }

/// Stores the largest of each whole 2x2 window of results in rows of 4; the first window's goes to
/// `at`, in a map with `line` floats a row.
INLINE void emit_pooled(vec *o, int height, int width, const struct target *t, ptrdiff_t origin, ptrdiff_t at, ptrdiff_t line, int k, int part) {
  struct saker_activation by = t->by->activation;
  add_terms(o, height, width, t, origin, k, part);
  if (by.swish)
    for (int p = 0; p < height; p++)
      for (int q = 0; q < width; q++) o[p * 4 + q] = activate(o[p * 4 + q], by);
  for (int p = 0; p < height / 2; p++)
    for (int q = 0; q < width / 2; q++) {
      const vec *window = o + p * 8 + q * 2;
      vec v = larger(larger(window[0], window[1]), larger(window[4], window[5]));
      // The other functions never fall.
      if (!by.swish && !t->is_identity) v = activate(v, by);
      store(t->y + at + p * line + q * t->pixel + k, part, v);
    }
}
