// Proves that the transforms written out in winograd_transforms.h are those of
// docs/winograd.md: for all tiles and all unit vectors of filter, input and gradient, the
// products add up to the correlation and to its two gradients. All numbers are whole after G is
// multiplied by 24, so nothing rounds.
#include <math.h>
#include <stdio.h>

#define INLINE static inline __attribute__((always_inline))
typedef float vec __attribute__((vector_size(16)));
#include "../../Sources/CKernels/winograd_transforms.h"

static const int points[5][6] = {{0}, {0, 1, 5}, {0, 1, 2, 5}, {0, 1, 2, 3, 5}, {0, 1, 2, 3, 4, 5}};
static int failures;

static void expect(int m, const char *what, double got, double wanted) {
  if (got == wanted) return;
  failures++;
  fprintf(stderr, "winograd_matrices: F(%d, 3), %s: expected %g, got %g\n", m, what, wanted, got);
}

/// A matrix, column by column, from a transform of unit vectors.
#define MATRIX(name, in, out, transform)                                  \
  static void name(int m, double matrix[6][6]) {                          \
    (void)m;                                                              \
    for (int column = 0; column < (in); column++) {                       \
      vec from[6] = {{0}}, to[6] = {{0}};                                 \
      from[column] += 1;                                                  \
      transform;                                                          \
      for (int row = 0; row < (out); row++) matrix[row][column] = to[row][0]; \
    }                                                                     \
  }
MATRIX(input_matrix, m + 2, m + 2, EACH_SIZE(input_side, m, from, to))
MATRIX(output_matrix, m + 2, m, EACH_SIZE(output_side, m, from, to))
MATRIX(gradient_matrix, m, m + 2, EACH_SIZE(gradient_side, m, from, to))
MATRIX(weight_matrix, 3, 6, weight_side(from, 1, to, 1))
MATRIX(weight_gradient_matrix, 6, 3, weight_gradient_side(from, 1, to, 1))

int main(void) {
  double g[6][6], gt[6][6];
  weight_matrix(0, g);
  weight_gradient_matrix(0, gt);
  for (int p = 0; p < 6; p++)
    for (int k = 0; k < 3; k++) {
      expect(0, "G^T is G transposed", gt[k][p], g[p][k]);
      double whole = round(24 * g[p][k]);
      if (fabs(24 * g[p][k] - whole) > 1e-6) expect(0, "24 G is whole", 24 * g[p][k], whole);
      g[p][k] = whole;
    }
  for (int m = 1; m <= 4; m++) {
    double bt[6][6], at[6][6], a[6][6];
    input_matrix(m, bt);
    output_matrix(m, at);
    gradient_matrix(m, a);
    for (int i = 0; i < m; i++)
      for (int p = 0; p < m + 2; p++) expect(m, "A is A^T transposed", a[p][i], at[i][p]);
    for (int i = 0; i < m; i++)
      for (int k = 0; k < 3; k++)
        for (int j = 0; j < m + 2; j++) {
          // The one trilinear form that result, data gradient and weight gradient are
          // three readings of.
          double sum = 0;
          for (int p = 0; p < m + 2; p++) sum += at[i][p] * g[points[m][p]][k] * bt[p][j];
          expect(m, "result i of tap k and input j", sum, i + k == j ? 24 : 0);
        }
  }
  if (failures) return 1;
  printf("winograd_matrices: all are right\n");
  return 0;
}
