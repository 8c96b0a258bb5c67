#pragma once

// One line of text by Pango: it chooses fonts by the letters they have, joins and orders letters as
// their script wants. A canvas keeps one context; layouts are made and released in one call each.
//
// Declared here are the few functions that are called, of an interface that has been stable since
// Pango 1.44: its own headers want the flags of a dozen libraries, one of which (-pthread) SwiftPM
// warns of at every build.

typedef struct _cairo cairo_t;
typedef struct _PangoContext PangoContext;
typedef struct _PangoFontDescription PangoFontDescription;
typedef struct _PangoFontMetrics PangoFontMetrics;
typedef struct _PangoLanguage PangoLanguage;
typedef struct _PangoLayout PangoLayout;
typedef struct _PangoLayoutLine PangoLayoutLine;
typedef struct { int x, y, width, height; } saker_pango_rectangle;

PangoContext *pango_cairo_create_context(cairo_t *);
void pango_cairo_update_context(cairo_t *, PangoContext *);
void pango_cairo_show_layout_line(cairo_t *, PangoLayoutLine *);
void pango_context_set_round_glyph_positions(PangoContext *, int);
PangoFontMetrics *pango_context_get_metrics(PangoContext *, const PangoFontDescription *, PangoLanguage *);
PangoLanguage *pango_language_from_string(const char *);
int pango_font_metrics_get_ascent(PangoFontMetrics *);
int pango_font_metrics_get_descent(PangoFontMetrics *);
void pango_font_metrics_unref(PangoFontMetrics *);
PangoFontDescription *pango_font_description_new(void);
void pango_font_description_set_family(PangoFontDescription *, const char *);
void pango_font_description_set_weight(PangoFontDescription *, int);
void pango_font_description_set_absolute_size(PangoFontDescription *, double);
void pango_font_description_free(PangoFontDescription *);
PangoLayout *pango_layout_new(PangoContext *);
void pango_layout_set_single_paragraph_mode(PangoLayout *, int);
void pango_layout_set_font_description(PangoLayout *, const PangoFontDescription *);
void pango_layout_set_text(PangoLayout *, const char *, int);
int pango_layout_get_unknown_glyphs_count(PangoLayout *);
PangoLayoutLine *pango_layout_get_line_readonly(PangoLayout *, int);
void pango_layout_line_get_extents(PangoLayoutLine *, saker_pango_rectangle *ink, saker_pango_rectangle *logical);
void g_object_unref(void *);

struct saker_text_size {
  double width;      // how far the pen moves
  int missing;       // letters that no font has
};

static inline void *saker_text_context(cairo_t *cairo) {
  PangoContext *context = pango_cairo_create_context(cairo);
  // Places are not rounded to pixels: alike at every scale.
  pango_context_set_round_glyph_positions(context, 0);
  return context;
}

static inline void saker_text_release(void *context) { g_object_unref(context); }

static inline PangoFontDescription *saker_text_font(const char *family, double size, int bold) {
  PangoFontDescription *font = pango_font_description_new();
  pango_font_description_set_family(font, family);
  pango_font_description_set_weight(font, bold ? 700 : 400);
  pango_font_description_set_absolute_size(font, size * 1024);
  return font;
}

static inline PangoLayout *saker_text_layout(void *context, cairo_t *cairo, const char *family, double size, int bold, const char *text, int count) {
  pango_cairo_update_context(cairo, (PangoContext *)context);
  PangoFontDescription *font = saker_text_font(family, size, bold);
  PangoLayout *layout = pango_layout_new((PangoContext *)context);
  pango_layout_set_single_paragraph_mode(layout, 1);
  pango_layout_set_font_description(layout, font);
  pango_layout_set_text(layout, text, count);
  pango_font_description_free(font);
  return layout;
}

/// Height of the font's letters above and below the base line.
static inline void saker_text_height(void *context, cairo_t *cairo, const char *family, double size, int bold, double *ascent, double *descent) {
  pango_cairo_update_context(cairo, (PangoContext *)context);
  PangoFontDescription *font = saker_text_font(family, size, bold);
  PangoFontMetrics *metrics = pango_context_get_metrics((PangoContext *)context, font, pango_language_from_string("en"));
  *ascent = (double)pango_font_metrics_get_ascent(metrics) / 1024;
  *descent = (double)pango_font_metrics_get_descent(metrics) / 1024;
  pango_font_metrics_unref(metrics);
  pango_font_description_free(font);
}

/// The size of a text of `count` bytes of UTF-8.
static inline struct saker_text_size saker_text_measure(void *context, cairo_t *cairo, const char *family, double size, int bold, const char *text, int count) {
  PangoLayout *layout = saker_text_layout(context, cairo, family, size, bold, text, count);
  PangoLayoutLine *line = pango_layout_get_line_readonly(layout, 0);
  saker_pango_rectangle extents;
  pango_layout_line_get_extents(line, 0, &extents);
  struct saker_text_size result = {(double)extents.width / 1024, pango_layout_get_unknown_glyphs_count(layout)};
  g_object_unref(layout);
  return result;
}

/// Draws a text from the current point on, which is on its base line, with the current source.
static inline void saker_text_show(void *context, cairo_t *cairo, const char *family, double size, int bold, const char *text, int count) {
  PangoLayout *layout = saker_text_layout(context, cairo, family, size, bold, text, count);
  pango_cairo_show_layout_line(cairo, pango_layout_get_line_readonly(layout, 0));
  g_object_unref(layout);
}
