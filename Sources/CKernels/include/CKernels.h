// The inner loops that need vector instructions the Swift compiler would not pick by itself, and the one set of compute threads.
#pragma once
#include "elementwise.h"
#include "interruption.h"
#include "losses.h"
#include "maps.h"
#include "memory.h"
#include "normalization.h"
#include "optimizers.h"
#include "parallel.h"
#include "pictures.h"
#include "rows.h"
#include "state.h"
#include "winograd.h"
