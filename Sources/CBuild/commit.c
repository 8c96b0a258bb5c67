// commit.h is written by Scripts/build.sh and not in git. This file is a target of its own, so that
// a new commit compiles it and the command above it, and none of the libraries.
#if __has_include("commit.h")
#include "commit.h"
#endif
#include "CBuild.h"

#ifndef SAKER_COMMIT
#define SAKER_COMMIT "unknown"
#endif

const char *saker_source_commit(void) { return SAKER_COMMIT; }
