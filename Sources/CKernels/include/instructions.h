#pragma once

/// Whether the processor multiplies matrices of bfloat16 (AMX), the system lets this process do so, and SAKER_ISA does not name less.
int saker_amx(void);
