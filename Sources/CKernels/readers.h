// Maps as kernels read them: plain, or normalized or differentiated on the way into registers. Included by each form after vectors.h.

/// What a channel's values go through on their way in: nothing, normalization, or the gradient through it.
enum { PLAIN, NORMALIZED, PENDING };

INLINE int kind_of(const source *s) { return s->gradient ? PENDING : s->normalization ? NORMALIZED : PLAIN; }

/// A vector of channels of a map.
struct reader {
  const float *map, *raw;
  const struct saker_normalization *normalization;
  vec scale, shift, mean, a, b, c;
};

INLINE struct reader reader_of(const int kind, const source *s, int c, int part) {
  struct reader r = {.map = s->map + c};
  const struct saker_normalization_gradient *g = s->gradient;
  r.normalization = kind == PENDING ? &g->normalization : s->normalization;
  if (kind == PLAIN) return r;
  r.scale = load(r.normalization->scale + c, part);
  r.shift = load(r.normalization->shift + c, part);
  if (kind == NORMALIZED) return r;
  r.raw = g->x + c;
  r.mean = load(r.normalization->mean + c, part);
  r.a = load(g->a + c, part);
  r.b = load(g->b + c, part);
  r.c = load(g->c + c, part);
  return r;
}

INLINE vec fetch(const int kind, const struct reader *r, ptrdiff_t at, int part) {
  vec v = load(r->map + at, part);
  if (kind == NORMALIZED) return activate(r->scale * v + r->shift, r->normalization->activation);
  if (kind == PLAIN) return v;
  vec x = load(r->raw + at, part);
  return r->a * activation_gradient(v, r->scale * x + r->shift, r->normalization->activation) + (r->b * (x - r->mean) + r->c);
}

/// Calls with the kind of the source as a constant.
#define EACH_KIND(load, source, ...)                  \
  switch (kind_of(source)) {                          \
    case PLAIN: load(PLAIN, __VA_ARGS__); break;      \
    case NORMALIZED: load(NORMALIZED, __VA_ARGS__); break; \
    default: load(PENDING, __VA_ARGS__); break;       \
  }
