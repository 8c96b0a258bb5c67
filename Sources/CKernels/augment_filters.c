// What happens to a pixel among its neighbours, and rows that change places.
#include <string.h>

#include "augment.h"
#include "targets.h"
#include "functions.h"

void saker_flip_mask(uint8_t *pixels, int width, int height) {
  for (int y = 0; y < height; y++) {
    uint8_t *left = pixels + (ptrdiff_t)y * width, *right = left + width - 1;
    for (; left < right; left++, right--) {
      uint8_t level = *left;
      *left = *right;
      *right = level;
    }
  }
}

void saker_flip_rows(uint8_t *rows, size_t bytes, int height) {
  uint8_t part[4096];
  for (int y = 0; y < height / 2; y++) {
    uint8_t *top = rows + bytes * (size_t)y, *bottom = rows + bytes * (size_t)(height - 1 - y);
    for (size_t done = 0; done < bytes; done += sizeof part) {
      size_t count = bytes - done < sizeof part ? bytes - done : sizeof part;
      memcpy(part, top + done, count);
      memcpy(top + done, bottom + done, count);
      memcpy(bottom + done, part, count);
    }
  }
}

void saker_copy_rows(const uint8_t *source, ptrdiff_t source_stride, uint8_t *result, ptrdiff_t stride, size_t bytes, int rows) {
  for (int y = 0; y < rows; y++) memcpy(result + y * stride, source + y * source_stride, bytes);
}

size_t saker_mask_bounds(const uint8_t *mask, int width, int height, uint8_t value, int *bounds) {
  size_t count = 0;
  int left = width, right = 0, top = height, bottom = 0;
  for (int y = 0; y < height; y++) {
    const uint8_t *row = mask + (ptrdiff_t)y * width;
    if (!memchr(row, value, (size_t)width)) continue;
    if (y < top) top = y;
    bottom = y + 1;
    int inside = 0;
    for (int x = 0; x < width; x++) inside += row[x] == value;
    count += (size_t)inside;
    int first = 0, last = width - 1;
    while (row[first] != value) first++;
    while (row[last] != value) last--;
    if (first < left) left = first;
    if (last + 1 > right) right = last + 1;
  }
  if (!count) left = top = 0;
  bounds[0] = left, bounds[1] = top, bounds[2] = right, bounds[3] = bottom;
  return count;
}

SAKER_INLINE int mirrored(int i, int count) { return i < 0 ? -i : i >= count ? 2 * count - 2 - i : i; }

SAKER_TARGETS void saker_filter(const uint8_t *source, uint8_t *result, int width, int height, int channels, const float *wx, int rx,
                                const float *wy, int ry, float *scratch) {
  enum { block = 64 };
  int count = width * channels, edge = rx * channels;
  float *row = scratch + edge;
  for (int y = 0; y < height; y++) {
    int i = 0;
    for (; i + block <= count; i += block) {
      float sums[block] = {0};
      for (int t = -ry; t <= ry; t++) {
        const uint8_t *from = source + (ptrdiff_t)mirrored(y + t, height) * count + i;
        float weight = wy[t + ry];
#pragma clang loop unroll(full)
        for (int k = 0; k < block; k++) sums[k] += weight * from[k];
      }
      memcpy(row + i, sums, sizeof sums);
    }
    for (; i < count; i++) {
      float sum = 0;
      for (int t = -ry; t <= ry; t++) sum += wy[t + ry] * source[(ptrdiff_t)mirrored(y + t, height) * count + i];
      row[i] = sum;
    }
    for (int x = 1; x <= rx; x++)
      for (int c = 0; c < channels; c++) {
        row[c - x * channels] = row[c + x * channels];
        row[count - channels + c + x * channels] = row[count - channels + c - x * channels];
      }
    uint8_t *to = result + (ptrdiff_t)y * count;
    for (i = 0; i + block <= count; i += block) {
      float sums[block];
      for (int k = 0; k < block; k++) sums[k] = 0.5f;
      for (int t = -rx; t <= rx; t++) {
        const float *from = row + i + t * channels;
        float weight = wx[t + rx];
#pragma clang loop unroll(full)
        for (int k = 0; k < block; k++) sums[k] += weight * from[k];
      }
      // Weights sum to 1 and are not negative, so only rounding can leave 0...255.
      for (int k = 0; k < block; k++) to[i + k] = (uint8_t)(int)(sums[k] > 255 ? 255 : sums[k]);
    }
    for (; i < count; i++) {
      float sum = 0.5f;
      for (int t = -rx; t <= rx; t++) sum += wx[t + rx] * row[i + t * channels];
      to[i] = (uint8_t)(int)(sum > 255 ? 255 : sum);
    }
  }
}

SAKER_TARGETS void saker_sharpen_rgb(const uint8_t *source, uint8_t *result, int width, int height, float factor, uint16_t *scratch) {
  int count = 3 * width;
  size_t bytes = (size_t)count;
  memcpy(result, source, bytes);
  memcpy(result + bytes * (size_t)(height - 1), source + bytes * (size_t)(height - 1), bytes);
  for (int y = 1; y < height - 1; y++) {
    const uint8_t *middle = source + bytes * (size_t)y, *above = middle - bytes, *below = middle + bytes;
    uint8_t *to = result + bytes * (size_t)y;
    for (int i = 0; i < count; i++) scratch[i] = (uint16_t)(above[i] + middle[i] + below[i]);
    memcpy(to, middle, 3);
    memcpy(to + count - 3, middle + count - 3, 3);
    float rest = 1 - factor;
    for (int i = 3; i < count - 3; i++) {
      int sum = scratch[i - 3] + scratch[i] + scratch[i + 3] + 4 * middle[i];
      float smooth = (float)(int)((float)sum * (1.0f / 13) + 0.5f);
      float level = (float)middle[i] + rest * (smooth - (float)middle[i]);
      level = level < 0 ? 0 : level > 255 ? 255 : level;
      to[i] = (uint8_t)(int)level;
    }
  }
}
