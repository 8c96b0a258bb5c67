#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

// libtiff reports errors through a handler of each open file; what it does by longjmp (inside its
// JPEG codec) stays inside it.

struct saker_tiff_job {
  const unsigned char *input;  // the whole file
  size_t count, position;
  char message[200];
};

/// Keeps the first error, which is the cause of the others.
static inline int saker_tiff_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  struct saker_tiff_job *job = (struct saker_tiff_job *)user;
  (void)tiff;
  (void)module;
  if (!job->message[0]) vsnprintf(job->message, sizeof job->message, format, arguments);
  return 1;
}

static inline int saker_tiff_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
  (void)tiff, (void)user, (void)module, (void)format, (void)arguments;
  return 1;
}

static inline tmsize_t saker_tiff_take(thandle_t handle, void *to, tmsize_t count) {
  struct saker_tiff_job *job = (struct saker_tiff_job *)handle;
  size_t left = job->position < job->count ? job->count - job->position : 0;
  size_t take = count < 0 ? 0 : (size_t)count < left ? (size_t)count : left;
  memcpy(to, job->input + job->position, take);
  job->position += take;
  return (tmsize_t)take;
}

static inline tmsize_t saker_tiff_put(thandle_t handle, void *from, tmsize_t count) {
  (void)handle, (void)from, (void)count;
  return 0;
}

static inline toff_t saker_tiff_seek(thandle_t handle, toff_t offset, int whence) {
  struct saker_tiff_job *job = (struct saker_tiff_job *)handle;
  size_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? job->position : job->count;
  job->position = base + (size_t)offset < base ? job->count : base + (size_t)offset;
  if (job->position > job->count) job->position = job->count;
  return job->position;
}

static inline int saker_tiff_close(thandle_t handle) {
  (void)handle;
  return 0;
}

static inline int saker_tiff_map(thandle_t handle, void **base, toff_t *size) {
  struct saker_tiff_job *job = (struct saker_tiff_job *)handle;
  *base = (void *)job->input;
  *size = job->count;
  return 1;
}

static inline void saker_tiff_unmap(thandle_t handle, void *base, toff_t size) { (void)handle, (void)base, (void)size; }

static inline toff_t saker_tiff_size(thandle_t handle) { return ((struct saker_tiff_job *)handle)->count; }

/// Decodes the first page of `job->input` into `raster`, `width * height` pixels of red, green,
/// blue, alpha from the low byte up, as stored: `orientation` is not applied. 16 bits keep their
/// high byte. `*premultiplied` tells whether colours come multiplied by alpha. Returns 0, or -1
/// with `job->message` set.
static inline int saker_tiff_read(struct saker_tiff_job *job, uint32_t *raster, uint32_t width, uint32_t height, int *premultiplied) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) {
    snprintf(job->message, sizeof job->message, "out of memory");
    return -1;
  }
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)1 << 30);
  TIFFOpenOptionsSetErrorHandlerExtR(options, saker_tiff_error, job);
  TIFFOpenOptionsSetWarningHandlerExtR(options, saker_tiff_warning, job);
  // The file counts as mapped into memory: without that, libtiff 4.5 refuses tiles without
  // compression whose size is no multiple of 1,024.
  TIFF *tiff = TIFFClientOpenExt(
      "picture", "r", (thandle_t)job, saker_tiff_take, saker_tiff_put, saker_tiff_seek, saker_tiff_close, saker_tiff_size, saker_tiff_map,
      saker_tiff_unmap, options);
  TIFFOpenOptionsFree(options);
  int result = -1;
  uint32_t w = 0, h = 0;
  char reason[1024] = "";
  TIFFRGBAImage image;
  if (!tiff) {
  } else if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &w) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &h) || w != width || h != height) {
    snprintf(job->message, sizeof job->message, "a page of an unexpected size");
  } else if (!TIFFRGBAImageOK(tiff, reason) || !TIFFRGBAImageBegin(&image, tiff, 1, reason)) {
    // What the library says of itself ("Sorry, can not handle ...") names the kind of samples.
    if (!job->message[0]) snprintf(job->message, sizeof job->message, "%s", reason);
  } else {
    image.req_orientation = image.orientation;
    *premultiplied = image.alpha == EXTRASAMPLE_ASSOCALPHA;
    // The library's tables round 16 bits and multiply colours by alpha; here the high byte and the
    // colours are kept.
    if (image.Bitdepth16To8)
      for (int i = 0; i < 65536; i++) image.Bitdepth16To8[i] = (uint8_t)(i >> 8);
    if (image.UaToAa)
      for (int i = 0; i < 65536; i++) image.UaToAa[i] = (uint8_t)i;
    result = TIFFRGBAImageGet(&image, raster, width, height) ? 0 : -1;
    TIFFRGBAImageEnd(&image);
  }
  if (tiff) TIFFClose(tiff);
  if (result != 0 && !job->message[0]) snprintf(job->message, sizeof job->message, "its samples cannot be read");
  return result;
}
