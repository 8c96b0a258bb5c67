#pragma once
#include "include/maps.h"

typedef struct saker_source source;
typedef struct saker_epilogue epilogue;

static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }
