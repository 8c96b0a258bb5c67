#!/usr/bin/env bash
# Measures this machine's limits with the Swift toolchain's clang; see roofline.c.
# usage: run.sh [THREADS]
set -euo pipefail
cd "$(dirname "$0")"
clang=$(command -v clang) || clang=$(dirname "$(command -v swift)")/clang
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
"$clang" -O2 -fno-slp-vectorize -Wall -Wextra -Werror -pthread roofline.c -o "$build/roofline"
"$build/roofline" "$@"
