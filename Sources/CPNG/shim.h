#pragma once
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libpng reports errors by longjmp, which must not cross Swift frames: both directions stay in C,
// in one call each.

struct saker_png_job {
  const unsigned char *input;  // reading: the whole file
  size_t count, position;
  unsigned char *output;  // writing: grows, released with free
  size_t capacity;
  char message[160];
};

static inline void saker_png_error(png_structp png, png_const_charp text) {
  struct saker_png_job *job = (struct saker_png_job *)png_get_error_ptr(png);
  snprintf(job->message, sizeof job->message, "%s", text);
  longjmp(*png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf)), 1);
}

static inline void saker_png_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static inline void saker_png_take(png_structp png, png_bytep to, size_t count) {
  struct saker_png_job *job = (struct saker_png_job *)png_get_io_ptr(png);
  if (count > job->count - job->position) png_error(png, "the file ends early");
  memcpy(to, job->input + job->position, count);
  job->position += count;
}

static inline void saker_png_put(png_structp png, png_bytep from, size_t count) {
  struct saker_png_job *job = (struct saker_png_job *)png_get_io_ptr(png);
  if (count > job->capacity - job->count) {
    size_t capacity = 2 * job->capacity + count + 65536;
    unsigned char *grown = (unsigned char *)realloc(job->output, capacity);
    if (!grown) png_error(png, "out of memory");
    job->output = grown;
    job->capacity = capacity;
  }
  memcpy(job->output + job->count, from, count);
  job->count += count;
}

static inline void saker_png_flush(png_structp png) { (void)png; }

/// Decodes `job->input` as 8-bit RGB into `pixels`, which holds exactly `width * height * 3` bytes;
/// `rows` holds `height` pointers. Palettes and 1, 2 and 4 bits are expanded, gray is repeated, 16
/// bits keep their high byte, alpha is dropped; gamma and profiles are not applied. Returns 0, or
/// -1 with `job->message` set.
static inline int saker_png_read(struct saker_png_job *job, unsigned char *pixels, unsigned char **rows, unsigned width, unsigned height) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, saker_png_error, saker_png_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    snprintf(job->message, sizeof job->message, "out of memory");
    return -1;
  }
  if (setjmp(*png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf)))) {
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  png_set_read_fn(png, job, saker_png_take);
  png_set_user_limits(png, width, height);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height ||
      png_get_rowbytes(png, info) != (size_t)width * 3)
    png_error(png, "rows of an unexpected size");
  for (unsigned y = 0; y < height; y++) rows[y] = pixels + (size_t)y * width * 3;
  png_read_image(png, rows);
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

/// Decodes `job->input`, a gray PNG of 16 bits, into `levels`, which holds exactly `width * height`
/// numbers in the machine's byte order; `rows` holds `height` pointers. Returns 0, or -1 with
/// `job->message` set.
static inline int saker_png_read_gray16(struct saker_png_job *job, unsigned short *levels, unsigned char **rows, unsigned width, unsigned height) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, saker_png_error, saker_png_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    snprintf(job->message, sizeof job->message, "out of memory");
    return -1;
  }
  if (setjmp(*png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf)))) {
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  png_set_read_fn(png, job, saker_png_take);
  png_set_user_limits(png, width, height);
  png_read_info(png, info);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  png_set_swap(png);
#endif
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height ||
      png_get_rowbytes(png, info) != (size_t)width * 2)
    png_error(png, "rows of an unexpected size");
  for (unsigned y = 0; y < height; y++) rows[y] = (unsigned char *)(levels + (size_t)y * width);
  png_read_image(png, rows);
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

/// Encodes 8-bit RGB into `job->output`, `job->count` bytes, to be released with `free`. `level` is
/// zlib's, 0...9. Returns 0, or -1 with `job->message` set.
static inline int saker_png_write(struct saker_png_job *job, const unsigned char *pixels, unsigned width, unsigned height, int level) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, job, saker_png_error, saker_png_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    snprintf(job->message, sizeof job->message, "out of memory");
    return -1;
  }
  if (setjmp(*png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf)))) {
    png_destroy_write_struct(&png, &info);
    return -1;
  }
  png_set_write_fn(png, job, saker_png_put, saker_png_flush);
  png_set_compression_level(png, level);
  // On photographs these two are as small as all five filters, and a third faster.
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB | PNG_FILTER_UP);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  png_write_info(png, info);
  for (unsigned y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * 3);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return 0;
}
