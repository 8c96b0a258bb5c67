// Maps as kernels read them: plain, or normalized or differentiated on the way into registers.
// Included by each form after vectors.h.

/// What a channel's values go through on their way in: nothing, normalization, or the gradient
/// through it; the last two also with ReLU known for the activation, as nearly all have it.
enum { PLAIN, NORMALIZED, RECTIFIED, PENDING, PENDING_RECTIFIED };

INLINE int is_relu(struct saker_activation a) { return a.slope == 0 && a.cap == __builtin_inff() && !a.swish; }

static int kind_of(const source *s) {
  if (s->gradient) return is_relu(s->gradient->normalization.activation) ? PENDING_RECTIFIED : PENDING;
  if (s->normalization) return is_relu(s->normalization->activation) ? RECTIFIED : NORMALIZED;
  return PLAIN;
}

INLINE int is_pending(const int kind) { return kind == PENDING || kind == PENDING_RECTIFIED; }

/// A vector of channels of a map.
struct reader {
  const float *map, *raw;
  const struct saker_normalization *normalization;
  vec scale, shift, mean, a, b, c;
};

INLINE struct reader reader_of(const int kind, const source *s, int c, int part) {
  struct reader r = {.map = s->map + c};
  const struct saker_normalization_gradient *g = s->gradient;
  r.normalization = is_pending(kind) ? &g->normalization : s->normalization;
  if (kind == PLAIN) return r;
  r.scale = load(r.normalization->scale + c, part);
  r.shift = load(r.normalization->shift + c, part);
  if (!is_pending(kind)) return r;
  r.raw = g->x + c;
  r.mean = load(r.normalization->mean + c, part);
  r.a = load(g->a + c, part);
  r.b = load(g->b + c, part);
  r.c = load(g->c + c, part);
  return r;
}

INLINE vec fetch(const int kind, const struct reader *r, ptrdiff_t at, int part) {
  vec v = load(r->map + at, part);
  if (kind == PLAIN) return v;
  const struct saker_activation relu = {0, __builtin_inff(), 0};
  struct saker_activation a = kind == RECTIFIED || kind == PENDING_RECTIFIED ? relu : r->normalization->activation;
  if (!is_pending(kind)) return activate(r->scale * v + r->shift, a);
  vec x = load(r->raw + at, part);
  return r->a * activation_gradient(v, r->scale * x + r->shift, a) + (r->b * (x - r->mean) + r->c);
}

/// Calls with the kind of the source as a constant.
#define EACH_KIND(load, source, ...)                               \
  switch (kind_of(source)) {                                       \
    case PLAIN: load(PLAIN, __VA_ARGS__); break;                   \
    case NORMALIZED: load(NORMALIZED, __VA_ARGS__); break;         \
    case RECTIFIED: load(RECTIFIED, __VA_ARGS__); break;           \
    case PENDING: load(PENDING, __VA_ARGS__); break;               \
    default: load(PENDING_RECTIFIED, __VA_ARGS__); break;          \
  }
